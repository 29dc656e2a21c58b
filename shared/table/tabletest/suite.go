// Package tabletest is the conformance suite of the table port: what every
// adapter must do, so that a module tested on one behaves the same on another.
// It also has tables for tests: Broken, which fails each call, and Counting,
// which counts them.
package tabletest

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// Changer is what an adapter with a change stream of its own offers besides
// table.Table; the stream cases run on those.
type Changer interface {
	Changes(ctx context.Context, after string, limit int) ([]table.Change, string, error)
}

// Exception excuses an adapter from one case, with the reason it is not at fault.
type Exception struct {
	Case   string
	Reason string
}

// suiteCase is one promise of the port.
type suiteCase struct {
	name string
	run  func(e env)
}

// Run holds an adapter to the port's promises. open is called once per case and
// may return the same table every time: the cases use keys of their own.
// Adapters must go by the real clock.
func Run(t *testing.T, open func(t *testing.T) table.Table, exceptions ...Exception) {
	t.Helper()
	excused := make(map[string]string)
	for _, x := range exceptions {
		excused[x.Case] = x.Reason
	}
	for _, cases := range [][]suiteCase{
		keyCases(), itemCases(), conditionCases(), updateCases(), upsertCases(), transactCases(),
		queryCases(), pagingCases(), indexCases(), valueCases(), expiryCases(), concurrencyCases(),
		streamCases(), consumptionCases(),
	} {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				if reason := excused[c.name]; reason != "" {
					t.Skip("excepted: " + reason)
				}
				c.run(env{T: t, table: open(t), prefix: strings.ToLower(rand.Text()[:12])})
			})
		}
	}
}

// env is one case's view of the table.
type env struct {
	*testing.T
	table  table.Table
	prefix string
}

// part makes a partition that no other case uses.
func (e env) part(name string) string { return e.prefix + "#" + name }

func (e env) key(part, sort string) table.Key {
	return table.Key{Part: e.part(part), Sort: sort}
}

func (e env) write(op table.Op) table.Item {
	e.Helper()
	item, err := e.table.Write(e.Context(), op)
	if err != nil {
		e.Fatalf("write %+v: %v", table.KeyOf(op), err)
	}
	return item
}

// put stores a document under a key, unconditionally.
func (e env) put(key table.Key, doc string) {
	e.Helper()
	e.write(table.Put{Item: table.Item{Key: key, Doc: table.Doc(doc)}})
}

func (e env) get(key table.Key) table.Item {
	e.Helper()
	item, err := e.table.Get(e.Context(), key)
	if err != nil {
		e.Fatalf("get %+v: %v", key, err)
	}
	return item
}

// missing fails when there is an item at the key.
func (e env) missing(key table.Key) {
	e.Helper()
	if _, err := e.table.Get(e.Context(), key); !errors.Is(err, table.ErrNotFound) {
		e.Errorf("get %+v: got %v, want not found", key, err)
	}
}

// doc fails when the item's document is not that JSON value.
func (e env) doc(item table.Item, want string) {
	e.Helper()
	if !eval.Equal(item.Doc, []byte(want)) {
		e.Errorf("document of %+v: got %s, want %s", item.Key, item.Doc, want)
	}
}

// refused fails unless the write is refused, and returns the refusal.
func (e env) refused(op table.Op) *table.Refused {
	e.Helper()
	_, err := e.table.Write(e.Context(), op)
	return e.refusal(err)
}

// refuses is refused for when the refusal's content does not matter.
func (e env) refuses(op table.Op) {
	e.Helper()
	_ = e.refused(op)
}

func (e env) refusal(err error) *table.Refused {
	e.Helper()
	var refused *table.Refused
	if !errors.As(err, &refused) {
		e.Fatalf("got error %v, want a refusal", err)
	}
	return refused
}

// fails fails unless err is the fault wanted.
func (e env) fails(err, want error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Errorf("got error %v, want %v", err, want)
	}
}

func (e env) query(q table.Query) table.Page {
	e.Helper()
	page, err := e.table.Query(e.Context(), q)
	if err != nil {
		e.Fatalf("query %+v: %v", q, err)
	}
	return page
}

// all reads every page, at most a hundred of them, and returns the sort keys.
func (e env) all(q table.Query) []string {
	e.Helper()
	keys := []string{}
	for range 100 {
		page := e.query(q)
		for _, item := range page.Items {
			keys = append(keys, item.Sort)
		}
		if len(page.Items) != page.Count && !q.CountOnly {
			e.Errorf("page counts %d, has %d", page.Count, len(page.Items))
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return keys
		}
	}
	e.Fatal("a query had no end")
	return nil
}

// sorts fails when the query's sort keys are not those, given in one text.
func (e env) sorts(q table.Query, want string) {
	e.Helper()
	diff := ""
	for range patience(q) {
		if diff = cmp.Diff(strings.Join(e.all(q), " "), want); diff == "" {
			return
		}
		e.pause()
	}
	e.Errorf("query %+v (-got +want):\n%s", q, diff)
}

// one returns the query's only item once its document is that JSON value.
func (e env) one(q table.Query, doc string) table.Item {
	e.Helper()
	var page table.Page
	for range patience(q) {
		page = e.query(q)
		if len(page.Items) == 1 && eval.Equal(page.Items[0].Doc, []byte(doc)) {
			return page.Items[0]
		}
		e.pause()
	}
	e.Fatalf("query %+v: got %+v, want one item with %s", q, page.Items, doc)
	return table.Item{}
}

// patience is how often a query is tried: indexes and inconsistent reads may be
// behind the writes.
func patience(q table.Query) int {
	if q.Consistent && q.Index == "" {
		return 1
	}
	return 20
}

// pause lets an index catch up.
func (e env) pause() {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-e.Context().Done():
	}
}
