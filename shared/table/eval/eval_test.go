package eval_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// FuzzCheckValue: the scanner accepts JSON and nothing else, and the walker copes
// with whatever it is given.
func FuzzCheckValue(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e3,"x\n",null]}`, `[`, `{"a":1,}`, `"\u00e9\ud800"`, "\"\x00\"", `-`, `1.`, `.5`, ` true `, `{"a":1,"a":{}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := eval.CheckValue([]byte(text))
		if valid := json.Valid([]byte(text)); valid != (err == nil) && !errors.Is(err, table.ErrDocument) {
			t.Errorf("%q: JSON is %v, got %v", text, valid, err)
		}
		for name, value := range eval.Walk([]byte(text)) {
			_, _ = name, value
		}
		_, _ = eval.Lookup(table.Doc(text), table.At("a.b"))
		if err == nil && !eval.Equal([]byte(text), []byte(text)) {
			t.Errorf("%q is not equal to itself", text)
		}
	})
}

// FuzzApply: an update of any document leaves JSON, with the value in its place
// and everything else as it was.
func FuzzApply(f *testing.F) {
	f.Add(`{"a":{"b":1.50},"c":[1]}`, "a", "b")
	f.Add(`{}`, "x.y", "é\"")
	f.Add(`{"a":1,"a":{"b":2}}`, "a", "b")
	f.Fuzz(func(t *testing.T, doc, first, second string) {
		if eval.CheckDoc(table.Doc(doc)) != nil {
			return
		}
		path := table.Path{first, second}
		set := table.Modify{Set: []table.Assign{{Path: path, Value: "new"}}}
		got, err := eval.Apply(table.Doc(doc), set)
		if err != nil {
			if !errors.Is(err, table.ErrPath) && !errors.Is(err, table.ErrDocument) {
				t.Errorf("%s: %v", doc, err)
			}
			return
		}
		if !json.Valid(got) {
			t.Fatalf("%s became %s", doc, got)
		}
		if strings.ToValidUTF8(first, "") != first || strings.ToValidUTF8(second, "") != second {
			return // such names are stored with a replacement character
		}
		if value, ok := eval.Lookup(got, path); !ok || string(value) != `"new"` {
			t.Errorf("%s became %s, which has %s at %q", doc, got, value, path)
		}
		removed, err := eval.Apply(got, table.Modify{Remove: []table.Path{path}})
		if _, ok := eval.Lookup(removed, path); err != nil || ok {
			t.Errorf("%s became %s on removal, %v", got, removed, err)
		}
	})
}

func TestNumbersCompareAndAddExactly(t *testing.T) {
	t.Parallel()
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if got, want := eval.CompareNumbers(a, b), x.Cmp(y); got != want {
			t.Errorf("%s and %s: got %d, want %d", a, b, got, want)
		}
		if plain, ok := new(big.Rat).SetString(eval.Plain(a)); !ok || plain.Cmp(x) != 0 {
			t.Errorf("%s in plain: got %s", a, eval.Plain(a))
		}
		by := rapid.Int64().Draw(t, "by")
		doc, err := eval.Apply(table.Doc(`{"n":`+a+`}`), table.Modify{Add: []table.Increment{{Path: table.At("n"), By: by}}})
		if errors.Is(err, table.ErrDocument) {
			return // over 38 digits
		}
		text, _ := eval.Lookup(doc, table.At("n"))
		sum, ok := new(big.Rat).SetString(string(text))
		if want := x.Add(x, new(big.Rat).SetInt64(by)); err != nil || !ok || sum.Cmp(want) != 0 {
			t.Errorf("%s + %d: got %s, %v", a, by, text, err)
		}
	})
}

func TestApplyKeepsUntouchedBytes(t *testing.T) {
	t.Parallel()
	const doc = "{ \"z\" : 1.500 , \"a\":{\"k\":[ 1e2 ],\"x\":0}, \"e\":\"\\u00e9\" }"
	got, err := eval.Apply(table.Doc(doc), table.Modify{
		Set: []table.Assign{{Path: table.At("a.x"), Value: json.Number("2.50")}},
	})
	const want = `{"z":1.500,"a":{"k":[ 1e2 ],"x":2.50},"e":"\u00e9"}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestConditionsFailOnWhatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	bad := make(chan int)
	for _, c := range []table.Cond{
		table.Compare{Path: table.At("a"), Op: table.Equal, Value: bad},
		table.Compare{Path: table.At("a"), Op: "~", Value: 1},
		table.In{Path: table.At("a"), Values: []any{bad}},
		table.And{table.Not{Cond: table.Contains{Path: table.At("a"), Value: bad}}},
	} {
		if _, err := eval.Compile(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func BenchmarkHolds(b *testing.B) {
	doc := table.Doc(`{"name":"x","data":{"author":"someone","tags":["a","b"],"price":12.50},"version":3}`)
	p, err := eval.Compile(table.And{
		table.Compare{Path: table.At("data.author"), Op: table.Equal, Value: "someone"},
		table.Compare{Path: table.At("data.price"), Op: table.Less, Value: 20},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for range b.N {
		if !p.Holds(doc, true) {
			b.Fatal("does not hold")
		}
	}
}
