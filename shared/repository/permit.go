package repository

import (
	"slices"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// definitions are the collections whose records define the org's own model; they
// are written through the generic calls, by those who configure.
func definitions() []string { return []string{datatypeCollection, "subschema", "auraflow"} }

// configuration are the reserved collections that an admin of the org may write
// generically.
func configuration() []string {
	return []string{"setting", "config", "script", "passwordpolicy", "usergroup", "userrole", "task", "service_pricing"}
}

// configures says whether the principal may define collections.
func (g Guarded) configures() bool {
	if g.all() || !g.who.IsStaff() {
		return g.all()
	}
	if g.who.Kind == auth.APIKey && slices.Contains(g.who.Scopes, "admin") {
		return true
	}
	return g.who.Has(auth.RoleConfigAdmin, auth.RoleContentAdmin, auth.RolePowerUser, auth.RoleRootPowerUser)
}

// written says whether a collection's mark lets the principal write at all.
func (g Guarded) written(d *collection.Definition, verb auth.Verb) error {
	switch d.Mark {
	case collection.Reserved:
		switch {
		case slices.Contains(definitions(), d.Name):
			if !g.configures() {
				return g.refusal()
			}
		case d.Name == datatypeTrash && verb == auth.Delete, d.Name == "task" && g.who.IsStaff():
		case slices.Contains(configuration(), d.Name) && g.all():
		default:
			return ErrReserved
		}
	case collection.Money:
		return ErrReserved
	case collection.Module:
		if verb == auth.Create {
			return ErrReserved.WithMessage("Records of this collection are created through their own endpoint.")
		}
	case collection.Ordinary:
	}
	return nil
}

// creatable says whether the principal may create records of a collection.
func (g Guarded) creatable(d *collection.Definition) error {
	if err := g.written(d, auth.Create); err != nil {
		return err
	}
	switch {
	case !g.may(auth.Create), !g.holds(roles(d.Required, auth.Create)):
		return g.refusal()
	case g.who.Kind == auth.Guest, g.who.Kind == auth.Anonymous:
		return g.refusal()
	case g.who.Kind == auth.Customer && !d.Custom && !d.Customers:
		return g.refusal()
	}
	return nil
}

// changeable says whether the principal may change a visible record: by verb and
// roles; customers only what they author or own.
func (g Guarded) changeable(d *collection.Definition, rec record.Raw, doc table.Doc, verb auth.Verb) error {
	if err := g.written(d, verb); err != nil {
		return err
	}
	if d.Name == datatypeCollection && collection.IsBuiltin(rec.SK) {
		return collection.ErrBuiltin
	}
	if !g.holds(roles(d.Required, verb)) || !g.holds(roles(rec.RequiredRole, verb)) {
		return g.refusal()
	}
	if g.who.Kind == auth.Customer {
		if (d.Custom || d.Customers) && g.owns(d, doc) {
			return nil
		}
		return g.refusal()
	}
	if !g.may(verb) {
		return g.refusal()
	}
	return nil
}
