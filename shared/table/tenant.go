package table

import (
	"context"
	"errors"
	"strings"

	"github.com/appmint/appengine/shared/org"
)

// Separator ends the org in every key. No org id can contain it.
const Separator = "#"

// Tenant is a table as one org sees it: every partition and index value it is
// given is put behind "<org>#", and every key it returns comes without it.
// There is no way from a Tenant to another org's items.
type Tenant struct {
	table  Table
	org    org.ID
	prefix string
}

// Of opens the table for one org.
func Of(t Table, id org.ID) Tenant {
	return Tenant{table: t, org: id, prefix: string(id) + Separator}
}

// Org returns the tenant's id.
func (t Tenant) Org() org.ID { return t.org }

// Get is Table.Get within the org.
func (t Tenant) Get(ctx context.Context, key Key) (Item, error) {
	item, err := t.table.Get(ctx, t.outward(key))
	return t.inward(item), err
}

// BatchGet is Table.BatchGet within the org.
func (t Tenant) BatchGet(ctx context.Context, keys []Key) ([]Item, error) {
	full := make([]Key, len(keys))
	for i, k := range keys {
		full[i] = t.outward(k)
	}
	items, err := t.table.BatchGet(ctx, full)
	return t.inwardAll(items), err
}

// Query is Table.Query within the org.
func (t Tenant) Query(ctx context.Context, q Query) (Page, error) {
	q.Part = t.prefix + q.Part
	page, err := t.table.Query(ctx, q)
	page.Items = t.inwardAll(page.Items)
	return page, err
}

// Write is Table.Write within the org.
func (t Tenant) Write(ctx context.Context, op Op) (Item, error) {
	item, err := t.table.Write(ctx, t.op(op))
	return t.inward(item), t.refusal(err)
}

// Transact is Table.Transact within the org.
func (t Tenant) Transact(ctx context.Context, token string, ops ...Op) error {
	full := make([]Op, len(ops))
	for i, o := range ops {
		full[i] = t.op(o)
	}
	if token != "" {
		token = t.prefix + token // one org's token must not silence another's transaction
	}
	return t.refusal(t.table.Transact(ctx, token, full...))
}

func (t Tenant) op(o Op) Op {
	switch o := o.(type) {
	case Put:
		o.Item.Key = t.outward(o.Item.Key)
		o.Item.Index = t.indexOutward(o.Item.Index)
		return o
	case Modify:
		o.Key = t.outward(o.Key)
		o.Index = t.indexOutward(o.Index)
		return o
	case Delete:
		o.Key = t.outward(o.Key)
		return o
	case Check:
		o.Key = t.outward(o.Key)
		return o
	}
	return o
}

// indexOutward prefixes the by-indexes, whose value is a partition; the value
// of an ord-index lies inside the item's own partition.
func (t Tenant) indexOutward(index map[string]string) map[string]string {
	if index == nil {
		return nil
	}
	full := make(map[string]string, len(index))
	for name, value := range index {
		if strings.HasPrefix(name, "by") && value != "" {
			value = t.prefix + value
		}
		full[name] = value
	}
	return full
}

func (t Tenant) outward(k Key) Key { return Key{Part: t.prefix + k.Part, Sort: k.Sort} }

func (t Tenant) inward(item Item) Item {
	item.Part = strings.TrimPrefix(item.Part, t.prefix)
	for name, value := range item.Index {
		if strings.HasPrefix(name, "by") {
			item.Index[name] = strings.TrimPrefix(value, t.prefix)
		}
	}
	return item
}

func (t Tenant) inwardAll(items []Item) []Item {
	for i := range items {
		items[i] = t.inward(items[i])
	}
	return items
}

func (t Tenant) refusal(err error) error {
	var refused *Refused
	if errors.As(err, &refused) && refused.Old != nil {
		old := t.inward(*refused.Old)
		return &Refused{Index: refused.Index, Old: &old, Err: refused.Err}
	}
	return err
}
