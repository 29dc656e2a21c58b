package tabletest

import (
	"encoding/json"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
)

func updateCases() []suiteCase {
	return []suiteCase{
		{"modify sets, adds and removes", modifyAll},
		{"modify creates missing parents", modifyParents},
		{"modify adds exactly", modifyAdds},
		{"modify copies the value from before", modifyCopies},
		{"modify refuses wrong paths", modifyRefuses},
		{"modify removes what is not there", modifyRemovesNothing},
		{"modify of a missing item", modifyMissing},
		{"modify changes what is beside the document", modifyExtras},
		{"modify takes names literally", modifyNames},
	}
}

func upsertCases() []suiteCase {
	return []suiteCase{
		{"upsert creates and changes", upsertCreates},
		{"upsert obeys its condition", upsertConditions},
		{"upsert without a document", upsertBare},
	}
}

func set(path string, value any) table.Assign {
	return table.Assign{Path: table.At(path), Value: value}
}

func modifyAll(e env) {
	key := e.key("p", "s")
	e.put(key, `{"keep":1.50,"n":1,"gone":"x","o":{"a":1,"b":2},"list":[1]}`)
	got := e.write(table.Modify{
		Key: key,
		Set: []table.Assign{set("s", "new"), set("o.c", []string{"x"}), set("list", []int{2, 3})},
		Add: []table.Increment{{Path: table.At("n"), By: 41}, {Path: table.At("fresh"), By: -2}},
		Remove: []table.Path{
			table.At("gone"), table.At("o.a"),
		},
		If: is("n", table.Equal, 1),
	})
	const want = `{"keep":1.5,"n":42,"s":"new","o":{"b":2,"c":["x"]},"list":[2,3],"fresh":-2}`
	e.doc(got, want)
	e.doc(e.get(key), want)
	old := e.refused(table.Modify{Key: key, Set: []table.Assign{set("s", 1)}, If: is("n", table.Equal, 1)}).Old
	if old == nil {
		e.Fatal("refused by no item")
	}
	e.doc(*old, want)
	e.doc(e.get(key), want)
}

func modifyParents(e env) {
	key := e.key("p", "s")
	e.put(key, `{"null":null}`)
	got := e.write(table.Modify{
		Key: key,
		Set: []table.Assign{set("a.b.c", 1), set("a.d", 2), set("null.x", 3)},
		Add: []table.Increment{{Path: table.At("count.today"), By: 1}},
	})
	const want = `{"null":{"x":3},"a":{"b":{"c":1},"d":2},"count":{"today":1}}`
	e.doc(got, want)
	e.doc(e.get(key), want)
}

func modifyAdds(e env) {
	key := e.key("p", "s")
	e.put(key, `{"big":9007199254740993,"dec":0.1,"wide":12345678901234567890.123456789}`)
	got := e.write(table.Modify{Key: key, Add: []table.Increment{
		{Path: table.At("big"), By: 1},
		{Path: table.At("dec"), By: 2},
		{Path: table.At("wide"), By: -1},
	}})
	e.doc(got, `{"big":9007199254740994,"dec":2.1,"wide":12345678901234567889.123456789}`)
	e.doc(e.get(key), `{"big":9007199254740994,"dec":2.1,"wide":12345678901234567889.123456789}`)
}

func modifyCopies(e env) {
	key := e.key("p", "s")
	e.put(key, `{"a":{"x":1},"b":2,"c":3}`)
	got := e.write(table.Modify{Key: key, Set: []table.Assign{
		{Path: table.At("b"), From: table.At("c")},
		{Path: table.At("c"), From: table.At("b")},
		{Path: table.At("copy"), From: table.At("a")},
		set("a.x", 9),
	}})
	e.doc(got, `{"a":{"x":9},"b":3,"c":2,"copy":{"x":1}}`)
	got = e.write(table.Modify{Key: key, Set: []table.Assign{{Path: table.At("b"), From: table.At("none")}}})
	e.doc(got, `{"a":{"x":9},"c":2,"copy":{"x":1}}`)
}

func modifyRefuses(e env) {
	key := e.key("p", "s")
	e.put(key, `{"s":"text","list":[1],"n":1,"z":null}`)
	for _, m := range []table.Modify{
		{Set: []table.Assign{set("s.x", 1)}},
		{Set: []table.Assign{set("list.x", 1)}},
		{Add: []table.Increment{{Path: table.At("s"), By: 1}}},
		{Add: []table.Increment{{Path: table.At("z"), By: 1}}},
	} {
		m.Key = key
		_, err := e.table.Write(e.Context(), m)
		e.fails(err, table.ErrPath)
	}
	for _, m := range []table.Modify{
		{Set: []table.Assign{set("a", 1), set("a", 2)}},
		{Set: []table.Assign{set("a", 1)}, Remove: []table.Path{table.At("a.b")}},
		{Set: []table.Assign{{Value: 1}}},
	} {
		m.Key = key
		if _, err := e.table.Write(e.Context(), m); err == nil {
			e.Errorf("overlapping or empty paths were accepted: %+v", m)
		}
	}
	_, err := e.table.Write(e.Context(), table.Modify{
		Key: key, Set: []table.Assign{set("x", json.Number("1e400"))},
	})
	e.fails(err, table.ErrDocument)
	e.doc(e.get(key), `{"s":"text","list":[1],"n":1,"z":null}`)
}

