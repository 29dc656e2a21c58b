package repository

import (
	"context"
	"slices"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// ErrReserved refuses generic writes on collections that only a module writes.
var ErrReserved = fault.New(fault.Forbidden, "reserved_datatype", "Records of this collection are written by the platform only.")

// readable returns the definition of a collection that the principal may read.
func (g Guarded) readable(ctx context.Context, datatype string) (*collection.Definition, error) {
	d, err := g.tenant.Collection(ctx, datatype)
	if err != nil {
		return nil, err
	}
	if !g.may(auth.Read) {
		return nil, g.refusal()
	}
	switch {
	case g.all():
		return d, nil
	case d.AdminOnly, g.who.Kind == auth.Guest, g.who.Kind == auth.Anonymous, isStore(d.Name) && !g.who.IsStaff():
		return nil, g.refusal()
	case !g.holds(roles(d.Required, auth.Read)):
		return nil, g.refusal()
	}
	return d, nil
}

// all says that nothing of the org is hidden from the principal.
func (g Guarded) all() bool { return g.who.Kind == auth.System || g.who.IsAdmin() }

func (g Guarded) may(v auth.Verb) bool { return g.who.Kind == auth.System || g.who.Can(v) }

func (g Guarded) refusal() error {
	if g.who.Kind == auth.APIKey || g.who.Kind == auth.App {
		return auth.ErrScope
	}
	return auth.ErrForbidden
}

// holds says whether the principal has one of the roles; an empty list asks for
// nothing.
func (g Guarded) holds(list []string) bool {
	if len(list) == 0 || g.all() {
		return true
	}
	return slices.ContainsFunc(list, func(name string) bool {
		return g.who.Has(auth.Role(name)) || slices.Contains(g.who.Groups, name)
	})
}

// roles picks the list of a verb.
func roles(r *record.RequiredRole, v auth.Verb) []string {
	if r == nil {
		return nil
	}
	switch v {
	case auth.Read:
		return r.Read
	case auth.Create:
		return r.Create
	case auth.Update:
		return r.Update
	case auth.Delete:
		return r.Delete
	case auth.Review:
		return r.Review
	case auth.Approve:
		return r.Approve
	}
	return nil
}

// sees says whether one record is visible.
func (g Guarded) sees(d *collection.Definition, doc table.Doc) bool {
	if g.all() {
		return true
	}
	if limit := g.limit(d); limit != nil && !limit.Match(doc) {
		return false
	}
	return g.allowed().Match(doc)
}

// limit is the condition that outsiders' records meet: what is public, and what
// they author or own. Staff have none.
func (g Guarded) limit(d *collection.Definition) *filter.Filter {
	switch {
	case g.all(), g.who.IsStaff():
		return nil
	case g.who.Kind == auth.App:
		return g.appLimit(d)
	}
	own := g.own(d)
	if d.Public {
		return filter.And(filter.Or(shown(), own), filter.Or(g.allowed(), own))
	}
	return filter.And(own)
}

// shown are the records of a public collection that are meant for everybody.
func shown() *filter.Filter {
	return filter.Not(filter.OneOf("state", "draft", "pending", "rejected", "hold", "archived", "deleted"))
}

// own are the records that a person authors or owns. Ids decide, never e-mail
// addresses: anybody may sign up with a staff member's.
func (g Guarded) own(d *collection.Definition) *filter.Filter {
	if g.who.ID == "" {
		return filter.Or()
	}
	list := []*filter.Filter{filter.OneOf("owner.id", g.who.ID), filter.OneOf("created_by", g.who.ID)}
	if d.Name == string(g.who.Kind) {
		list = append(list, filter.OneOf("sk", g.who.ID))
	}
	return filter.Or(list...)
}

// adminOnly are the built-in collections with that mark; a test holds the list
// against the definitions, which would be slow to read here.
func adminOnly() []string {
	return []string{"access_card", "apikey", "config", "two_factor_backup", "user_invitation", "user_security"}
}

// copies narrows trash, history and published copies to those of collections
// that the principal may read; nil for other collections.
func (g Guarded) copies(ctx context.Context, d *collection.Definition) (*filter.Filter, error) {
	if !isStore(d.Name) || g.all() {
		return nil, nil //nolint:nilnil // nothing to narrow
	}
	hidden := adminOnly()
	page, err := g.tenant.Find(ctx, datatypeCollection, Find{Options: ListOptions{PageSize: PageSizeMax}})
	if err != nil {
		return nil, err
	}
	for _, rec := range page.Data {
		own, err := g.tenant.Collection(ctx, rec.SK)
		if err == nil && !g.holds(roles(own.Required, auth.Read)) {
			hidden = append(hidden, rec.SK)
		}
	}
	return filter.Not(filter.OneOf("sourceDatatype", hidden...)), nil
}

// appLimit is what an application speaking for itself reads: public records,
// definitions, and run-time collections as far as no person owns the record.
func (g Guarded) appLimit(d *collection.Definition) *filter.Filter {
	switch {
	case d.Public:
		return filter.And(shown(), g.allowed())
	case d.Custom:
		return filter.And(filter.Not(filter.OneOf("owner.datatype", "customer", "user")), g.allowed())
	case d.Name == datatypeCollection:
		return &filter.Filter{}
	}
	return g.own(d)
}

// allowed is the condition of a record's own requiredRole.read.
func (g Guarded) allowed() *filter.Filter {
	if g.all() {
		return &filter.Filter{}
	}
	names := make([]string, 0, len(g.who.Roles)+len(g.who.Groups))
	for _, r := range g.who.Roles {
		names = append(names, string(r))
	}
	names = append(names, g.who.Groups...)
	return filter.Or(filter.Absent("requiredRole.read"), filter.OneOf("requiredRole.read", names...))
}

// owns says whether a person authors or owns a record.
func (g Guarded) owns(d *collection.Definition, doc table.Doc) bool { return g.own(d).Match(doc) }
