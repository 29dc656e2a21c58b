package repository

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// Guarded is one org's records as a principal may see and change them. What it
// returns is JSON ready for the wire: secrets are stripped. What the principal
// may not see does not exist (table.ErrNotFound); what it may see but not
// change is auth.ErrForbidden.
type Guarded struct {
	who    auth.Principal
	tenant Tenant
}

// Get returns a record by id: its sk, its name, or "<org>/<datatype>/<sk>".
func (g Guarded) Get(ctx context.Context, datatype, id string) (table.Doc, error) {
	d, err := g.readable(ctx, datatype)
	if err != nil {
		return nil, err
	}
	doc, err := g.find(ctx, d, id)
	if err != nil {
		return nil, err
	}
	return g.shown(doc), nil
}

// shown is a record's JSON without secrets; its share is for staff alone.
func (g Guarded) shown(doc table.Doc) table.Doc {
	doc = redact(doc)
	if g.who.IsStaff() {
		return doc
	}
	return withoutShare(doc)
}

// find locates a visible record, secrets included.
func (g Guarded) find(ctx context.Context, d *collection.Definition, id string) (table.Doc, error) {
	id = strings.TrimPrefix(id, string(g.tenant.org)+"/"+d.Name+"/")
	doc, err := g.tenant.Doc(ctx, d.Name, id)
	if errors.Is(err, table.ErrNotFound) && id != "" {
		doc, err = g.otherwise(ctx, d, id)
	}
	if err != nil {
		return nil, err
	}
	copies, err := g.copies(ctx, d)
	if err != nil {
		return nil, err
	}
	if !g.sees(d, doc) || !copies.Match(doc) {
		return nil, table.ErrNotFound
	}
	return doc, nil
}

// otherwise looks for a record that has another identity: a built-in definition,
// or a name.
func (g Guarded) otherwise(ctx context.Context, d *collection.Definition, id string) (table.Doc, error) {
	if d.Name == datatypeCollection {
		if doc, ok := collection.BuiltinRecord(id, true); ok {
			return doc, nil
		}
	}
	return g.byName(ctx, d, id)
}

func (g Guarded) byName(ctx context.Context, d *collection.Definition, name string) (table.Doc, error) {
	page, err := g.tenant.FindDocs(ctx, d.Name, Find{Where: filter.Equal("name", name), Options: ListOptions{PageSize: 1}})
	if err != nil {
		return nil, err
	}
	if len(page.Docs) == 0 {
		return nil, table.ErrNotFound
	}
	return page.Docs[0], nil
}

// ulidLength is the length of the random end of a generated id.
const ulidLength = 26

