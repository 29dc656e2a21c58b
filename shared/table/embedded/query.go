package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
	"github.com/appmint/appengine/shared/table/internal/cursor"
)

// Query implements table.Table. It always reads one consistent state.
func (e *Engine) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := eval.CheckQuery(q); err != nil {
		return table.Page{}, err
	}
	filter, err := eval.Compile(q.Filter)
	if err != nil {
		return table.Page{}, err
	}
	lower, upper := bounds(q)
	start, err := startOf(q, lower, upper)
	if err != nil {
		return table.Page{}, err
	}
	if err := e.enter(ctx); err != nil {
		return table.Page{}, err
	}
	defer e.close.RUnlock()
	if bytes.Compare(lower, upper) >= 0 {
		table.Consume(ctx, 1, readUnits(0, q.Consistent), 0)
		return table.Page{}, nil
	}
	r := &reader{query: q, filter: filter, now: e.now()}
	if err := r.run(ctx, e.db, &pebble.IterOptions{LowerBound: lower, UpperBound: upper}, start); err != nil {
		return table.Page{}, err
	}
	table.Consume(ctx, 1, readUnits(r.bytes, q.Consistent), 0)
	return r.page, nil
}

// bounds returns the keys that the query's range lies between.
func bounds(q table.Query) (lower, upper []byte) {
	partition := []byte{spaceItem}
	if q.Index != "" {
		partition = []byte{spaceIndex, indexNumber(q.Index)}
	}
	partition = appendComponent(partition, q.Part)
	if q.Prefix != "" {
		lower = appendOpen(partition, q.Prefix)
		return lower, after(lower)
	}
	lower = appendOpen(bytes.Clone(partition), q.From)
	if q.To == "" {
		return lower, after(partition)
	}
	return lower, after(appendComponent(bytes.Clone(partition), q.To))
}

// startOf returns the key where the query goes on, nil for its beginning.
func startOf(q table.Query, lower, upper []byte) ([]byte, error) {
	if q.Cursor == "" {
		return nil, nil
	}
	p, err := cursor.Decode(q, q.Cursor)
	if err != nil {
		return nil, err
	}
	key := table.Key{Part: p.Part, Sort: p.Sort}
	start := itemKey(key)
	if q.Index != "" {
		start = indexKey(indexNumber(q.Index), p.Value, key)
	}
	if bytes.Compare(start, lower) < 0 || bytes.Compare(start, upper) >= 0 {
		return nil, table.ErrCursor
	}
	return start, nil
}

// reader collects one page.
type reader struct {
	query  table.Query
	filter eval.Program
	now    time.Time
	page   table.Page
	bytes  int
	items  *pebble.Iterator // for an index, which only names its items
	last   cursor.Position
}

func (r *reader) run(ctx context.Context, db *pebble.DB, opts *pebble.IterOptions, start []byte) (err error) {
	// An index row only names its item, so index and items are read from one
	// snapshot.
	snapshot := db.NewSnapshot()
	defer func() { _ = snapshot.Close() }() // only releases memory
	it, err := snapshot.NewIterWithContext(ctx, opts)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if r.query.Index != "" {
		if r.items, err = snapshot.NewIterWithContext(ctx, &pebble.IterOptions{
			LowerBound: []byte{spaceItem}, UpperBound: []byte{spaceItem + 1},
		}); err != nil {
			return fmt.Errorf("query: %w", err)
		}
		defer func() { err = errors.Join(err, r.items.Close()) }()
	}
	step := it.Next
	valid := r.first(it, start)
	if r.query.Desc {
		step = it.Prev
	}
	for ; valid; valid = step() {
		if r.full() {
			r.page.Cursor = cursor.Encode(r.query, r.last)
			return nil
		}
		if err := r.visit(it); err != nil {
			return err
		}
		if r.page.Read%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := it.Error(); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return nil
}

func (r *reader) first(it *pebble.Iterator, start []byte) bool {
	switch {
	case start == nil && r.query.Desc:
		return it.Last()
	case start == nil:
		return it.First()
	case r.query.Desc:
		return it.SeekLT(start)
	}
	return it.SeekGE(append(start, 0))
}

func (r *reader) full() bool {
	return r.query.Limit > 0 && r.page.Count >= r.query.Limit || r.bytes >= table.PageBytesMax
}

func (r *reader) visit(it *pebble.Iterator) error {
	if r.query.Index == "" {
		key, err := parseItemKey(it.Key())
		if err != nil {
			return err
		}
		raw, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		return r.take(key, "", raw)
	}
	value, key, err := parseIndexKey(it.Key())
	if err != nil {
		return err
	}
	stored := itemKey(key)
	if !r.items.SeekGE(stored) || !bytes.Equal(r.items.Key(), stored) {
		return errors.Join(errors.New("query: an index row has no item"), r.items.Error())
	}
	raw, err := r.items.ValueAndErr()
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return r.take(key, value, raw)
}

// take adds the item when it is live and passes the filter.
func (r *reader) take(key table.Key, value string, raw []byte) error {
	r.page.Read++
	r.bytes += len(raw) + len(key.Part) + len(key.Sort)
	r.last = cursor.Position{Part: key.Part, Sort: key.Sort, Value: value}
	if !eval.Live(parseExpiry(raw), r.now) {
		return nil
	}
	if r.query.Filter != nil {
		stored, err := parseRow(raw)
		if err != nil {
			return err
		}
		if !r.filter.Holds(stored.doc, true) {
			return nil
		}
	}
	r.page.Count++
	if r.query.CountOnly {
		return nil
	}
	item, err := decodeItem(key, raw)
	r.page.Items = append(r.page.Items, item)
	return err
}
