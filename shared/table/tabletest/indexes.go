package tabletest

import (
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
)

func indexCases() []suiteCase {
	return []suiteCase{
		{"by-indexes are sparse and sorted", byIndexes},
		{"by-indexes follow changes", byIndexFollows},
		{"by-indexes join partitions", byIndexJoins},
		{"ord-indexes sort within the partition", ordIndexes},
		{"ord-indexes take equal values", ordTies},
		{"index values are compared whole", indexValuesWhole},
	}
}

func (e env) indexed(key table.Key, index map[string]string) {
	e.Helper()
	e.write(table.Put{Item: table.Item{Key: key, Doc: table.Doc(`{"n":1}`), Index: index}})
}

func byIndexes(e env) {
	for _, s := range strings.Fields("d b a c") {
		e.indexed(e.key("p", s), map[string]string{table.By1: e.part("red"), table.By3: e.part("three" + s)})
	}
	e.indexed(e.key("p", "e"), nil)
	e.indexed(e.key("p", "f"), map[string]string{table.By1: e.part("blue"), table.By2: ""})
	red := table.Query{Part: e.part("red"), Index: table.By1}
	e.sorts(red, "a b c d")
	red.Desc, red.Limit = true, 3
	e.sorts(red, "d c b a")
	e.sorts(table.Query{Part: e.part("red"), Index: table.By1, From: "b", To: "c"}, "b c")
	e.sorts(table.Query{Part: e.part("red"), Index: table.By1, Prefix: "d"}, "d")
	e.sorts(table.Query{Part: e.part("red"), Index: table.By2}, "")
	e.sorts(table.Query{Part: e.part("threeb"), Index: table.By3}, "b")
	e.same(e.one(table.Query{Part: e.part("threeb"), Index: table.By3}, `{"n":1}`), e.get(e.key("p", "b")))
}

func byIndexFollows(e env) {
	key := e.key("p", "s")
	red := table.Query{Part: e.part("red"), Index: table.By1}
	blue := table.Query{Part: e.part("blue"), Index: table.By1}
	e.indexed(key, map[string]string{table.By1: e.part("red")})
	e.write(table.Modify{Key: key, Set: []table.Assign{set("n", 2)}})
	e.one(red, `{"n":2}`)
	e.write(table.Modify{Key: key, Index: map[string]string{table.By1: e.part("blue")}})
	e.sorts(red, "")
	e.sorts(blue, "s")
	e.write(table.Modify{Key: key, Index: map[string]string{table.By1: ""}})
	e.sorts(blue, "")
	e.indexed(key, map[string]string{table.By1: e.part("red")})
	e.sorts(red, "s")
	e.indexed(key, nil)
	e.sorts(red, "")
	e.indexed(key, map[string]string{table.By1: e.part("red")})
	e.write(table.Delete{Key: key})
	e.sorts(red, "")
}

// Items of several partitions with the same sort key share an index value.
func byIndexJoins(e env) {
	for _, part := range []string{"x", "y", "z"} {
		e.indexed(e.key(part, "same"), map[string]string{table.By4: e.part("v")})
	}
	parts := []string{}
	q := table.Query{Part: e.part("v"), Index: table.By4, Limit: 1}
	for range 5 {
		page := e.query(q)
		for _, item := range page.Items {
			parts = append(parts, strings.TrimPrefix(item.Part, e.prefix+"#"))
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			break
		}
	}
	slices.Sort(parts)
	if diff := cmp.Diff(parts, []string{"x", "y", "z"}); diff != "" {
		e.Errorf("partitions (-got +want):\n%s", diff)
	}
}

func ordIndexes(e env) {
	for s, value := range map[string]string{"a": "30", "b": "10", "c": "20", "d": "", "e": "10x"} {
		e.indexed(e.key("p", s), map[string]string{table.Ord1: value, table.Ord2: "const" + s})
	}
	e.indexed(e.key("q", "z"), map[string]string{table.Ord1: "15"})
	base := table.Query{Part: e.part("p"), Index: table.Ord1}
	e.sorts(base, "b e c a")
	for _, c := range []struct {
		q    table.Query
		want string
	}{
		{table.Query{Desc: true, Limit: 1}, "a c e b"},
		{table.Query{From: "20"}, "c a"},
		{table.Query{To: "20"}, "b e c"},
		{table.Query{From: "10", To: "10"}, "b"},
		{table.Query{Prefix: "10"}, "b e"},
		{table.Query{Prefix: "10", Desc: true, Limit: 1}, "e b"},
		{table.Query{Filter: is("n", table.Equal, 1), Limit: 2}, "b e c a"},
		{table.Query{Filter: is("n", table.Equal, 2), Limit: 2}, ""},
	} {
		c.q.Part, c.q.Index = base.Part, base.Index
		e.sorts(c.q, c.want)
	}
	e.write(table.Modify{Key: e.key("p", "a"), Index: map[string]string{table.Ord1: "05"}})
	e.write(table.Modify{Key: e.key("p", "b"), Index: map[string]string{table.Ord1: ""}})
	e.sorts(base, "a e c")
}

func ordTies(e env) {
	want := []string{"a", "b", "c", "d", "e"}
	for _, s := range want {
		e.indexed(e.key("p", s), map[string]string{table.Ord2: "same"})
	}
	for _, desc := range []bool{false, true} {
		got := e.all(table.Query{Part: e.part("p"), Index: table.Ord2, Limit: 2, Desc: desc})
		slices.Sort(got) // the order among equal values is the adapter's
		if diff := cmp.Diff(got, want); diff != "" {
			e.Errorf("desc %v (-got +want):\n%s", desc, diff)
		}
	}
}

func indexValuesWhole(e env) {
	e.indexed(e.key("p", "1"), map[string]string{table.By1: e.part("ab"), table.Ord1: "x\x00y"})
	e.indexed(e.key("p", "b1"), map[string]string{table.By1: e.part("a"), table.Ord1: "x"})
	e.sorts(table.Query{Part: e.part("a"), Index: table.By1}, "b1")
	e.sorts(table.Query{Part: e.part("ab"), Index: table.By1}, "1")
	e.sorts(table.Query{Part: e.part("p"), Index: table.Ord1, To: "x"}, "b1")
	e.sorts(table.Query{Part: e.part("p"), Index: table.Ord1, From: "x\x00"}, "1")
}
