package repository

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// batch turns the steps of a transaction into operations on the table.
type batch struct {
	tx     *Tx
	ctx    context.Context //nolint:containedctx // lives as long as one Commit
	now    record.Time
	old    map[table.Key]table.Doc
	writes []write
	counts map[string]int64 // counter → change
	shard  uint32
}

// write is an operation with the meaning of its refusal.
type write struct {
	op      table.Op
	refusal func(*table.Refused) error
}

func (b *batch) add(op table.Op, refusal func(*table.Refused) error) {
	b.writes = append(b.writes, write{op, refusal})
}

// load reads the stored state of every record that the steps change, in one
// round trip.
func (b *batch) load() error {
	var keys []table.Key
	for _, s := range b.tx.steps {
		if s.action != create && s.action != restore {
			keys = append(keys, keyOf(s.rec))
		}
	}
	b.old = make(map[table.Key]table.Doc, len(keys))
	switch len(keys) {
	case 0:
		return nil
	case 1:
		item, err := b.tx.tenant.table.Get(b.ctx, keys[0])
		if err != nil {
			return err
		}
		b.old[item.Key] = item.Doc
		return nil
	}
	slices.SortFunc(keys, func(p, q table.Key) int { return compareKeys(p, q) })
	items, err := b.tx.tenant.table.BatchGet(b.ctx, slices.Compact(keys))
	if err != nil {
		return err
	}
	for _, item := range items {
		b.old[item.Key] = item.Doc
	}
	return nil
}

func compareKeys(p, q table.Key) int {
	switch {
	case p.Part+"\x00"+p.Sort < q.Part+"\x00"+q.Sort:
		return -1
	case p == q:
		return 0
	}
	return 1
}

// repeatWindow is how long an identical create counts as a repeat.
const repeatWindow = 10 * time.Second

// repeatGuard remembers the caller's last create, and refuses the same one
// again. It comes first, so that a repeat is told from a conflict of names.
func (b *batch) repeatGuard() error {
	if b.tx.hash == "" {
		return nil
	}
	doc, err := table.NewDoc(map[string]string{"hash": b.tx.hash})
	if err != nil {
		return err
	}
	b.add(table.Put{
		Item: table.Item{
			Key: table.Key{Part: partRepeat, Sort: string(b.tx.actor.Kind) + "#" + b.tx.actor.ID},
			Doc: doc, Expires: b.now.Add(repeatWindow),
		},
		If: table.Or{table.ItemMissing{}, table.Compare{Path: table.Path{"hash"}, Op: table.NotEqual, Value: b.tx.hash}},
	}, func(*table.Refused) error { return ErrRepeated })
	return nil
}

func (b *batch) step(s *step) (table.Doc, error) {
	d, err := b.tx.tenant.Collection(b.ctx, s.rec.Datatype)
	if err != nil {
		return nil, err
	}
	if s.action == create {
		return b.create(s, d)
	}
	if s.action == restore {
		return b.restore(s, d)
	}
	doc, ok := b.old[keyOf(s.rec)]
	if !ok {
		return nil, table.ErrNotFound
	}
	old, err := decode(doc)
	if err != nil {
		return nil, err
	}
	if s.rec.Version != old.Version {
		return nil, versionConflict(old.Version)
	}
	switch s.action {
	case remove, purge:
		return doc, b.remove(s, d, old, doc)
	case annotate:
		return b.annotate(s, d, old)
	default:
		return b.update(s, d, old)
	}
}

func versionConflict(current int64) error { return ErrVersion.WithExtra("currentVersion", current) }

