package repository

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// EventIndexRequested says that fields of a collection were indexed, or made
// unique, when it had records already: Reindex is due.
const EventIndexRequested = "index.requested"

// Reindex gives the records of a run-time collection the index attributes and
// guards of fields that were indexed or made unique when there were records
// already, and then lets queries use them. Nothing happens when nothing is
// pending. A unique field with values that occur twice stays pending: they keep
// both, and new ones are refused.
//
// Writers elsewhere may use the definition before for collection.FreshFor, so
// it must be older than that: wait says how long that takes yet.
func (t Tenant) Reindex(ctx context.Context, name string) (wait time.Duration, err error) {
	t.repo.catalogue.Forget(t.org, name)
	d, err := t.Collection(ctx, name)
	if err != nil || len(d.Pending) == 0 {
		return 0, err
	}
	definition, err := t.Get(ctx, datatypeCollection, name)
	if err != nil {
		return 0, err
	}
	if age := t.repo.o.Now().Sub(definition.ModifyDate.Time); age < collection.FreshFor {
		return collection.FreshFor - age, nil
	}
	still, err := t.indexAll(ctx, d)
	if err != nil {
		return 0, err
	}
	tx := t.Begin(auth.Platform(t.org))
	tx.steps = append(tx.steps, &step{action: update, rec: definition, indexed: true, pending: still})
	_, err = tx.commit(ctx)
	return 0, err
}

// indexAll walks the collection; still are the unique fields that hold a value
// twice.
func (t Tenant) indexAll(ctx context.Context, d *collection.Definition) (still []string, err error) {
	for cursor := ""; ; {
		page, err := t.table.Query(ctx, table.Query{Part: d.Name, Cursor: cursor, Consistent: true})
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if !isRecord(item.Doc, d.Name) {
				continue
			}
			twice, err := t.indexOne(ctx, d, item.Doc)
			if err != nil {
				return nil, err
			}
			still = append(still, twice...)
		}
		if cursor = page.Cursor; cursor == "" {
			slices.Sort(still)
			return slices.Compact(still), nil
		}
	}
}

func (t Tenant) indexOne(ctx context.Context, d *collection.Definition, doc table.Doc) (twice []string, err error) {
	rec, err := decode(doc)
	if err != nil {
		return nil, err
	}
	index := slots(d, rec, doc)
	for _, name := range table.IndexNames() {
		if _, has := index[name]; !has {
			index[name] = ""
		}
	}
	_, err = t.table.Write(ctx, table.Modify{Key: keyOf(rec), Index: index, If: versionIs(rec.Version)})
	var refused *table.Refused
	if errors.As(err, &refused) || errors.Is(err, table.ErrNotFound) {
		return nil, nil // changed meanwhile, by a writer that knows the definition
	}
	if err != nil {
		return nil, err
	}
	return t.guardOne(ctx, d, rec)
}

func (t Tenant) guardOne(ctx context.Context, d *collection.Definition, rec record.Raw) (twice []string, err error) {
	b := &batch{tx: t.Begin(auth.Platform(t.org))}
	if err := b.hold(d, rec, nil); err != nil {
		return nil, err
	}
	for _, w := range b.writes {
		_, err := t.table.Write(ctx, w.op)
		var refused *table.Refused
		switch {
		case errors.As(err, &refused):
			for _, u := range d.Unique {
				if d.Pending[u.Field] {
					twice = append(twice, u.Field)
				}
			}
		case err != nil:
			return nil, err
		}
	}
	return twice, nil
}
