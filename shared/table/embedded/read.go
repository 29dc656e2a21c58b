package embedded

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// Get implements table.Table.
func (e *Engine) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := eval.CheckKey(key); err != nil {
		return table.Item{}, err
	}
	if err := e.enter(ctx); err != nil {
		return table.Item{}, err
	}
	defer e.close.RUnlock()
	item, size, err := e.get(e.db, key)
	table.Consume(ctx, 1, readUnits(size, true), 0)
	return item, err
}

// BatchGet implements table.Table; all of it reads one state of the table.
func (e *Engine) BatchGet(ctx context.Context, keys []table.Key) ([]table.Item, error) {
	for _, key := range keys {
		if err := eval.CheckKey(key); err != nil {
			return nil, err
		}
	}
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.close.RUnlock()
	snapshot := e.db.NewSnapshot()
	defer func() { _ = snapshot.Close() }() // only releases memory
	items := make([]table.Item, 0, len(keys))
	consumed := 0.0
	for _, key := range keys {
		item, size, err := e.get(snapshot, key)
		consumed += readUnits(size, true)
		if errors.Is(err, table.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	calls := (len(keys) + table.BatchGetMax - 1) / table.BatchGetMax
	table.Consume(ctx, calls, consumed, 0)
	return items, nil
}

// get returns the item and the bytes read.
func (e *Engine) get(from pebble.Reader, key table.Key) (table.Item, int, error) {
	raw, closer, err := from.Get(itemKey(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return table.Item{}, 0, table.ErrNotFound
	}
	if err != nil {
		return table.Item{}, 0, fmt.Errorf("read item: %w", err)
	}
	defer func() { _ = closer.Close() }() // only releases memory
	if !eval.Live(parseExpiry(raw), e.now()) {
		return table.Item{}, len(raw), table.ErrNotFound
	}
	item, err := decodeItem(key, raw)
	return item, len(raw), err
}