func modifyRemovesNothing(e env) {
	key := e.key("p", "s")
	e.put(key, `{"a":1,"s":"x"}`)
	e.write(table.Modify{Key: key, Remove: []table.Path{table.At("none"), table.At("no.parent"), table.At("s.x")}})
	e.doc(e.get(key), `{"a":1,"s":"x"}`)
}

func modifyMissing(e env) {
	_, err := e.table.Write(e.Context(), table.Modify{Key: e.key("p", "none"), Set: []table.Assign{set("a", 1)}})
	e.fails(err, table.ErrNotFound)
	_, err = e.table.Write(e.Context(), table.Modify{
		Key: e.key("p", "none"), Set: []table.Assign{set("a", 1)}, If: is("a", table.Equal, 1),
	})
	e.fails(err, table.ErrNotFound)
	e.missing(e.key("p", "none"))
}

func modifyExtras(e env) {
	item := fullItem(e.key("p", "s"), e.part("x"))
	item.Expires = past().AddDate(90, 0, 0)
	e.write(table.Put{Item: item})
	got := e.write(table.Modify{Key: item.Key, Set: []table.Assign{set("a", 2)}})
	item.Doc = table.Doc(`{"a":2,"b":{"c":[1,"x",null,true,{"d":[]}]},"e":{}}`)
	e.same(got, item)
	e.write(table.Modify{
		Key:     item.Key,
		Expires: future(),
		Outbox:  table.Doc(`["next"]`),
		Index:   map[string]string{table.By1: "", table.By2: e.part("y"), table.Ord3: "z"},
	})
	item.Expires, item.Outbox = future(), table.Doc(`["next"]`)
	item.Index = map[string]string{table.By2: e.part("y"), table.By5: e.part("x") + "5", table.Ord3: "z"}
	e.same(e.get(item.Key), item)
}

// Names with dots, reserved words of DynamoDB, and what other path languages
// give a meaning to.
func modifyNames(e env) {
	key := e.key("p", "s")
	e.put(key, `{"a.b":1,"name":2,"size":3,"*":4,"#":5,"@x":6,"q\"uote":7,"é":8,"0":9," ":10}`)
	modify := table.Modify{Key: key}
	for _, name := range []string{"a.b", "name", "size", "*", "#", "@x", "q\"uote", "é", "0", " ", "status", "a|b"} {
		modify.Add = append(modify.Add, table.Increment{Path: table.Path{name}, By: 1})
	}
	e.write(modify)
	e.doc(e.get(key), `{"a.b":2,"name":3,"size":4,"*":5,"#":6,"@x":7,"q\"uote":8,"é":9,"0":10," ":11,"status":1,"a|b":1}`)
}

func upsertCreates(e env) {
	key := e.key("p", "s")
	count := table.Modify{
		Key:     key,
		Add:     []table.Increment{{Path: table.At("n"), By: 2}, {Path: table.At("by.day"), By: 1}},
		Set:     []table.Assign{set("name", "x")},
		Index:   map[string]string{table.By1: e.part("i"), table.By2: ""},
		Expires: future(),
		Upsert:  true,
	}
	e.doc(e.write(count), `{"n":2,"by":{"day":1},"name":"x"}`)
	got := e.write(count)
	e.doc(got, `{"n":4,"by":{"day":2},"name":"x"}`)
	if diff := cmp.Diff(got.Index, map[string]string{table.By1: e.part("i")}); diff != "" || !got.Expires.Equal(future()) {
		e.Errorf("expires %v, index (-got +want):\n%s", got.Expires, diff)
	}
	e.sorts(table.Query{Part: e.part("i"), Index: table.By1}, "s")
}

func upsertConditions(e env) {
	key := e.key("p", "s")
	limited := table.Modify{
		Key: key, Add: []table.Increment{{Path: table.At("n"), By: 1}}, Upsert: true,
		If: table.Or{table.ItemMissing{}, is("n", table.Less, 2)},
	}
	e.write(limited)
	e.write(limited)
	if old := e.refused(limited).Old; old == nil {
		e.Error("refused by no item")
	}
	e.doc(e.get(key), `{"n":2}`)
	onlyExisting := table.Modify{
		Key: e.key("p", "none"), Set: []table.Assign{set("a", 1)}, Upsert: true, If: is("a", table.Equal, 1),
	}
	if old := e.refused(onlyExisting).Old; old != nil {
		e.Errorf("refused by %+v, want no item", old)
	}
	e.missing(onlyExisting.Key)
}

func upsertBare(e env) {
	key := e.key("p", "s")
	e.write(table.Modify{Key: key, Upsert: true, Index: map[string]string{table.Ord1: "x"}})
	e.same(e.get(key), table.Item{Key: key, Index: map[string]string{table.Ord1: "x"}})
	e.doc(e.write(table.Modify{Key: key, Set: []table.Assign{set("a", 1)}}), `{"a":1}`)
}
