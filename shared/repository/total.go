package repository

import (
	"context"
	"strconv"

	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// Total is the exact number of live records of a collection.
func (t Tenant) Total(ctx context.Context, datatype string) (int, error) {
	return t.total(ctx, datatype)
}

func (t Tenant) total(ctx context.Context, datatype string) (int, error) {
	if isStore(datatype) {
		return t.counted(ctx, datatype)
	}
	sums, err := t.totals(ctx, datatype)
	if err != nil {
		return 0, err
	}
	return sums[0], nil
}

// totals sums the shards of several counters in one round trip.
func (t Tenant) totals(ctx context.Context, names ...string) ([]int, error) {
	keys := make([]table.Key, 0, len(names)*shards)
	at := make(map[table.Key]int, cap(keys))
	for i, name := range names {
		for shard := range uint32(shards) {
			key := counterKey(name, shard)
			keys = append(keys, key)
			at[key] = i
		}
	}
	items, err := t.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	sums := make([]int, len(names))
	for _, item := range items {
		n, err := strconv.Atoi(string(filter.Get(item.Doc, "n")))
		if err == nil {
			sums[at[item.Key]] += n
		}
	}
	return sums, nil
}

// countMax bounds how many keys are read to count a store.
const countMax = 100_000

// counted counts a store without counters by reading its keys.
func (t Tenant) counted(ctx context.Context, datatype string) (int, error) {
	count, cursor := 0, ""
	for read := 0; ; {
		page, err := t.table.Query(ctx, table.Query{Part: datatype, CountOnly: true, Cursor: cursor})
		if err != nil {
			return 0, err
		}
		count += page.Count
		read += page.Read
		if page.Cursor == "" {
			return count, nil
		}
		if read > countMax {
			return 0, ErrTooBroad
		}
		cursor = page.Cursor
	}
}