// store performs the operations, alone or as one transaction.
func (b *batch) store() error {
	for name, change := range b.counts {
		if change == 0 {
			continue
		}
		b.add(table.Modify{
			Key: counterKey(name, b.shard), Upsert: true,
			Add: []table.Increment{{Path: table.Path{"n"}, By: change}},
		}, nil)
	}
	for _, op := range b.tx.ops {
		b.add(op, nil)
	}
	if err := b.merge(); err != nil {
		return err
	}
	switch len(b.writes) {
	case 0:
		return nil
	case 1:
		_, err := b.tx.tenant.table.Write(b.ctx, b.writes[0].op)
		return b.meaning(err)
	}
	if len(b.writes) > table.TransactMax {
		return ErrTooMany.WithMessage(fmt.Sprintf("That takes %d writes at once; %d are possible. Please split it.", len(b.writes), table.TransactMax))
	}
	ops := make([]table.Op, len(b.writes))
	for i, w := range b.writes {
		ops[i] = w.op
	}
	return b.meaning(b.tx.tenant.table.Transact(b.ctx, "", ops...))
}

// merge resolves a unique value that one step frees and another one takes: the
// later operation stands, without asking that nobody holds it.
func (b *batch) merge() error {
	at := map[table.Key]int{}
	kept := b.writes[:0]
	for _, w := range b.writes {
		key := table.KeyOf(w.op)
		first, again := at[key]
		if !again {
			at[key] = len(kept)
			kept = append(kept, w)
			continue
		}
		put, isPut := w.op.(table.Put)
		_, freed := kept[first].op.(table.Delete)
		if key.Part != partUnique || !isPut || !freed {
			return ErrTaken.WithMessage("Two of these writes are about the same record or value.")
		}
		put.If = nil
		kept[first].op = put
	}
	b.writes = kept
	return nil
}

func (b *batch) meaning(err error) error {
	var refused *table.Refused
	if !errors.As(err, &refused) || refused.Index >= len(b.writes) {
		return err
	}
	if explain := b.writes[refused.Index].refusal; explain != nil {
		return explain(refused)
	}
	return err
}

// moved explains the refusal of a write on a record: it is gone, or newer.
func moved(r *table.Refused) error {
	if r.Old == nil {
		return table.ErrNotFound
	}
	old, err := decode(r.Old.Doc)
	if err != nil {
		return err
	}
	return versionConflict(old.Version)
}

// forget drops the cached definitions that this transaction has changed.
func (b *batch) forget() {
	for _, s := range b.tx.steps {
		if s.rec.Datatype == datatypeCollection {
			b.tx.tenant.repo.catalogue.Forget(b.tx.tenant.org, s.rec.SK)
		}
	}
}

// count notes that a collection grows or shrinks. The stores have no totals:
// trash goes by age, without a transaction to count it in.
func (b *batch) count(rec record.Raw, change int64) {
	b.shard = shardOf(rec.SK)
	if !isStore(rec.Datatype) {
		b.counts[rec.Datatype] += change
	}
	if isRestricted(rec) {
		b.counts[rec.Datatype+restricted] += change
	}
}

func isRestricted(rec record.Raw) bool {
	return rec.RequiredRole != nil && len(rec.RequiredRole.Read) > 0
}

// hold adds the guards of a record's unique values.
func (b *batch) hold(d *collection.Definition, rec record.Raw, held []guard) error {
	doc, err := table.NewDoc(map[string]string{"id": rec.SK})
	if err != nil {
		return err
	}
	for _, g := range guards(d, rec) {
		if slices.Contains(held, g) {
			continue
		}
		b.add(table.Put{
			Item: table.Item{Key: table.Key{Part: partUnique, Sort: g.sort}, Doc: doc},
			If:   table.Or{table.ItemMissing{}, table.Compare{Path: table.Path{"id"}, Op: table.Equal, Value: rec.SK}},
		}, func(*table.Refused) error { return taken(g.field) })
	}
	return nil
}

func taken(field string) error {
	return ErrTaken.WithMessage("Another record has the same "+field+".").WithExtra("field", field)
}

