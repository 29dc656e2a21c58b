package repository

import (
	"encoding/json"
	"fmt"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

func (b *batch) create(s *step, d *collection.Definition) (table.Doc, error) {
	data, err := b.prepare(d, s.rec, nil)
	if err != nil {
		return nil, err
	}
	rec := s.rec
	rec.Data = data
	if err := b.identify(&rec, d); err != nil {
		return nil, err
	}
	if rec.Datatype == datatypeCollection {
		if rec.Data, err = b.define(rec, nil); err != nil {
			return nil, err
		}
		s.requestIndex(rec)
	}
	b.sign(&rec)
	if rec.State == "" {
		rec.State = record.New
	}
	s.rec = rec
	outbox, err := b.seeds(s, "create", nil)
	if err != nil {
		return nil, err
	}
	doc, err := b.put(d, rec, outbox, table.ItemMissing{})
	if err != nil {
		return nil, err
	}
	b.count(rec, 1)
	return doc, b.hold(d, rec, nil)
}

// requestIndex announces that the records of a collection wait to be indexed.
func (s *step) requestIndex(rec record.Raw) {
	if filter.Get(rec.Data, "pendingSlots") != nil {
		s.emits = append(s.emits, event.Seed{Name: EventIndexRequested})
	}
}

// sign notes who creates a record. A customer's record carries the customer's id
// as creator, which decides what is the customer's own, and unless it has an
// owner already it is owned by the customer.
func (b *batch) sign(rec *record.Raw) {
	actor := b.tx.actor
	rec.Version, rec.CreateDate, rec.ModifyDate = 0, b.now, b.now
	rec.CreatedBy, rec.ModifiedBy, rec.Client = actor.Label(), actor.Label(), actor.Client
	if rec.Author == "" {
		rec.Author = actor.Label()
	}
	if actor.Kind != auth.Customer {
		return
	}
	rec.CreatedBy = actor.ID
	if rec.Owner == nil {
		rec.Owner = &record.Owner{Datatype: string(actor.Kind), ID: actor.ID, Name: actor.Name, Email: actor.Email}
	}
}

// identify gives a new record its name and id.
func (b *batch) identify(rec *record.Raw, d *collection.Definition) error {
	var err error
	if rec.Name == "" {
		rec.Name, _ = derivedName(d, rec.Data)
	} else if rec.Name, err = explicitName(rec.Name); err != nil {
		return err
	}
	if d.Natural {
		if name := docText(rec.Data, "name"); name != "" {
			rec.Name = name
		}
		rec.SK = rec.Name
	}
	if rec.SK == "" {
		rec.SK = b.tx.tenant.repo.o.NewID(rec.Datatype)
	}
	if !validKey(rec.SK) {
		return ErrBadRecord.WithMessage("The id of a record has letters, digits, underscores and hyphens only.")
	}
	rec.PK = rec.SK
	return nil
}

// define checks the payload of a collection record.
func (b *batch) define(rec record.Raw, old json.RawMessage) (json.RawMessage, error) {
	used := false
	if name := docText(rec.Data, "name"); validKey(name) {
		totals, err := b.tx.tenant.totals(b.ctx, name)
		if err != nil {
			return nil, err
		}
		used = totals[0] > 0
	}
	return collection.Define(rec.Data, old, used)
}

func (b *batch) update(s *step, d *collection.Definition, old record.Raw) (table.Doc, error) {
	rec := s.rec
	data, err := b.prepare(d, rec, old.Data)
	if err != nil {
		return nil, err
	}
	rec.Data = data
	if rec.Datatype == datatypeCollection {
		if rec.Data, err = b.define(rec, old.Data); err != nil {
			return nil, err
		}
		if s.indexed {
			if rec.Data, err = collection.Indexed(rec.Data, s.pending); err != nil {
				return nil, err
			}
		} else {
			s.requestIndex(rec)
		}
	}
	rec.PK, rec.CreateDate, rec.CreatedBy = old.PK, old.CreateDate, old.CreatedBy
	rec.Version, rec.ModifyDate, rec.ModifiedBy = old.Version+1, b.now, b.tx.actor.Label()
	if err := b.rename(&rec, d, old); err != nil {
		return nil, err
	}
	verb, err := b.transition(s.action, &rec)
	if err != nil {
		return nil, err
	}
	changed := changedPaths(old, rec)
	s.rec = rec
	outbox, err := b.seeds(s, verb, changed)
	if err != nil {
		return nil, err
	}
	doc, err := b.put(d, rec, outbox, versionIs(old.Version))
	if err != nil {
		return nil, err
	}
	if isRestricted(rec) != isRestricted(old) {
		b.recount(rec)
	}
	if err := b.free(d, old, guards(d, rec)); err != nil {
		return nil, err
	}
	return doc, b.hold(d, rec, guards(d, old))
}

// recount notes that a record has become restricted, or no longer is.
func (b *batch) recount(rec record.Raw) {
	b.shard = shardOf(rec.SK)
	change := int64(-1)
	if isRestricted(rec) {
		change = 1
	}
	b.counts[rec.Datatype+restricted] += change
}

// rename keeps a derived name in step with what it is derived from; a name that
// was chosen stays until another one is chosen.
func (b *batch) rename(rec *record.Raw, d *collection.Definition, old record.Raw) error {
	if d.Natural {
		rec.Name = old.Name
		return nil
	}
	if rec.Name != "" && rec.Name != old.Name {
		var err error
		rec.Name, err = explicitName(rec.Name)
		return err
	}
	rec.Name = old.Name
	if before, _ := derivedName(d, old.Data); before == old.Name {
		rec.Name, _ = derivedName(d, rec.Data)
	}
	return nil
}

// transition sets the state that an action leads to, with its side effects, and
// returns the verb of the event.
func (b *batch) transition(a action, rec *record.Raw) (verb string, err error) {
	switch a {
	case publish:
		rec.State, rec.PublishedDate = record.Published, b.now
		copied := *rec
		copied.Share = nil // its token is nobody else's business
		copied.Datatype, copied.SourceDatatype, copied.SourceID, copied.PublishDate = datatypePublished, rec.Datatype, rec.SK, b.now
		return "publish", b.copy(copied)
	case unpublish:
		rec.State = record.Draft
		b.add(table.Delete{Key: table.Key{Part: datatypePublished, Sort: rec.SK}}, nil)
	case approve:
		rec.State = record.Approved
		return "approve", nil
	default:
	}
	return "update", nil
}

// remove takes a record away: into the trash, or for good.
func (b *batch) remove(s *step, d *collection.Definition, old record.Raw, doc table.Doc) error {
	s.rec = old
	if old.Datatype == datatypeCollection && collection.IsBuiltin(old.SK) {
		return collection.ErrBuiltin
	}
	b.add(table.Delete{Key: keyOf(old), If: versionIs(old.Version)}, moved)
	if old.Datatype != datatypeHistory && old.Datatype != datatypePublished {
		b.count(old, -1)
	}
	if err := b.free(d, old, nil); err != nil {
		return err
	}
	if old.State == record.Published && old.Datatype != datatypePublished {
		b.add(table.Delete{Key: table.Key{Part: datatypePublished, Sort: old.SK}}, nil)
	}
	if isStore(old.Datatype) {
		return nil // its deletion was announced when the record went there
	}
	outbox, err := b.seeds(s, "delete", nil)
	if err != nil {
		return err
	}
	if s.action == purge {
		b.add(table.Put{Item: table.Item{
			Key: table.Key{Part: partOutbox, Sort: b.tx.tenant.repo.o.NewID("outbox")},
			Doc: doc, Outbox: outbox, Expires: b.now.Add(table.StreamWindow),
		}}, nil)
		return nil
	}
	return b.discard(old, doc, outbox)
}

func isStore(datatype string) bool {
	return datatype == datatypeTrash || datatype == datatypeHistory || datatype == datatypePublished
}

// discard adds the trash record, which carries the events of the deletion.
func (b *batch) discard(old record.Raw, doc, outbox table.Doc) error {
	d, err := b.tx.tenant.Collection(b.ctx, datatypeTrash)
	if err != nil {
		return err
	}
	data, err := json.Marshal(map[string]any{
		"name": old.Name, "item": old.SK, "date": b.now, "status": old.State,
		"sourceDatatype": old.Datatype, "data": json.RawMessage(doc),
	})
	if err != nil {
		return fmt.Errorf("encode trash: %w", err)
	}
	label := b.tx.actor.Label()
	trash := record.Raw{
		SK: b.tx.tenant.repo.o.NewID(datatypeTrash), Name: old.Name, Datatype: datatypeTrash, Data: data,
		State: record.Deleted, CreateDate: b.now, ModifyDate: b.now, Author: label, CreatedBy: label, ModifiedBy: label,
		Owner: old.Owner, RequiredRole: old.RequiredRole, SourceDatatype: old.Datatype, SourceID: old.SK,
	}
	trash.PK = trash.SK
	_, err = b.put(d, trash, outbox, table.ItemMissing{})
	if isRestricted(trash) {
		b.counts[datatypeTrash+restricted]++
	}
	return err
}

// restore brings a record back from the trash, unless its id or a unique value
// is taken meanwhile.
func (b *batch) restore(s *step, d *collection.Definition) (table.Doc, error) {
	rec := s.rec
	rec.Version++
	rec.ModifyDate, rec.ModifiedBy = b.now, b.tx.actor.Label()
	s.rec = rec
	outbox, err := b.seeds(s, "update", []string{"state"})
	if err != nil {
		return nil, err
	}
	doc, err := b.put(d, rec, outbox, table.ItemMissing{})
	if err != nil {
		return nil, err
	}
	b.count(rec, 1)
	if isRestricted(rec) {
		b.counts[datatypeTrash+restricted]--
	}
	b.add(table.Delete{Key: table.Key{Part: datatypeTrash, Sort: s.trash}, If: table.ItemExists{}}, func(*table.Refused) error { return table.ErrNotFound })
	return doc, b.hold(d, rec, nil)
}
