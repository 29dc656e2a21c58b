package repository

import (
	"context"
	"encoding/json"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// Unit collects a principal's writes, each checked as Guarded checks it, that
// commit together or not at all. It is used once.
type Unit struct {
	g  Guarded
	tx *Tx
}

// Unit starts a group of writes.
func (g Guarded) Unit() *Unit { return &Unit{g: g, tx: g.tenant.Begin(g.who)} }

// Insert adds a new record; what a client may not set is left out. There is no
// look at repeats.
func (u *Unit) Insert(ctx context.Context, rec record.Raw) error {
	g := u.g
	d, err := g.tenant.Collection(ctx, rec.Datatype)
	if err != nil {
		return err
	}
	if err := g.creatable(d); err != nil {
		return err
	}
	if rec.Data, err = withoutSecrets(d, rec.Data); err != nil {
		return err
	}
	clean := record.Raw{
		Datatype: rec.Datatype, Name: rec.Name, Subschema: rec.Subschema, Data: rec.Data, Post: rec.Post, Style: rec.Style,
	}
	if g.who.Kind != auth.Customer {
		clean.Owner = rec.Owner
	}
	if g.who.IsStaff() {
		clean.RequiredRole, clean.Notes = rec.RequiredRole, rec.Notes
		if rec.State != "" && !g.reaches(rec.State) {
			return g.refusal()
		}
		clean.State = rec.State
	}
	u.tx.Create(clean)
	return nil
}

// Edit adds a change of a visible record that matches where. edit is given the
// whole record, decoded with numbers as json.Number and secrets included, and
// changes it in place; of the result only the members of Revision are taken.
// matched is false, and nothing added, when the record is gone or no longer
// matches; and nothing is added when edit says that there is nothing to do.
func (u *Unit) Edit(ctx context.Context, datatype, id string, where *filter.Filter, edit func(whole map[string]any) (todo bool, err error)) (matched bool, err error) {
	d, rec, doc, err := u.load(ctx, datatype, id, auth.Update)
	if err != nil || !where.Match(doc) {
		return false, err
	}
	decoded, err := decodeAny(json.RawMessage(doc))
	if err != nil {
		return false, err
	}
	whole, ok := decoded.(map[string]any)
	if !ok {
		return false, ErrBadRecord
	}
	todo, err := edit(whole)
	if err != nil || !todo {
		return true, err
	}
	edited, err := u.g.edited(rec, whole)
	if err != nil {
		return true, err
	}
	if edited.Data, err = carried(d, edited.Data, rec.Data); err != nil {
		return true, err
	}
	u.tx.Update(edited)
	return true, nil
}

// load reads a visible record that the principal may treat so.
func (u *Unit) load(ctx context.Context, datatype, id string, verb auth.Verb) (*collection.Definition, record.Raw, table.Doc, error) {
	d, err := u.g.readable(ctx, datatype)
	if err != nil {
		return nil, record.Raw{}, nil, err
	}
	doc, err := u.g.find(ctx, d, id)
	if err != nil {
		return nil, record.Raw{}, nil, err
	}
	rec, err := decode(doc)
	if err != nil {
		return nil, record.Raw{}, nil, err
	}
	return d, rec, doc, u.g.changeable(d, rec, doc, verb)
}

// edited takes from a changed record what a client may set.
func (g Guarded) edited(rec record.Raw, whole map[string]any) (record.Raw, error) {
	text, err := encodeAny(whole)
	if err != nil {
		return rec, err
	}
	var after record.Raw
	if err := json.Unmarshal(text, &after); err != nil {
		return rec, ErrBadRecord.WithMessage("The update does not fit the record: " + err.Error() + ".")
	}
	if len(after.Data) == 0 || after.Data[0] != '{' {
		return rec, ErrBadRecord.WithMessage("The data of a record is an object.")
	}
	if after.Name == "" && rec.Name != "" && filter.Get(text, "name") != nil {
		return rec, ErrBadRecord.WithMessage("A record keeps a name.")
	}
	rec.Data, rec.Subschema, rec.Post, rec.Style = after.Data, after.Subschema, after.Post, after.Style
	if after.Name != "" {
		rec.Name = after.Name
	}
	if !g.who.IsStaff() {
		return rec, nil
	}
	if after.State != "" && after.State != rec.State {
		if !g.reaches(after.State) {
			return rec, g.refusal()
		}
		rec.State = after.State
	}
	rec.Owner, rec.RequiredRole, rec.Notes = after.Owner, after.RequiredRole, after.Notes
	return rec, nil
}

// carried gives a changed payload back the secrets that went with a branch that
// the change replaced as a whole, lists aside: there positions mean nothing.
func carried(d *collection.Definition, data, old json.RawMessage) (json.RawMessage, error) {
	return carriedBy(carryObjects, d, data, old)
}

func carryObjects(value, before any, names []string) {
	at, ok := value.(map[string]any)
	old, had := before.(map[string]any)
	if !ok || !had {
		return
	}
	for _, name := range names {
		if secret, had := old[name]; had {
			if _, given := at[name]; !given {
				at[name] = secret
			}
		}
	}
	for name, below := range at {
		carryObjects(below, old[name], names)
	}
}

// Delete adds the removal of a visible record that matches where: into the
// trash, or with hard for good, which only admins may. matched is false, and
// nothing added, when the record no longer matches.
func (u *Unit) Delete(ctx context.Context, datatype, id string, where *filter.Filter, hard bool) (matched bool, err error) {
	_, rec, doc, err := u.load(ctx, datatype, id, auth.Delete)
	if err != nil || !where.Match(doc) {
		return false, err
	}
	switch {
	case !hard:
		u.tx.Delete(rec)
	case !u.g.all():
		return false, u.g.refusal()
	default:
		u.tx.Purge(rec)
	}
	return true, nil
}

// Len is how many writes were added.
func (u *Unit) Len() int { return len(u.tx.steps) }

// Commit performs the writes in one transaction and returns the records as
// stored, secrets stripped, in the order they were added. It fails as Tx.Commit
// does, and then nothing is written.
func (u *Unit) Commit(ctx context.Context) ([]table.Doc, error) {
	if u.Len() == 0 {
		return nil, nil
	}
	docs, err := u.tx.commit(ctx)
	for i, doc := range docs {
		docs[i] = redact(doc)
	}
	return docs, err
}