// GetAny returns a record of any collection by its id, which says what
// collection it belongs to; ids that are names are looked for among the
// collections whose ids are names.
func (g Guarded) GetAny(ctx context.Context, id string) (table.Doc, error) {
	id = id[strings.LastIndexByte(id, '/')+1:]
	datatypes := []string{datatypeCollection, "userrole", "subschema"}
	if cut := len(id) - ulidLength - 1; cut > 0 && id[cut] == '-' {
		datatypes = []string{id[:cut]}
	}
	var found []table.Doc
	for _, datatype := range datatypes {
		d, err := g.readable(ctx, datatype)
		if err != nil {
			continue
		}
		doc, err := g.tenant.Doc(ctx, datatype, id)
		if err == nil && g.sees(d, doc) {
			found = append(found, g.shown(doc))
		} else if err != nil && !errors.Is(err, table.ErrNotFound) {
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, table.ErrNotFound
	case 1:
		return found[0], nil
	}
	return nil, ErrBadRecord.WithMessage("That id occurs in several collections. Say which one.")
}

// FindAny returns a record by id, name, or another identifying field of its
// collection.
func (g Guarded) FindAny(ctx context.Context, datatype, id string) (table.Doc, error) {
	d, err := g.readable(ctx, datatype)
	if err != nil {
		return nil, err
	}
	doc, err := g.find(ctx, d, id)
	if !errors.Is(err, table.ErrNotFound) {
		return g.shown(doc), err
	}
	fields := []string{"data.number", "data.slug", "data.sku", "data.email", "data.code"}
	for _, u := range d.Unique {
		fields = append(fields, u.Field)
	}
	choice := make([]*filter.Filter, len(fields))
	for i, field := range fields {
		choice[i] = filter.Equal(field, id)
	}
	page, err := g.Find(ctx, datatype, Find{Where: filter.Or(choice...), Options: ListOptions{PageSize: 1}})
	if err != nil {
		return nil, err
	}
	if len(page.Docs) == 0 {
		return nil, table.ErrNotFound
	}
	return page.Docs[0], nil
}

// Find returns one page of the records that the principal may see.
func (g Guarded) Find(ctx context.Context, datatype string, find Find) (DocPage, error) {
	d, err := g.readable(ctx, datatype)
	if err != nil {
		return DocPage{}, err
	}
	if err := g.askable(d, find); err != nil {
		return DocPage{}, err
	}
	page, err := g.page(ctx, d, find)
	if err != nil {
		return DocPage{}, err
	}
	for i, doc := range page.Docs {
		page.Docs[i] = g.shown(doc)
	}
	return page, nil
}

// page adds what limits the principal to the query. For staff that is only the
// requiredRole of records; whether there are any such is asked alongside.
func (g Guarded) page(ctx context.Context, d *collection.Definition, find Find) (DocPage, error) {
	copies, err := g.copies(ctx, d)
	if err != nil {
		return DocPage{}, err
	}
	find.Where = filter.And(find.Where, copies)
	limit := g.limit(d)
	if limit != nil || g.all() {
		find.Where = filter.And(find.Where, limit)
		return g.tenant.FindDocs(ctx, d.Name, find)
	}
	var page DocPage
	var sums []int
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		page, err = g.tenant.FindDocs(inner, d.Name, find)
		return err
	})
	group.Go(func() (err error) {
		sums, err = g.tenant.totals(inner, d.Name+restricted)
		return err
	})
	if err := group.Wait(); err != nil {
		return DocPage{}, err
	}
	if sums[0] == 0 {
		return page, nil
	}
	find.Where = filter.And(find.Where, g.allowed())
	return g.tenant.FindDocs(ctx, d.Name, find)
}

// askable refuses queries about what the principal may not read.
func (g Guarded) askable(d *collection.Definition, find Find) error {
	parsed, err := filter.Parse(find.Filter)
	if err != nil {
		return err
	}
	names := secretsOf(d.Name)
	if isStore(d.Name) {
		names = append(names, "token", "pin", "answer") // of whatever was copied
	}
	if !g.who.IsStaff() {
		names = append(names, "share")
	}
	name := filter.And(parsed, find.Where).Mentions(names)
	for segment := range strings.SplitSeq(find.Options.Sort, ".") {
		for _, secret := range names {
			if segment == secret {
				name = secret
			}
		}
	}
	if name != "" {
		return filter.ErrInvalid.WithMessage("The field " + name + " cannot be asked about.")
	}
	return nil
}

// IsUnique says whether a value of a field is free among the org's records; the
// record with the id except, when given, does not count. where narrows the
// records, as a uniqueScope does.
func (g Guarded) IsUnique(ctx context.Context, datatype, field, value string, find Find, except string) (bool, error) {
	d, err := g.tenant.Collection(ctx, datatype)
	if err != nil {
		return false, err
	}
	path := attributePath(field)
	if err := g.askable(d, Find{Filter: find.Filter, Options: ListOptions{Sort: path}}); err != nil {
		return false, err
	}
	find.Where = filter.EqualFold(path, value)
	if except != "" {
		find.Where = filter.And(find.Where, filter.Not(filter.Equal("sk", except)))
	}
	find.Options.PageSize = 1
	page, err := g.tenant.FindDocs(ctx, datatype, find)
	return err == nil && len(page.Docs) == 0, err
}

// attributePath completes a bare attribute to a path: members of the envelope
// stand as they are, all others are the payload's.
func attributePath(name string) string {
	head, _, _ := strings.Cut(name, ".")
	switch head {
	case "data", "sk", "pk", "name", "datatype", "state", "author", "owner", "createdate", "modifydate",
		"publishedDate", "created_by", "modified_by", "client", "crm_agent", "subschema", "version", "sourceDatatype", "sourceId":
		return name
	}
	return collection.Wrapper + name
}

// AttributePath is how a bare attribute of find-by-attribute is read: a member
// of the envelope, or else a field of the payload.
func AttributePath(name string) string { return attributePath(name) }
