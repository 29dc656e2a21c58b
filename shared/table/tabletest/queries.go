package tabletest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
)

func queryCases() []suiteCase {
	return []suiteCase{
		{"a query reads a range both ways", queryRanges},
		{"a query filters", queryFilters},
		{"a query counts", queryCounts},
	}
}

func pagingCases() []suiteCase {
	return []suiteCase{
		{"pages cover a partition once", pagesCover},
		{"cursors are stable under writes", cursorsStable},
		{"cursors belong to their query", cursorsBound},
		{"a page has a budget of bytes", pageBudget},
	}
}

func (e env) letters(part string) {
	for _, s := range strings.Fields("a b ba bb bba c d") {
		e.put(e.key(part, s), fmt.Sprintf(`{"s":%q,"n":%d}`, s, len(s)))
	}
	e.put(e.key(part+"x", "zz"), `{}`)
}

func queryRanges(e env) {
	e.letters("p")
	for _, c := range []struct {
		q    table.Query
		want string
	}{
		{table.Query{}, "a b ba bb bba c d"},
		{table.Query{From: "b"}, "b ba bb bba c d"},
		{table.Query{To: "bb"}, "a b ba bb"},
		{table.Query{From: "b", To: "bb"}, "b ba bb"},
		{table.Query{From: "b", To: "b"}, "b"},
		{table.Query{From: "aa", To: "az"}, ""},
		{table.Query{From: "c", To: "b"}, ""},
		{table.Query{Prefix: "b"}, "b ba bb bba"},
		{table.Query{Prefix: "bb"}, "bb bba"},
		{table.Query{Prefix: "x"}, ""},
		{table.Query{Prefix: "b", From: "c", To: "d"}, "b ba bb bba"},
	} {
		for _, limit := range []int{0, 1, 2, 50} {
			q := c.q
			q.Part, q.Limit, q.Consistent = e.part("p"), limit, limit == 2
			e.sorts(q, c.want)
			q.Desc = true
			backwards := strings.Fields(c.want)
			slices.Reverse(backwards)
			e.sorts(q, strings.Join(backwards, " "))
		}
	}
	e.sorts(table.Query{Part: e.part("nothing")}, "")
}

func queryFilters(e env) {
	e.letters("p")
	long := is("n", table.GreaterOrEqual, 2)
	for _, limit := range []int{0, 1, 3} {
		e.sorts(table.Query{Part: e.part("p"), Filter: long, Limit: limit}, "ba bb bba")
		e.sorts(table.Query{Part: e.part("p"), Filter: long, Limit: limit, Desc: true}, "bba bb ba")
		e.sorts(table.Query{Part: e.part("p"), Filter: is("s", table.Equal, "zz"), Limit: limit}, "")
	}
	page := e.query(table.Query{Part: e.part("p"), Filter: long, Limit: 2})
	if page.Count != 2 || len(page.Items) != 2 || page.Read < 2 {
		e.Errorf("got %d items, count %d, read %d; want 2, 2 and more", len(page.Items), page.Count, page.Read)
	}
}

func queryCounts(e env) {
	e.letters("p")
	page := e.query(table.Query{Part: e.part("p"), CountOnly: true})
	if page.Count != 7 || page.Read != 7 || len(page.Items) != 0 || page.Cursor != "" {
		e.Errorf("got %+v, want 7 counted", page)
	}
	page = e.query(table.Query{Part: e.part("p"), CountOnly: true, Filter: is("n", table.Equal, 2)})
	if page.Count != 2 || len(page.Items) != 0 {
		e.Errorf("got %+v, want 2 counted", page)
	}
	total, q := 0, table.Query{Part: e.part("p"), CountOnly: true, Limit: 3, From: "b"}
	for range 10 {
		page := e.query(q)
		total += page.Count
		if q.Cursor = page.Cursor; q.Cursor == "" {
			break
		}
	}
	if total != 6 {
		e.Errorf("pages counted %d, want 6", total)
	}
}

