package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// attempts is how often a write without a version is tried again when somebody
// else wrote in between.
const attempts = 5

// Create stores a new record. An identical repeat of the caller's last create
// within ten seconds is ErrRepeated.
func (g Guarded) Create(ctx context.Context, rec record.Raw) (table.Doc, error) {
	return g.create(ctx, rec, creation{once: true})
}

// Add is Create without the look at repeats, for rows of an import.
func (g Guarded) Add(ctx context.Context, rec record.Raw) (table.Doc, error) {
	return g.create(ctx, rec, creation{})
}

// creation is how a record is created.
type creation struct {
	once     bool // an identical repeat is refused
	extended bool // the sub-schema must exist
}

func (g Guarded) create(ctx context.Context, rec record.Raw, how creation) (table.Doc, error) {
	d, err := g.tenant.Collection(ctx, rec.Datatype)
	if err != nil {
		return nil, err
	}
	if err := g.creatable(d); err != nil {
		return nil, err
	}
	if rec.Data, err = withoutSecrets(d, rec.Data); err != nil {
		return nil, err
	}
	clean := record.Raw{
		Datatype: rec.Datatype, Name: rec.Name, Subschema: rec.Subschema, Data: rec.Data, Owner: rec.Owner,
		Post: rec.Post, Style: rec.Style,
	}
	if g.who.IsStaff() {
		clean.RequiredRole, clean.Notes = rec.RequiredRole, rec.Notes
		if g.reaches(rec.State) {
			clean.State = rec.State
		}
	}
	if g.who.Kind == auth.Customer {
		clean.Owner = nil // it is the customer's own
	}
	tx := g.tenant.Begin(g.who)
	tx.extended = how.extended
	if how.once {
		tx.hash = createHash(g.tenant.org.String(), g.who, clean)
		clean.CreateHash = tx.hash
	} else {
		tx.Cause("import", 0)
	}
	tx.Create(clean)
	return g.only(tx.commit(ctx))
}

func (g Guarded) only(docs []table.Doc, err error) (table.Doc, error) {
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	return g.shown(docs[0]), nil
}