// free adds the removal of guards that a record no longer needs. Where records
// are older than the rule, somebody else may hold the guard: it is left alone.
func (b *batch) free(d *collection.Definition, old record.Raw, kept []guard) error {
	for _, g := range guards(d, old) {
		if slices.Contains(kept, g) {
			continue
		}
		key := table.Key{Part: partUnique, Sort: g.sort}
		if len(d.Pending) > 0 {
			item, err := b.tx.tenant.table.Get(b.ctx, key)
			if err != nil && !errors.Is(err, table.ErrNotFound) {
				return err
			}
			if docText(item.Doc, "id") != old.SK {
				continue
			}
		}
		b.add(table.Delete{Key: key}, nil)
	}
	return nil
}

// seeds makes the outbox of a write: the generic event, the specific one, then
// the domain's.
func (b *batch) seeds(s *step, verb string, changed []string) (table.Doc, error) {
	names := []string{"collection-" + verb}
	if specific := specificEvent(s.rec.Datatype, verb); specific != "" {
		names = append(names, specific)
	}
	list := make([]event.Seed, 0, len(names)+len(s.emits))
	for _, name := range names {
		list = append(list, event.Seed{Name: name})
	}
	list = append(list, s.emits...)
	for i := range list {
		list[i].ID, list[i].At = b.tx.tenant.repo.o.NewID("event"), b.now
		list[i].Actor, list[i].Source, list[i].Depth = event.ActorOf(b.tx.actor), b.tx.source, b.tx.depth
		list[i].Changed = changed
	}
	return event.Outbox(list...)
}

// specificEvent is the second system event of users, orgs and sites.
func specificEvent(datatype, verb string) string {
	if verb == "publish" || verb == "approve" {
		verb = "update"
	}
	switch datatype {
	case "user":
		return "user-" + verb
	case "company":
		return "org-" + verb
	case "site":
		return "site-" + verb
	}
	return ""
}

// env is what collection rules draw on.
func (b *batch) env() collection.Env {
	return collection.Env{Now: b.now.Time, Random: b.tx.tenant.repo.o.Random}
}

// put adds the write of a record with its indexes and outbox.
func (b *batch) put(d *collection.Definition, rec record.Raw, outbox table.Doc, cond table.Cond) (table.Doc, error) {
	doc, err := encode(rec)
	if err != nil {
		return nil, err
	}
	refusal := moved
	if _, isNew := cond.(table.ItemMissing); isNew {
		refusal = func(*table.Refused) error { return taken(idField(d)) }
	}
	item := table.Item{Key: keyOf(rec), Doc: doc, Index: slots(d, rec, doc), Outbox: outbox}
	if rec.Datatype == datatypeTrash {
		item.Expires = b.now.Add(TrashWindow)
	}
	b.add(table.Put{Item: item, If: cond}, refusal)
	if d.Versioning {
		return doc, b.remember(rec)
	}
	return doc, nil
}

func idField(d *collection.Definition) string {
	if d.Natural {
		return "name"
	}
	return "id"
}

// remember adds the history copy of a record as it is after the write.
func (b *batch) remember(rec record.Raw) error {
	key := historyKey(rec.Datatype, rec.SK, rec.Version)
	copied := rec
	copied.PK, copied.SK, copied.Datatype = key.Sort, key.Sort, datatypeHistory
	copied.SourceDatatype, copied.SourceID, copied.HistoryDate = rec.Datatype, rec.SK, b.now
	return b.copy(copied)
}

// copy adds a record of a store that is not counted: history or published.
func (b *batch) copy(rec record.Raw) error {
	d, err := b.tx.tenant.Collection(b.ctx, rec.Datatype)
	if err != nil {
		return err
	}
	doc, err := encode(rec)
	if err != nil {
		return err
	}
	b.add(table.Put{Item: table.Item{Key: keyOf(rec), Doc: doc, Index: slots(d, rec, doc)}}, nil)
	return nil
}

// versionIs is the condition under which a loaded record may be written.
func versionIs(version int64) table.Cond {
	return table.Compare{Path: table.Path{"version"}, Op: table.Equal, Value: version}
}

func docText(doc []byte, path ...string) string { return filter.Text(doc, path...) }
