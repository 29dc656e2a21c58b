package repository

import (
	"context"
	"strings"

	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// gather finds every match by the cheapest way in: ids, unique values, an
// equality index, a range of an ordering index, or the whole collection.
func (q *query) gather(ctx context.Context) ([]table.Doc, error) {
	needs := q.filter.Needs()
	if keys, ok := q.byID(needs); ok {
		q.plan = Plan{Access: "ids", Path: "sk"}
		return q.batch(ctx, keys)
	}
	if need, ok := q.byUnique(needs); ok {
		q.plan = Plan{Access: "unique", Path: need.Path}
		return q.unique(ctx, need)
	}
	for _, need := range needs {
		slot := q.d.SlotOf(need.Path)
		switch {
		case slot == "" || len(need.Keys) > inMax:
		case len(need.Keys) > 0 && strings.HasPrefix(slot, "by"):
			q.plan = Plan{Access: "index", Index: slot, Path: need.Path}
			return q.equal(ctx, slot, need)
		case len(need.Keys) == 0 && strings.HasPrefix(slot, "ord"):
			q.plan = Plan{Access: "order", Index: slot, Path: need.Path}
			return q.collect(ctx, nil, table.Query{Part: q.d.Name, Index: slot, From: need.From, To: need.To + "\U0010ffff"})
		}
	}
	q.plan = Plan{Access: "scan"}
	return q.collect(ctx, nil, table.Query{Part: q.d.Name, Filter: q.filter.Necessary()})
}

// inMax is how many values of one $in are answered by an index each.
const inMax = 50

func (q *query) byID(needs []filter.Need) ([]table.Key, bool) {
	for _, need := range needs {
		if need.Path != "sk" && need.Path != "pk" || len(need.Texts) == 0 || len(need.Texts) != len(need.Keys) {
			continue
		}
		keys := make([]table.Key, 0, len(need.Texts))
		for _, id := range need.Texts {
			if validKey(id) {
				keys = append(keys, table.Key{Part: q.d.Name, Sort: id})
			}
		}
		return dedupe(keys), true
	}
	return nil, false
}

func dedupe(keys []table.Key) []table.Key {
	seen := make(map[table.Key]bool, len(keys))
	kept := keys[:0]
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			kept = append(kept, k)
		}
	}
	return kept
}

func (q *query) byUnique(needs []filter.Need) (filter.Need, bool) {
	for _, need := range needs {
		if len(need.Texts) > 0 && len(need.Texts) == len(need.Keys) && q.d.UniqueOf(need.Path) {
			return need, true
		}
	}
	return filter.Need{}, false
}

// unique follows the guards of unique values to their records.
func (q *query) unique(ctx context.Context, need filter.Need) ([]table.Doc, error) {
	keys := make([]table.Key, len(need.Texts))
	for i, text := range need.Texts {
		keys[i] = guardKey(q.d.Name, need.Path, nil, text)
	}
	items, err := q.tenant.table.BatchGet(ctx, dedupe(keys))
	if err != nil {
		return nil, err
	}
	records := make([]table.Key, 0, len(items))
	for _, item := range items {
		records = append(records, table.Key{Part: q.d.Name, Sort: docText(item.Doc, "id")})
	}
	return q.batch(ctx, dedupe(records))
}

func (q *query) batch(ctx context.Context, keys []table.Key) ([]table.Doc, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	items, err := q.tenant.table.BatchGet(ctx, keys)
	if err != nil {
		return nil, err
	}
	q.plan.Read += len(items)
	return q.passing(nil, items), nil
}

func (q *query) equal(ctx context.Context, slot string, need filter.Need) ([]table.Doc, error) {
	var docs []table.Doc
	done := map[string]bool{}
	for _, key := range need.Keys {
		if done[key] {
			continue
		}
		done[key] = true
		var err error
		docs, err = q.collect(ctx, docs, table.Query{Part: slotValue(q.d.Name, need.Path, key), Index: slot})
		if err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// collect reads a range to its end, or to the end of the budget.
func (q *query) collect(ctx context.Context, docs []table.Doc, read table.Query) ([]table.Doc, error) {
	for {
		page, err := q.tenant.table.Query(ctx, read)
		if err != nil {
			return nil, err
		}
		q.plan.Read += page.Read
		docs = q.passing(docs, page.Items)
		if page.Cursor == "" {
			return docs, nil
		}
		if q.plan.Read >= readItemsMax || q.bytes >= readBytesMax {
			return nil, q.tooBroad()
		}
		read.Cursor = page.Cursor
	}
}

func (q *query) passing(docs []table.Doc, items []table.Item) []table.Doc {
	for _, item := range items {
		q.bytes += len(item.Doc)
		if q.filter.Match(item.Doc) && isRecord(item.Doc, q.d.Name) {
			docs = append(docs, item.Doc)
		}
	}
	return docs
}

// tooBroad names the field whose index would help.
func (q *query) tooBroad() error {
	field := q.options.Sort
	for _, need := range q.filter.Needs() {
		if q.d.SlotOf(need.Path) == "" {
			field = need.Path
			break
		}
	}
	return ErrTooBroad.WithMessage("That query reads too many records. An index on "+field+" would answer it.").WithExtra("field", field)
}
