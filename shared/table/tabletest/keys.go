package tabletest

import (
	"errors"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

func keyCases() []suiteCase {
	return []suiteCase{
		{"keys are injective", keysInjective},
		{"keys sort by bytes", keysSortByBytes},
		{"keys out of bounds are refused", keysRefused},
		{"tenants are apart", tenantsApart},
		{"tenants see their own index values", tenantIndexes},
		{"tenants do not share tokens", tenantTokens},
	}
}

// Pairs that would collide under concatenation, under a missing delimiter or
// under careless escaping.
func keysInjective(e env) {
	pairs := [][2]string{
		{"a", "bc"},
		{"ab", "c"},
		{"a#", "b"},
		{"a", "#b"},
		{"a\x00", "b"},
		{"a", "\x00b"},
		{"a\x00\x01", "b"},
		{"a\x01", "b"},
		{"a", "b\x00"},
		{"a", "b"},
		{"A", "b"},
		{"a ", "b"},
		{"a", "é"},
		{"a", "e\u0301"},
	}
	for i, p := range pairs {
		doc, err := table.NewDoc(map[string]int{"n": i})
		if err != nil {
			e.Fatal(err)
		}
		e.write(table.Put{Item: table.Item{Key: e.key(p[0], p[1]), Doc: doc}, If: table.ItemMissing{}})
	}
	for i, p := range pairs {
		var got struct{ N int }
		item := e.get(e.key(p[0], p[1]))
		if err := item.Doc.Decode(&got); err != nil || got.N != i || item.Key != e.key(p[0], p[1]) {
			e.Errorf("%q holds %d of %+v, want %d (%v)", p, got.N, item.Key, i, err)
		}
	}
	e.sorts(table.Query{Part: e.part("ab")}, "c")
}

func keysSortByBytes(e env) {
	sorts := []string{"a", "a\x00", "a\x00b", "a\x01", "aa", "b", "A", "~", "é", "日本", "\U0001F600", "\uFFFD", "0", "10", "9"}
	for _, s := range sorts {
		e.put(e.key("p", s), `{}`)
	}
	want := slices.Clone(sorts)
	slices.Sort(want)
	q := table.Query{Part: e.part("p"), Limit: 4}
	if diff := cmp.Diff(e.all(q), want); diff != "" {
		e.Errorf("forwards (-got +want):\n%s", diff)
	}
	slices.Reverse(want)
	q.Desc = true
	if diff := cmp.Diff(e.all(q), want); diff != "" {
		e.Errorf("backwards (-got +want):\n%s", diff)
	}
}

func keysRefused(e env) {
	long := strings.Repeat("x", table.PartMax+1)
	for _, key := range []table.Key{
		{Part: "", Sort: "s"},
		{Part: e.part("p"), Sort: ""},
		{Part: long, Sort: "s"},
		{Part: e.part("p"), Sort: long[:table.SortMax+1]},
		{Part: e.part("p"), Sort: "\xff"},
	} {
		_, err := e.table.Write(e.Context(), table.Put{Item: table.Item{Key: key}})
		e.fails(err, table.ErrKey)
		_, err = e.table.Get(e.Context(), key)
		e.fails(err, table.ErrKey)
		_, err = e.table.BatchGet(e.Context(), []table.Key{key})
		e.fails(err, table.ErrKey)
	}
	_, err := e.table.Write(e.Context(), table.Put{Item: table.Item{
		Key: e.key("p", "s"), Index: map[string]string{table.By1: long},
	}})
	e.fails(err, table.ErrKey)
	_, err = e.table.Write(e.Context(), table.Put{Item: table.Item{
		Key: e.key("p", "s"), Index: map[string]string{"by9": "x"},
	}})
	if err == nil {
		e.Error("an unknown index was accepted")
	}
	_, err = e.table.Query(e.Context(), table.Query{})
	e.fails(err, table.ErrKey)
}

// acme must not reach acme-corp, whose name begins with its own.
func tenantsApart(e env) {
	acme := table.Of(e.table, org.ID(e.prefix))
	corp := table.Of(e.table, org.ID(e.prefix+"-corp"))
	key := table.Key{Part: "book", Sort: "1"}
	for _, tenant := range []table.Tenant{acme, corp} {
		doc, err := table.NewDoc(map[string]string{"org": string(tenant.Org())})
		if err != nil {
			e.Fatal(err)
		}
		item := table.Item{Key: key, Doc: doc, Index: map[string]string{table.By1: "x", table.Ord1: "y"}}
		got, err := tenant.Write(e.Context(), table.Put{Item: item, If: table.ItemMissing{}})
		if err != nil {
			e.Fatal(err)
		}
		if diff := cmp.Diff(got.Key, key); diff != "" {
			e.Errorf("key (-got +want):\n%s", diff)
		}
	}
	for _, q := range []table.Query{
		{Part: "book"},
		{Part: "x", Index: table.By1},
		{Part: "book", Index: table.Ord1},
	} {
		page, err := acme.Query(e.Context(), q)
		if err != nil || len(page.Items) != 1 {
			e.Fatalf("query %+v: got %d items, %v", q, len(page.Items), err)
		}
		e.doc(page.Items[0], `{"org":"`+e.prefix+`"}`)
	}
	if _, err := acme.Write(e.Context(), table.Delete{Key: key}); err != nil {
		e.Fatal(err)
	}
	if _, err := acme.Get(e.Context(), key); !errors.Is(err, table.ErrNotFound) {
		e.Errorf("got %v, want not found", err)
	}
	if _, err := corp.Get(e.Context(), key); err != nil {
		e.Error("deleting one org's item removed another's", err)
	}
}

func tenantIndexes(e env) {
	tenant := table.Of(e.table, org.ID(e.prefix))
	index := map[string]string{table.By1: "value", table.Ord1: e.prefix + "#trap"}
	item := table.Item{Key: table.Key{Part: "p", Sort: "s"}, Doc: table.Doc(`{}`), Index: index}
	got, err := tenant.Write(e.Context(), table.Put{Item: item})
	if err != nil {
		e.Fatal(err)
	}
	if diff := cmp.Diff(got.Index, index); diff != "" {
		e.Errorf("index (-got +want):\n%s", diff)
	}
	_, err = tenant.Write(e.Context(), table.Put{Item: item, If: table.ItemMissing{}})
	refused := e.refusal(err)
	if refused.Old == nil || refused.Old.Part != "p" || refused.Old.Index[table.By1] != "value" {
		e.Errorf("refusal shows raw keys: %+v", refused.Old)
	}
}

func tenantTokens(e env) {
	for _, name := range []string{e.prefix + "one", e.prefix + "two"} {
		tenant := table.Of(e.table, org.ID(name))
		key := table.Key{Part: "p", Sort: "s"}
		err := tenant.Transact(e.Context(), "same-token", table.Put{Item: table.Item{Key: key, Doc: table.Doc(`{}`)}})
		if err != nil {
			e.Fatal(err)
		}
		if _, err := tenant.Get(e.Context(), key); err != nil {
			e.Errorf("%s: %v", name, err)
		}
	}
}