func pagesCover(e env) {
	const n = 57
	want := make([]string, n)
	for i := range n {
		want[i] = fmt.Sprintf("%03d", i)
		e.put(e.key("p", want[i]), `{}`)
	}
	for _, limit := range []int{0, 1, 7, 19, 57, 58} {
		q := table.Query{Part: e.part("p"), Limit: limit, Consistent: true}
		if limit == 1 {
			q.From = "030"
			if diff := cmp.Diff(e.all(q), want[30:]); diff != "" {
				e.Errorf("limit %d (-got +want):\n%s", limit, diff)
			}
			continue
		}
		if diff := cmp.Diff(e.all(q), want); diff != "" {
			e.Errorf("limit %d (-got +want):\n%s", limit, diff)
		}
	}
}

// Removing the item that a page ended with, and writing before and after the
// place, must neither repeat nor lose anything else.
func cursorsStable(e env) {
	for _, s := range strings.Fields("b d f h j") {
		e.put(e.key("p", s), `{}`)
	}
	q := table.Query{Part: e.part("p"), Limit: 2, Consistent: true}
	page := e.query(q)
	e.write(table.Delete{Key: e.key("p", "d")})
	e.put(e.key("p", "a"), `{}`)
	e.put(e.key("p", "c"), `{}`)
	e.put(e.key("p", "e"), `{}`)
	q.Cursor, q.Limit = page.Cursor, 50
	e.sorts(q, "e f h j")
	q = table.Query{Part: e.part("p"), Limit: 2, Desc: true, Consistent: true}
	q.Cursor = e.query(q).Cursor
	e.write(table.Delete{Key: e.key("p", "h")})
	e.put(e.key("p", "i"), `{}`)
	e.sorts(q, "f e c b a")
}

func cursorsBound(e env) {
	for _, part := range []string{"p", "q"} {
		for _, s := range strings.Fields("a b c d") {
			e.write(table.Put{Item: table.Item{Key: e.key(part, s), Index: map[string]string{
				table.By1: e.part(part), table.By2: e.part(part), table.Ord1: s,
			}}})
		}
	}
	q := table.Query{Part: e.part("p"), Limit: 2, Consistent: true}
	cursor := e.query(q).Cursor
	if cursor == "" {
		e.Fatal("no cursor")
	}
	for _, other := range []table.Query{
		{Part: e.part("q")},
		{Part: e.part("p"), Desc: true},
		{Part: e.part("p"), From: "a"},
		{Part: e.part("p"), To: "z"},
		{Part: e.part("p"), Prefix: "a"},
		{Part: e.part("p"), Index: table.By1},
		{Part: e.part("p"), Index: table.Ord1},
	} {
		other.Cursor = cursor
		_, err := e.table.Query(e.Context(), other)
		e.fails(err, table.ErrCursor)
	}
	for _, bad := range []string{"x", "!", cursor + "x", cursor[:len(cursor)-2], strings.ToUpper(cursor), "AAAA" + cursor} {
		q.Cursor = bad
		_, err := e.table.Query(e.Context(), q)
		e.fails(err, table.ErrCursor)
	}
	byOne := table.Query{Part: e.part("p"), Index: table.By1, Limit: 2}
	byTwo := table.Query{Part: e.part("p"), Index: table.By2, Cursor: e.query(byOne).Cursor}
	_, err := e.table.Query(e.Context(), byTwo)
	e.fails(err, table.ErrCursor)
	q.Cursor, q.Limit = cursor, 1
	e.sorts(q, "c d")
}

func pageBudget(e env) {
	doc := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 200<<10))
	for i := range 8 {
		e.put(e.key("p", fmt.Sprint(i)), doc)
	}
	q := table.Query{Part: e.part("p"), Consistent: true}
	page := e.query(q)
	if len(page.Items) < 4 || len(page.Items) > 7 || page.Cursor == "" {
		e.Errorf("got %d items and cursor %q, want about five and more to come", len(page.Items), page.Cursor)
	}
	e.sorts(q, "0 1 2 3 4 5 6 7")
	q.Filter = table.Missing{Path: table.At("text")}
	page = e.query(q)
	if page.Count != 0 || page.Read >= 8 || page.Cursor == "" {
		e.Errorf("filtered: got %d of %d, cursor %q; want it to stop early", page.Count, page.Read, page.Cursor)
	}
	e.sorts(q, "")
}
