package tabletest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
)

func itemCases() []suiteCase {
	return []suiteCase{
		{"a put item is read as it was", itemRoundTrip},
		{"a put replaces the whole item", putReplaces},
		{"delete returns the item", deleteReturns},
		{"returned items are the caller's", itemsOwned},
		{"batch get keeps order and skips", batchGet},
		{"batch get pages", batchGetPages},
		{"create and compare", createAndCompare},
	}
}

// future is far from every clock that a test runs by; so is past.
func future() time.Time { return time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC) }
func past() time.Time   { return time.Date(2001, 1, 2, 3, 4, 5, 0, time.UTC) }

func fullItem(key table.Key, by string) table.Item {
	return table.Item{
		Key:     key,
		Doc:     table.Doc(`{"a":1,"b":{"c":[1,"x",null,true,{"d":[]}]},"e":{}}`),
		Index:   map[string]string{table.By1: by, table.By5: by + "5", table.Ord3: "é"},
		Outbox:  table.Doc(`[{"type":"x.created"}]`),
		Expires: future(),
	}
}

func (e env) same(got, want table.Item) {
	e.Helper()
	e.doc(got, string(want.Doc))
	got.Doc, want.Doc = nil, nil
	if diff := cmp.Diff(got, want); diff != "" {
		e.Errorf("item (-got +want):\n%s", diff)
	}
}

func itemRoundTrip(e env) {
	item := fullItem(e.key("p", "s"), e.part("x"))
	e.same(e.write(table.Put{Item: item}), item)
	e.same(e.get(item.Key), item)
	bare := table.Item{Key: e.key("p", "bare")}
	e.same(e.write(table.Put{Item: bare}), bare)
	e.same(e.get(bare.Key), bare)
	fraction := table.Item{Key: e.key("p", "fraction"), Expires: future().Add(time.Nanosecond)}
	if got := e.write(table.Put{Item: fraction}).Expires; !got.Equal(future().Add(time.Second)) {
		e.Errorf("expiry: got %v, want it rounded up to a second", got)
	}
}

func putReplaces(e env) {
	e.write(table.Put{Item: fullItem(e.key("p", "s"), e.part("x"))})
	plain := table.Item{Key: e.key("p", "s"), Doc: table.Doc(`{"z":1}`)}
	e.write(table.Put{Item: plain})
	e.same(e.get(plain.Key), plain)
}

func deleteReturns(e env) {
	item := fullItem(e.key("p", "s"), e.part("x"))
	e.write(table.Put{Item: item})
	e.same(e.write(table.Delete{Key: item.Key}), item)
	e.missing(item.Key)
	e.same(e.write(table.Delete{Key: item.Key}), table.Item{})
}

func itemsOwned(e env) {
	key := e.key("p", "s")
	doc := table.Doc(`{"a":"xxxx"}`)
	written := e.write(table.Put{Item: table.Item{Key: key, Doc: doc, Index: map[string]string{table.Ord1: "o"}}})
	for _, item := range []table.Item{written, e.get(key), e.one(table.Query{Part: key.Part}, `{"a":"xxxx"}`)} {
		for i := range item.Doc {
			item.Doc[i] = '!'
		}
		item.Index[table.Ord1] = "changed"
	}
	for i := range doc {
		doc[i] = '?'
	}
	got := e.get(key)
	e.doc(got, `{"a":"xxxx"}`)
	if got.Index[table.Ord1] != "o" {
		e.Errorf("index: got %v", got.Index)
	}
}

func batchGet(e env) {
	e.put(e.key("p", "1"), `{"n":1}`)
	e.put(e.key("q", "2"), `{"n":2}`)
	e.put(e.key("p", "3"), `{"n":3}`)
	keys := []table.Key{e.key("p", "3"), e.key("p", "none"), e.key("q", "2"), e.key("p", "1"), e.key("p", "3")}
	items, err := e.table.BatchGet(e.Context(), keys)
	if err != nil {
		e.Fatal(err)
	}
	got := make([]string, 0, len(items))
	for _, item := range items {
		got = append(got, item.Sort)
	}
	if diff := cmp.Diff(got, []string{"3", "2", "1", "3"}); diff != "" {
		e.Errorf("sort keys (-got +want):\n%s", diff)
	}
	if items, err := e.table.BatchGet(e.Context(), nil); err != nil || len(items) != 0 {
		e.Errorf("no keys: got %d items, %v", len(items), err)
	}
}

func batchGetPages(e env) {
	const n = 2*table.BatchGetMax + 10
	keys := make([]table.Key, n)
	for i := range keys {
		keys[i] = e.key("p", fmt.Sprintf("%03d", n-i))
		if i%10 != 0 {
			e.put(keys[i], `{}`)
		}
	}
	items, err := e.table.BatchGet(e.Context(), keys)
	if err != nil || len(items) != n-n/10 {
		e.Fatalf("got %d items, want %d (%v)", len(items), n-n/10, err)
	}
	for i := 1; i < len(items); i++ {
		if items[i].Sort >= items[i-1].Sort {
			e.Fatalf("item %d is out of order", i)
		}
	}
}

func createAndCompare(e env) {
	key := e.key("p", "s")
	create := table.Put{Item: table.Item{Key: key, Doc: table.Doc(`{"version":1}`)}, If: table.ItemMissing{}}
	e.write(create)
	if old := e.refused(create).Old; old == nil || old.Key != key {
		e.Errorf("refused by %+v, want the item", old)
	}
	at := func(version int) table.Cond {
		return table.Compare{Path: table.At("version"), Op: table.Equal, Value: version}
	}
	e.refuses(table.Put{Item: table.Item{Key: key, Doc: table.Doc(`{"version":9}`)}, If: at(2)})
	e.write(table.Put{Item: table.Item{Key: key, Doc: table.Doc(`{"version":2}`)}, If: at(1)})
	e.refuses(table.Delete{Key: key, If: at(1)})
	e.doc(e.get(key), `{"version":2}`)
	e.write(table.Delete{Key: key, If: at(2)})
	if old := e.refused(table.Delete{Key: key, If: table.ItemExists{}}).Old; old != nil {
		e.Errorf("refused by %+v, want no item", old)
	}
}
