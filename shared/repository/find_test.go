package repository_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table/tabletest"
)

const shelf = `{"name":"shelf","schema":{"properties":{
	"genre":{"type":"string","indexed":true},"price":{"type":"number","indexed":true},
	"at":{"type":"string","format":"date-time","indexed":true},
	"isbn":{"type":"string","unique":true},"title":{"type":"string"},"pages":{"type":"number"}}}}`

func TestPlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(shelf)
	all := make([]string, 0, 6)
	for i := range 6 {
		rec := w.create("shelf", fmt.Sprintf(`{"genre":"g%d","price":%d,"isbn":"i%d","title":"t%d","at":"2026-01-0%dT00:00:00Z"}`, i%2, i*10, i, i, i+1))
		all = append(all, rec.SK)
		w.clock.Advance(time.Second)
	}
	for query, want := range map[string]struct {
		access string
		found  []int
	}{
		`{"sk":{"$in":["` + all[1] + `","` + all[3] + `","nosuch","no/such"]}}`: {"ids", []int{3, 1}},
		`{"data.isbn":"i2"}`:                               {"unique", []int{2}},
		`{"data.isbn":"I2"}`:                               {"unique", []int{}}, // guards ignore case, filters do not
		`{"data.isbn":{"$in":["i4","i5","i9"]}}`:           {"unique", []int{5, 4}},
		`{"data.genre":"g1"}`:                              {"index", []int{5, 3, 1}},
		`{"data.genre":{"$in":["g0","g1","g0"]}}`:          {"index", []int{5, 4, 3, 2, 1, 0}},
		`{"data.genre":"g1","data.title":"t3"}`:            {"index", []int{3}},
		`{"data.price":{"$gt":10,"$lte":40}}`:              {"order", []int{4, 3, 2}},
		`{"data.at":{"$lt":"2026-01-03"}}`:                 {"order", []int{1, 0}},
		`{"modifydate":{"$gte":"2026-04-10T08:20:15Z"}}`:   {"order", []int{5, 4}},
		`{"data.title":"t3"}`:                              {"scan", []int{3}},
		`{"$or":[{"data.isbn":"i1"},{"data.title":"t2"}]}`: {"scan", []int{2, 1}},
		``: {"order", []int{5, 4, 3, 2, 1, 0}},
	} {
		got := w.find("shelf", query, repository.ListOptions{})
		expected := make([]string, 0, len(want.found))
		for _, i := range want.found {
			expected = append(expected, all[i])
		}
		if got.Plan.Access != want.access || got.Total != len(expected) {
			t.Errorf("%s: plan %+v, total %d; want %s, %d", query, got.Plan, got.Total, want.access, len(expected))
		}
		if diff := cmp.Diff(expected, ids(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// Reads and writes cost the round trips that they promise.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(shelf)
	rec := w.create("shelf", `{"genre":"g","isbn":"i"}`)
	ctx, guarded := t.Context(), w.repo.As(owner())
	for name, c := range map[string]struct {
		run  func() error
		want tabletest.Calls
	}{
		"get": {func() error { _, err := guarded.Get(ctx, "shelf", rec.SK); return err }, tabletest.Calls{Get: 1}},
		"create": {func() error {
			_, err := guarded.Create(ctx, record.Raw{Datatype: "shelf", Data: []byte(`{"genre":"x"}`)})
			return err
		}, tabletest.Calls{Transact: 1}},
		"find by an indexed field": {func() error {
			_, err := guarded.Find(ctx, "shelf", repository.Find{Filter: []byte(`{"data.genre":"g"}`)})
			return err
		}, tabletest.Calls{Query: 1}},
		"list": {func() error { _, err := guarded.Find(ctx, "shelf", repository.Find{}); return err }, tabletest.Calls{Query: 1, BatchGet: 1}},
	} {
		w.calls.Reset()
		if err := c.run(); err != nil {
			t.Fatal(err)
		}
		if got := w.calls.Calls(); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestPagesAreStableAndCover(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(shelf)
	for i := range 25 {
		w.create("shelf", `{"pages":`+strconv.Itoa(i%3)+`}`) // all at the same instant
	}
	for _, sort := range []string{"", "data.pages", "data.price", "sk", "data.missing"} {
		for _, desc := range []bool{false, true} {
			if seen := w.turn(repository.ListOptions{PageSize: 10, Sort: sort, Desc: desc}); seen != 25 {
				t.Errorf("sort %q: pages show %d of 25 records", sort, seen)
			}
		}
	}
}

// turn reads the pages of 25 books and counts the different ones seen.
func (w *world) turn(o repository.ListOptions) int {
	w.t.Helper()
	seen := map[string]bool{}
	for page := 1; page <= 4; page++ {
		o.Page = page
		got := w.find("shelf", "", o)
		if got.Total != 25 || got.More != (page < 3) {
			w.t.Errorf("sort %q page %d: total %d, more %v", o.Sort, page, got.Total, got.More)
		}
		for _, id := range ids(got) {
			seen[id] = true
		}
	}
	return len(seen)
}

func TestListOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(shelf)
	for range 25 {
		w.create("shelf", `{}`)
	}
	got := w.find("shelf", "", repository.ListOptions{Skip: 23, PageSize: 10})
	if len(got.Data) != 2 || got.More {
		t.Errorf("skip: %d records, more %v", len(got.Data), got.More)
	}
	got = w.find("shelf", "", repository.ListOptions{NoCount: true, PageSize: 10})
	if len(got.Data) != 10 || !got.More || got.Total != -1 {
		t.Errorf("without a count: %d records, more %v, total %d", len(got.Data), got.More, got.Total)
	}
	if got := w.find("shelf", "", repository.ListOptions{Random: true, PageSize: 5}); len(got.Data) != 5 || got.Total != 25 {
		t.Errorf("random: %d of %d", len(got.Data), got.Total)
	}
	if got := w.find("shelf", "", repository.ListOptions{States: []record.State{record.Draft}}); got.Total != 0 {
		t.Errorf("drafts: %d", got.Total)
	}
}

// Whatever index answers a filter, the answer is that of the filter alone.
func TestFindAgreesWithTheFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(shelf)
	docs := make([]record.Raw, 0, 40)
	for i := range 40 {
		data := map[string]any{"title": "t" + strconv.Itoa(i%7)}
		if i%5 != 0 {
			data["genre"] = []string{"a", "b", "2026-01-01", "c d"}[i%4]
		}
		if i%3 != 0 {
			data["price"] = float64(i%6)*1.5 - 3
		}
		text, err := json.Marshal(data)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, w.create("shelf", string(text)))
	}
	rapid.Check(t, func(r *rapid.T) {
		query := drawQuery(r)
		parsed, err := filter.Parse([]byte(query))
		if err != nil {
			r.Fatal(err)
		}
		want := matching(r, parsed, docs)
		page, err := w.tenant().Find(t.Context(), "shelf", repository.Find{Filter: []byte(query), Options: repository.ListOptions{PageSize: 1000, Sort: "sk"}})
		if err != nil {
			r.Fatal(err)
		}
		slices.Sort(want)
		if diff := cmp.Diff(want, ids(page)); diff != "" || page.Total != len(want) {
			r.Errorf("%s by %+v (-want +got):\n%s", query, page.Plan, diff)
		}
	})
}

// matching are the ids that the filter itself lets through.
func matching(r *rapid.T, f *filter.Filter, docs []record.Raw) []string {
	want := []string{}
	for _, rec := range docs {
		text, err := json.Marshal(rec)
		if err != nil {
			r.Fatal(err)
		}
		if f.Match(text) {
			want = append(want, rec.SK)
		}
	}
	return want
}

func drawQuery(r *rapid.T) string {
	field := rapid.SampledFrom([]string{"data.genre", "data.price", "data.title", "state"}).Draw(r, "field")
	op := rapid.SampledFrom([]string{"$eq", "$ne", "$gt", "$gte", "$lt", "$lte"}).Draw(r, "op")
	value := rapid.SampledFrom([]string{`"a"`, `"2026-01-01"`, `"t3"`, `null`, `0`, `1.5`, `-3`, `"new"`, `true`}).Draw(r, "value")
	one := fmt.Sprintf(`{"%s":{"%s":%s}}`, field, op, value)
	if rapid.Bool().Draw(r, "both") {
		return fmt.Sprintf(`{"$and":[%s,{"data.genre":{"$in":["a","b"]}}]}`, one)
	}
	return one
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for want, find := range map[*fault.Error]repository.Find{
		filter.ErrInvalid:  {Filter: []byte(`{"$where":"1"}`)},
		repository.ErrSort: {Options: repository.ListOptions{Sort: "a..b"}},
	} {
		if _, err := w.tenant().Find(t.Context(), "tag", find); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// A field indexed later answers from a scan until older records are indexed.
func TestLateIndexesMissNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"late","schema":{"properties":{"a":{"type":"string"}}}}`)
	w.create("late", `{"a":"x"}`)
	def, err := w.tenant().Get(t.Context(), "collection", "late")
	if err != nil {
		t.Fatal(err)
	}
	def.Data = json.RawMessage(`{"name":"late","schema":{"properties":{"a":{"type":"string","indexed":true,"unique":true}}}}`)
	if _, err := w.try(func(x *repository.Tx) { x.Update(def) }); err != nil {
		t.Fatal(err)
	}
	w.create("late", `{"a":"y"}`)
	for _, value := range []string{"x", "y"} {
		if got := w.find("late", `{"data.a":"`+value+`"}`, repository.ListOptions{}); got.Total != 1 || got.Plan.Access != "scan" {
			t.Errorf("%s: total %d by %+v", value, got.Total, got.Plan)
		}
	}
	if wait, err := w.tenant().Reindex(t.Context(), "late"); err != nil || wait <= 0 {
		t.Fatalf("reindex at once: wait %v, %v", wait, err)
	}
	w.clock.Advance(time.Minute)
	if _, err := w.tenant().Reindex(t.Context(), "late"); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"x", "y"} {
		if got := w.find("late", `{"data.a":"`+value+`"}`, repository.ListOptions{}); got.Total != 1 || got.Plan.Access != "unique" {
			t.Errorf("%s: total %d by %+v", value, got.Total, got.Plan)
		}
	}
	_, err = w.try(func(x *repository.Tx) { x.Create(record.Raw{Datatype: "late", Data: []byte(`{"a":"x"}`)}) })
	if !errors.Is(err, repository.ErrTaken) {
		t.Errorf("a value that an older record holds: got %v, want %v", err, repository.ErrTaken)
	}
}
