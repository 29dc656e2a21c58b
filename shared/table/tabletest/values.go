package tabletest

import (
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/table"
)

func valueCases() []suiteCase {
	return []suiteCase{
		{"numbers are exact", numbersExact},
		{"numbers that cannot be held are refused", numbersRefused},
		{"texts of every kind", texts},
		{"empty values", emptyValues},
		{"large documents", largeDocuments},
		{"documents over the limit are refused", tooLarge},
		{"depth has a limit", depthLimit},
		{"malformed documents are refused", malformed},
	}
}

func numbersExact(e env) {
	for i, n := range []string{
		"0", "-0", "1", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808",
		"18446744073709551615", "0.1", "1.50", "1e3", "1E-7", "123456789012345678901234567890.12345678",
		"99999999999999999999999999999999999999", "0.30000000000000004", "9.99e125", "1e-130", "-2.5e-100",
	} {
		doc := fmt.Sprintf(`{"n":%s,"in":[%s,{"m":%s}]}`, n, n, n)
		key := e.key("p", fmt.Sprint(i))
		e.put(key, doc)
		e.doc(e.get(key), doc)
	}
}

func numbersRefused(e env) {
	for _, n := range []string{
		"1e126", "-1e126", "1e-131", "1e999999999999999999999", "123456789012345678901234567890123456789",
		"0.123456789012345678901234567890123456789",
	} {
		_, err := e.table.Write(e.Context(), put(e.key("p", "s"), `{"a":[{"n":`+n+`}]}`, nil))
		e.fails(err, table.ErrDocument)
	}
	e.missing(e.key("p", "s"))
}

func texts(e env) {
	doc, err := table.NewDoc(map[string]any{
		"quote": `"\/` + "\b\f\n\r\t\x00\x1f", "html": "<&>", "line": "\u2028\u2029",
		"emoji": "😀👩‍👩‍👧", "combining": "e\u0301é", "日本": "語", "Ünïcode key": map[string]string{"ключ": "значение"},
	})
	if err != nil {
		e.Fatal(err)
	}
	key := e.key("p", "ключ-😀")
	e.put(key, string(doc))
	e.doc(e.get(key), string(doc))
	e.put(e.key("p", "escaped"), `{"a":"\u00e9\ud83d\ude00\u0041"}`)
	e.doc(e.get(e.key("p", "escaped")), `{"a":"é😀A"}`)
	_, err = e.table.Write(e.Context(), put(e.key("p", "s"), "{\"a\":\"\xff\"}", nil))
	e.fails(err, table.ErrDocument)
}

func emptyValues(e env) {
	const doc = `{"s":"","o":{},"l":[],"z":null,"nested":{"s":"","l":["",{},[],null]}}`
	e.put(e.key("p", "s"), doc)
	e.doc(e.get(e.key("p", "s")), doc)
	e.put(e.key("p", "empty"), `{}`)
	e.doc(e.get(e.key("p", "empty")), `{}`)
	e.put(e.key("p", "spaced"), " \n{ \"a\" : [ 1 , 2 ] }\t ")
	e.doc(e.get(e.key("p", "spaced")), `{"a":[1,2]}`)
	e.doc(e.write(table.Modify{Key: e.key("p", "spaced"), Set: []table.Assign{set("b", "")}}), `{"a":[1,2],"b":""}`)
}

func largeDocuments(e env) {
	for _, size := range []int{350 << 10, 1200 << 10} {
		key := e.key("p", fmt.Sprint(size))
		text := strings.Repeat("0123456789abcdef", size/16)
		doc := fmt.Sprintf(`{"text":%q,"n":1,"status":"open"}`, text)
		put := put(key, doc, table.ItemMissing{})
		put.Item.Index = map[string]string{table.By1: e.part(fmt.Sprint("i", size))}
		e.write(put)
		e.doc(e.get(key), doc)
		e.refuses(table.Put{Item: put.Item, If: is("n", table.Equal, 2)})
		e.sorts(table.Query{Part: put.Item.Index[table.By1], Index: table.By1, Filter: is("status", table.Equal, "open")}, key.Sort)
		e.sorts(table.Query{Part: put.Item.Index[table.By1], Index: table.By1, Filter: is("status", table.Equal, "shut")}, "")
		got := e.write(table.Modify{
			Key: key, Add: []table.Increment{{Path: table.At("n"), By: 1}}, If: is("status", table.Equal, "open"),
		})
		want := fmt.Sprintf(`{"text":%q,"n":2,"status":"open"}`, text)
		e.doc(got, want)
		if err := e.transact(table.Modify{Key: key, Set: []table.Assign{set("text", "short")}, If: is("n", table.Equal, 2)}); err != nil {
			e.Fatal(err)
		}
		e.doc(e.get(key), `{"text":"short","n":2,"status":"open"}`)
		e.write(table.Modify{Key: key, Set: []table.Assign{set("text", text)}})
		e.doc(e.get(key), want)
		e.doc(e.write(table.Delete{Key: key, If: is("n", table.Equal, 2)}), want)
		e.missing(key)
	}
}

func tooLarge(e env) {
	doc := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", table.DocMax))
	_, err := e.table.Write(e.Context(), put(e.key("p", "s"), doc, nil))
	e.fails(err, table.ErrTooLarge)
	item := table.Item{Key: e.key("p", "s"), Outbox: table.Doc(fmt.Sprintf(`[%q]`, strings.Repeat("x", table.OutboxMax)))}
	if _, err := e.table.Write(e.Context(), table.Put{Item: item}); err == nil {
		e.Error("an outbox over the limit was accepted")
	}
	e.missing(e.key("p", "s"))
}

func depthLimit(e env) {
	nested := func(depth int) string {
		return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
	}
	e.put(e.key("p", "s"), nested(table.DepthMax))
	e.doc(e.get(e.key("p", "s")), nested(table.DepthMax))
	_, err := e.table.Write(e.Context(), put(e.key("p", "t"), nested(table.DepthMax+1), nil))
	e.fails(err, table.ErrDocument)
}

func malformed(e env) {
	for _, doc := range []string{`{`, `{"a"}`, `{"a":1,}`, `{'a':1}`, `[1]`, `1`, `"x"`, `{} {}`, `{"a":01}`, `{"a":nul}`, `{"a":"\x"}`} {
		if _, err := e.table.Write(e.Context(), put(e.key("p", "s"), doc, nil)); err == nil {
			e.Errorf("%s was accepted", doc)
		}
	}
	e.missing(e.key("p", "s"))
}