// createHash is equal for equal creates of one principal.
func createHash(org string, who auth.Principal, rec record.Raw) string {
	var canonical any
	if json.Unmarshal(rec.Data, &canonical) != nil {
		canonical = string(rec.Data)
	}
	text, err := json.Marshal([]any{org, who.Kind, who.ID, rec.Datatype, rec.Name, rec.Owner, canonical})
	if err != nil {
		text = rec.Data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Revision is what a full update brings: Data replaces the payload; the other
// members are kept when they are nil.
type Revision struct {
	Version      *int64               `json:"version"`
	Name         string               `json:"name"`
	Data         json.RawMessage      `json:"data"`
	State        record.State         `json:"state"`
	Subschema    string               `json:"subschema"`
	Owner        *record.Owner        `json:"owner"`
	RequiredRole *record.RequiredRole `json:"requiredRole"`
	Post         json.RawMessage      `json:"post"`
	Style        json.RawMessage      `json:"style"`
	Notes        []record.Note        `json:"notes"`
}

// Update replaces the payload of a record.
func (g Guarded) Update(ctx context.Context, datatype, id string, c Revision) (table.Doc, error) {
	return g.change(ctx, datatype, id, c.Version, auth.Update, func(d *collection.Definition, rec *record.Raw, tx *Tx) error {
		if len(c.Data) > 0 {
			data, err := keepSecrets(d, c.Data, rec.Data)
			if err != nil {
				return err
			}
			rec.Data = data
		}
		if c.Name != "" {
			rec.Name = c.Name
		}
		g.envelope(rec, c)
		tx.Update(*rec)
		return nil
	})
}

// envelope takes over the members of the envelope that a client may set.
func (g Guarded) envelope(rec *record.Raw, c Revision) {
	if c.Subschema != "" {
		rec.Subschema = c.Subschema
	}
	if len(c.Post) > 0 {
		rec.Post = c.Post
	}
	if len(c.Style) > 0 {
		rec.Style = c.Style
	}
	if !g.who.IsStaff() {
		return
	}
	if c.State != "" && g.reaches(c.State) {
		rec.State = c.State
	}
	if c.Owner != nil {
		rec.Owner = c.Owner
	}
	if c.RequiredRole != nil {
		rec.RequiredRole = c.RequiredRole
	}
	if c.Notes != nil {
		rec.Notes = c.Notes
	}
}

// reaches says whether the principal may set a state by a plain write: what
// takes a review or an approval asks for that verb.
func (g Guarded) reaches(s record.State) bool {
	switch s {
	case record.Deleted:
		return false
	case record.Approved:
		return g.may(auth.Approve)
	case record.Reviewed:
		return g.may(auth.Review)
	default:
		return true
	}
}

// Patch sets dotted paths of a record; an object replaces the branch at its
// path. The paths are those of Revision, and any below data.
func (g Guarded) Patch(ctx context.Context, datatype, id string, paths map[string]json.RawMessage) (table.Doc, error) {
	version, err := versionOf(paths)
	if err != nil {
		return nil, err
	}
	return g.change(ctx, datatype, id, version, auth.Update, func(d *collection.Definition, rec *record.Raw, tx *Tx) error {
		c, err := patched(*rec, paths)
		if err != nil {
			return err
		}
		data, err := keepSecrets(d, c.Data, rec.Data)
		if err != nil {
			return err
		}
		rec.Data = data
		if c.Name != "" {
			rec.Name = c.Name
		}
		g.envelope(rec, c)
		tx.Update(*rec)
		return nil
	})
}

// Delete moves a record to the trash and returns it as it was; a record of the
// trash goes for good.
func (g Guarded) Delete(ctx context.Context, datatype, id string) (table.Doc, error) {
	return g.change(ctx, datatype, id, nil, auth.Delete, func(_ *collection.Definition, rec *record.Raw, tx *Tx) error {
		tx.Delete(*rec)
		return nil
	})
}

// Publish makes a record public, or with on false a draft again.
func (g Guarded) Publish(ctx context.Context, datatype, id string, on bool) (table.Doc, error) {
	return g.change(ctx, datatype, id, nil, auth.Update, func(_ *collection.Definition, rec *record.Raw, tx *Tx) error {
		if on {
			tx.Publish(*rec)
		} else {
			tx.Unpublish(*rec)
		}
		return nil
	})
}

// ErrState refuses a step that a record's state does not allow.
var ErrState = fault.New(fault.Conflict, "invalid_state", "The record's state does not allow that.")

// Step moves a record to a state, from one of the states given, and leaves note
// on it when there is one; verb is what the step asks of the principal.
type Step struct {
	Verb auth.Verb
	To   record.State
	From []record.State
	Note string
}

// Step performs a step of an approval.
func (g Guarded) Step(ctx context.Context, datatype, id string, s Step) (table.Doc, error) {
	return g.change(ctx, datatype, id, nil, s.Verb, func(_ *collection.Definition, rec *record.Raw, tx *Tx) error {
		if !slices.Contains(s.From, rec.State) {
			return ErrState.WithMessage("A record in the state " + string(rec.State) + " cannot become " + string(s.To) + ".")
		}
		if s.Note != "" {
			rec.Notes = append(rec.Notes, record.Note{Author: g.who.Label(), Comment: s.Note, Date: record.At(g.tenant.repo.o.Now())})
		}
		if s.To == record.Approved {
			tx.Approve(*rec)
			return nil
		}
		rec.State = s.To
		tx.Update(*rec)
		return nil
	})
}

// RestoreVersion writes the payload of an old version as a new one.
func (g Guarded) RestoreVersion(ctx context.Context, datatype, id string, version int64) (table.Doc, error) {
	return g.change(ctx, datatype, id, nil, auth.Update, func(_ *collection.Definition, rec *record.Raw, tx *Tx) error {
		old, err := g.tenant.Version(ctx, rec.Datatype, rec.SK, version)
		if err != nil {
			return err
		}
		rec.Data = old.Data
		tx.Update(*rec)
		return nil
	})
}

// change loads a visible record, checks that the principal may change it, lets
// edit add the write, and commits; again from the start when somebody else
// wrote in between and no version was asked for.
func (g Guarded) change(ctx context.Context, datatype, id string, version *int64, verb auth.Verb, edit func(*collection.Definition, *record.Raw, *Tx) error) (table.Doc, error) {
	d, err := g.readable(ctx, datatype)
	if err != nil {
		return nil, err
	}
	for range attempts {
		doc, failed := g.changeOnce(ctx, d, id, version, verb, edit)
		if version != nil || !errors.Is(failed, ErrVersion) {
			return doc, failed
		}
		err = failed
	}
	return nil, fmt.Errorf("change %s: %w", datatype, err)
}

func (g Guarded) changeOnce(ctx context.Context, d *collection.Definition, id string, version *int64, verb auth.Verb, edit func(*collection.Definition, *record.Raw, *Tx) error) (table.Doc, error) {
	doc, err := g.find(ctx, d, id)
	if err != nil {
		return nil, err
	}
	rec, err := decode(doc)
	if err != nil {
		return nil, err
	}
	if err := g.changeable(d, rec, doc, verb); err != nil {
		return nil, err
	}
	if version != nil && *version != rec.Version {
		return nil, versionConflict(rec.Version)
	}
	tx := g.tenant.Begin(g.who)
	if err := edit(d, &rec, tx); err != nil {
		return nil, err
	}
	return g.only(tx.commit(ctx))
}

// RestoreTrash brings a record back from the trash, by the id of the trash
// record or of the record itself.
func (g Guarded) RestoreTrash(ctx context.Context, id string) (table.Doc, error) {
	trash, err := g.tenant.Trashed(ctx, id)
	if err != nil {
		return nil, err
	}
	d, err := g.readable(ctx, trash.SourceDatatype)
	if err != nil {
		return nil, err
	}
	doc, err := encode(trash)
	if err != nil {
		return nil, err
	}
	if !g.who.IsStaff() {
		return nil, g.refusal()
	}
	if !g.sees(d, doc) {
		return nil, table.ErrNotFound
	}
	if err := g.changeable(d, trash, doc, auth.Delete); err != nil {
		return nil, err
	}
	tx := g.tenant.Begin(g.who)
	tx.Restore(trash)
	return g.only(tx.commit(ctx))
}

// History lists the versions of a record that the principal may see, newest
// first.
func (g Guarded) History(ctx context.Context, datatype, id string, limit int) ([]table.Doc, error) {
	d, err := g.readable(ctx, datatype)
	if err != nil {
		return nil, err
	}
	doc, err := g.find(ctx, d, id)
	if err != nil {
		return nil, err
	}
	docs, err := g.tenant.History(ctx, datatype, docText(doc, "sk"), limit)
	for i := range docs {
		docs[i] = g.shown(docs[i])
	}
	return docs, err
}
