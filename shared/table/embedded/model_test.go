package embedded_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
)

// operations are writes on a few keys with a few index values, so that they meet.
func operations() *rapid.Generator[table.Op] {
	return rapid.Custom(func(t *rapid.T) table.Op {
		key := table.Key{
			Part: rapid.SampledFrom([]string{"acme#p", "acme#q", "acme#p\x00"}).Draw(t, "part"),
			Sort: rapid.SampledFrom([]string{"a", "b", "a\x00", "ab"}).Draw(t, "sort"),
		}
		index := map[string]string{}
		for _, name := range []string{table.By1, table.By5, table.Ord1} {
			if rapid.Bool().Draw(t, "indexed") {
				index[name] = rapid.SampledFrom([]string{"", "x", "y", "x\x00"}).Draw(t, "value")
			}
		}
		n := rapid.IntRange(0, 3).Draw(t, "n")
		var cond table.Cond
		if rapid.Bool().Draw(t, "conditional") {
			cond = table.Compare{Path: table.At("n"), Op: table.NotEqual, Value: n}
		}
		switch rapid.IntRange(0, 3).Draw(t, "op") {
		case 0:
			return table.Put{Item: table.Item{Key: key, Doc: table.Doc(fmt.Sprintf(`{"n":%d}`, n)), Index: index}, If: cond}
		case 1:
			return table.Modify{
				Key: key, Index: index, Upsert: rapid.Bool().Draw(t, "upsert"), If: cond,
				Add: []table.Increment{{Path: table.At("n"), By: int64(n)}},
			}
		case 2:
			return table.Delete{Key: key, If: cond}
		}
		return table.Check{Key: key, If: cond}
	})
}

// After any writes the base table, the indexes and a replay of the stream say the
// same; and a failed transaction says nothing.
func TestItemsIndexesAndStreamAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, err := embedded.OpenMemory(embedded.Options{Now: newClock().now})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.Close() }()
		for range rapid.IntRange(1, 12).Draw(t, "writes") {
			ops := rapid.SliceOfNDistinct(operations(), 1, 4, table.KeyOf).Draw(t, "ops")
			err := e.Transact(t.Context(), "", ops...)
			var refused *table.Refused
			if err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
		}
		replayed := replay(t, e)
		base := map[table.Key]table.Item{}
		for _, part := range []string{"acme#p", "acme#q", "acme#p\x00"} {
			collect(t, e, table.Query{Part: part}, base)
		}
		if diff := cmp.Diff(replayed, base); diff != "" {
			t.Fatalf("stream and items (-stream +items):\n%s", diff)
		}
		for _, name := range []string{table.By1, table.By5, table.Ord1} {
			verifyIndex(t, e, name, base)
		}
	})
}

func collect(t *rapid.T, e *embedded.Engine, q table.Query, into map[table.Key]table.Item) {
	q.Limit = 2
	for {
		page, err := e.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if _, twice := into[item.Key]; twice {
				t.Fatalf("%+v gives %+v twice", q, item.Key)
			}
			into[item.Key] = item
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return
		}
	}
}

func replay(t *rapid.T, e *embedded.Engine) map[table.Key]table.Item {
	items := map[table.Key]table.Item{}
	after := ""
	for {
		changes, next, err := e.Changes(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) == 0 {
			return items
		}
		for _, c := range changes {
			before, existed := items[c.Key]
			if existed != (c.Old != nil) || existed && !cmp.Equal(before, *c.Old) {
				t.Fatalf("change %s starts from %+v, want %+v", c.ID, c.Old, before)
			}
			delete(items, c.Key)
			if c.New != nil {
				items[c.Key] = *c.New
			}
		}
		after = next
	}
}

func verifyIndex(t *rapid.T, e *embedded.Engine, name string, base map[table.Key]table.Item) {
	want := map[table.Key]table.Item{}
	for key, item := range base {
		if item.Index[name] != "" {
			want[key] = item
		}
	}
	parts := []string{"x", "y", "x\x00"}
	if name == table.Ord1 {
		parts = []string{"acme#p", "acme#q", "acme#p\x00"}
	}
	got := map[table.Key]table.Item{}
	for _, part := range parts {
		collect(t, e, table.Query{Part: part, Index: name}, got)
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Fatalf("%s has %d items (-index +items):\n%s", name, len(got), diff)
	}
}
