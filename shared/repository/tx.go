package repository

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// Tx collects writes; nothing is stored before Commit.
type Tx struct {
	tenant Tenant
	actor  auth.Principal
	steps  []*step
	ops    []table.Op
	source string
	depth  int
	hash   string // of the duplicate-create guard; "" when it is off
	failed error
	// extended says that the sub-schemas of the records must exist.
	extended bool
}

type action uint8

const (
	create action = iota
	update
	remove
	purge
	publish
	unpublish
	approve
	restore
	annotate
)

// step is one record's change.
type step struct {
	action action
	rec    record.Raw
	emits  []event.Seed
	trash  string // id of the trash record of a restore
	// indexed says that the records of a collection are indexed, but for the
	// paths in pending.
	indexed bool
	pending []string
}

// Begin starts a group of writes that commit together or not at all. The actor
// becomes author, writer and actor of the events.
func (t Tenant) Begin(actor auth.Principal) *Tx { return &Tx{tenant: t, actor: actor} }

// Create adds a new record; Datatype and Data are read, and Name, Owner, State,
// SK (a generated one unless given, and the name when the collection has natural
// keys), and the other client-settable members of the envelope.
func (x *Tx) Create(rec record.Raw) { x.add(create, rec) }

// Update replaces a record as loaded; a version that has moved on meanwhile is
// ErrVersion.
func (x *Tx) Update(rec record.Raw) { x.add(update, rec) }

// Delete moves a record as loaded to the trash. A record of the trash is
// removed for good.
func (x *Tx) Delete(rec record.Raw) { x.add(remove, rec) }

// Purge removes a record for good, without trash.
func (x *Tx) Purge(rec record.Raw) { x.add(purge, rec) }

// Publish updates a record as loaded to the state published and keeps a
// published copy.
func (x *Tx) Publish(rec record.Raw) { x.add(publish, rec) }

// Unpublish updates a record as loaded to draft and drops its published copy.
func (x *Tx) Unpublish(rec record.Raw) { x.add(unpublish, rec) }

// Approve updates a record as loaded to the state approved.
func (x *Tx) Approve(rec record.Raw) { x.add(approve, rec) }

// Cause notes what the writes come from: source is api, import, form,
// automation, system or webhook, depth how many events led here.
func (x *Tx) Cause(source string, depth int) { x.source, x.depth = source, depth }

func (x *Tx) add(a action, rec record.Raw) { x.steps = append(x.steps, &step{action: a, rec: rec}) }

// Emit announces a domain event together with the last record added; payload
// (an object, may be nil) becomes Envelope.Payload.
func (x *Tx) Emit(name string, payload any) {
	if len(x.steps) == 0 {
		x.failed = fmt.Errorf("event %s: there is no record to announce it with", name)
		return
	}
	last := x.steps[len(x.steps)-1]
	seed := event.Seed{Name: name}
	if payload != nil {
		text, err := json.Marshal(payload)
		if err != nil {
			x.failed = fmt.Errorf("payload of %s: %w", name, err)
			return
		}
		seed.Payload = text
	}
	last.emits = append(last.emits, seed)
}

// Also adds raw operations on the org's items to the same transaction.
func (x *Tx) Also(ops ...table.Op) { x.ops = append(x.ops, ops...) }

// Commit performs the writes in one transaction and returns the records as
// stored, in the order they were added (for deletions as they were). It fails
// with ErrVersion, ErrTaken, collection.ErrInvalidData, table.ErrNotFound or
// ErrTooMany, and then nothing is written.
func (x *Tx) Commit(ctx context.Context) ([]record.Raw, error) {
	docs, err := x.commit(ctx)
	if err != nil {
		return nil, err
	}
	records := make([]record.Raw, len(docs))
	for i, doc := range docs {
		if records[i], err = decode(doc); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// commit is Commit with the records left as JSON.
func (x *Tx) commit(ctx context.Context) ([]table.Doc, error) {
	if x.failed != nil {
		return nil, x.failed
	}
	b := &batch{tx: x, ctx: ctx, now: record.At(x.tenant.repo.o.Now()), counts: map[string]int64{}}
	if err := b.load(); err != nil {
		return nil, err
	}
	if err := b.repeatGuard(); err != nil {
		return nil, err
	}
	docs := make([]table.Doc, len(x.steps))
	for i, s := range x.steps {
		doc, err := b.step(s)
		if err != nil {
			return nil, err
		}
		docs[i] = doc
	}
	if err := b.store(); err != nil {
		return nil, err
	}
	b.forget()
	return docs, nil
}
