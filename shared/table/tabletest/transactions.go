package tabletest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/table"
)

func transactCases() []suiteCase {
	return []suiteCase{
		{"a transaction does all", transactAll},
		{"a transaction does none when one is refused", transactNone},
		{"a transaction names the first refused", transactFirst},
		{"a transaction modifies nested and missing items", transactModify},
		{"a transaction refuses duplicates", transactDuplicates},
		{"a transaction is limited in number", transactLimit},
		{"a transaction takes large documents", transactLarge},
		{"a token makes a repeat nothing", transactToken},
		{"a refused transaction does not use its token up", transactTokenRefused},
	}
}

func (e env) transact(ops ...table.Op) error {
	return e.table.Transact(e.Context(), "", ops...)
}

func put(key table.Key, doc string, cond table.Cond) table.Put {
	return table.Put{Item: table.Item{Key: key, Doc: table.Doc(doc)}, If: cond}
}

func transactAll(e env) {
	e.put(e.key("a", "old"), `{"n":1}`)
	e.put(e.key("b", "gone"), `{}`)
	e.put(e.key("c", "checked"), `{"ok":true}`)
	err := e.transact(
		put(e.key("a", "new"), `{"x":1}`, table.ItemMissing{}),
		table.Modify{Key: e.key("a", "old"), Add: []table.Increment{{Path: table.At("n"), By: 1}}},
		table.Delete{Key: e.key("b", "gone"), If: table.ItemExists{}},
		table.Check{Key: e.key("c", "checked"), If: is("ok", table.Equal, true)},
	)
	if err != nil {
		e.Fatal(err)
	}
	e.doc(e.get(e.key("a", "new")), `{"x":1}`)
	e.doc(e.get(e.key("a", "old")), `{"n":2}`)
	e.missing(e.key("b", "gone"))
	if err := e.transact(); err != nil {
		e.Errorf("an empty transaction: %v", err)
	}
}

func transactNone(e env) {
	e.put(e.key("a", "1"), `{"n":1}`)
	e.put(e.key("a", "2"), `{"n":1}`)
	err := e.transact(
		put(e.key("b", "new"), `{}`, nil),
		table.Modify{Key: e.key("a", "1"), Add: []table.Increment{{Path: table.At("n"), By: 1}}},
		table.Delete{Key: e.key("a", "2")},
		put(e.key("a", "2x"), `{}`, table.ItemExists{}),
	)
	refused := e.refusal(err)
	if refused.Index != 3 || refused.Old != nil {
		e.Errorf("refused by %d %+v, want 3 and no item", refused.Index, refused.Old)
	}
	e.missing(e.key("b", "new"))
	e.doc(e.get(e.key("a", "1")), `{"n":1}`)
	e.get(e.key("a", "2"))
}

func transactFirst(e env) {
	e.put(e.key("a", "1"), `{"n":7}`)
	e.put(e.key("a", "2"), `{"n":8}`)
	err := e.transact(
		put(e.key("a", "0"), `{}`, nil),
		table.Check{Key: e.key("a", "1"), If: is("n", table.Equal, 1)},
		put(e.key("a", "2"), `{}`, table.ItemMissing{}),
	)
	refused := e.refusal(err)
	if refused.Index != 1 || refused.Old == nil {
		e.Fatalf("refused by %d %+v, want 1 and its item", refused.Index, refused.Old)
	}
	e.doc(*refused.Old, `{"n":7}`)
	if refused.Old.Key != e.key("a", "1") {
		e.Errorf("refused by %+v", refused.Old.Key)
	}
}

func transactModify(e env) {
	e.put(e.key("a", "1"), `{"n":1}`)
	err := e.transact(
		table.Modify{Key: e.key("a", "1"), Set: []table.Assign{set("deep.er", 1)}},
		table.Modify{Key: e.key("a", "2"), Add: []table.Increment{{Path: table.At("n.m"), By: 1}}, Upsert: true},
	)
	if err != nil {
		e.Fatal(err)
	}
	e.doc(e.get(e.key("a", "1")), `{"n":1,"deep":{"er":1}}`)
	e.doc(e.get(e.key("a", "2")), `{"n":{"m":1}}`)
	err = e.transact(
		put(e.key("a", "3"), `{}`, nil),
		table.Modify{Key: e.key("a", "none"), Set: []table.Assign{set("x", 1)}},
	)
	refused := e.refusal(err)
	if refused.Index != 1 || refused.Old != nil || !errors.Is(err, table.ErrNotFound) {
		e.Errorf("got %+v (%v), want not found at 1", refused, refused.Err)
	}
	e.missing(e.key("a", "3"))
}

func transactDuplicates(e env) {
	key := e.key("a", "1")
	err := e.transact(put(key, `{}`, nil), table.Check{Key: key, If: table.ItemMissing{}})
	var refused *table.Refused
	if err == nil || errors.As(err, &refused) {
		e.Errorf("got %v, want an error that is no refusal", err)
	}
	e.missing(key)
}

func transactLimit(e env) {
	ops := make([]table.Op, table.TransactMax+1)
	for i := range ops {
		ops[i] = put(e.key("a", fmt.Sprintf("%03d", i)), `{}`, nil)
	}
	if err := e.transact(ops...); err == nil {
		e.Error("too many operations were accepted")
	}
	if err := e.transact(ops[:table.TransactMax]...); err != nil {
		e.Error(err)
	}
	if got := len(e.all(table.Query{Part: e.part("a"), Consistent: true})); got != table.TransactMax {
		e.Errorf("got %d items, want %d", got, table.TransactMax)
	}
}

// Together they are more than DynamoDB takes in one request.
func transactLarge(e env) {
	doc := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 250<<10))
	ops := make([]table.Op, 20)
	for i := range ops {
		ops[i] = put(e.key("a", fmt.Sprint(i)), doc, table.ItemMissing{})
	}
	if err := e.transact(ops...); err != nil {
		e.Fatal(err)
	}
	for _, op := range ops {
		e.doc(e.get(table.KeyOf(op)), doc)
	}
}

func transactToken(e env) {
	key := e.key("a", "1")
	e.put(key, `{"n":0}`)
	token := e.prefix + "-a-token-that-is-longer-than-dynamodb-takes"
	for range 3 {
		err := e.table.Transact(e.Context(), token,
			table.Modify{Key: key, Add: []table.Increment{{Path: table.At("n"), By: 1}}},
			put(e.key("a", "2"), `{}`, table.ItemMissing{}))
		if err != nil {
			e.Fatal(err)
		}
	}
	e.doc(e.get(key), `{"n":1}`)
}

func transactTokenRefused(e env) {
	key := e.key("a", "1")
	attempt := func() error {
		return e.table.Transact(e.Context(), e.prefix+"token", put(key, `{"n":1}`, table.ItemExists{}))
	}
	_ = e.refusal(attempt())
	e.put(key, `{}`)
	if err := attempt(); err != nil {
		e.Fatal(err)
	}
	e.doc(e.get(key), `{"n":1}`)
}
