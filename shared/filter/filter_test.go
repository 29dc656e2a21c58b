package filter

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const doc = `{"sk":"a-1","state":"new","owner":{"id":"o\"1"},"n\u0061me":"esc","data":{"title":"Hello","n":5,"f":5.0,"big":9007199254740993,
 "on":true,"off":null,"at":"2026-04-10T08:20:11.000Z","day":"2026-04-10","tags":["a","b",3],"none":[],
 "rows":[{"k":1,"v":"x"},{"k":2,"v":"y","t":[7,8]}],"deep":{"x":{"y":[[1,2],[3]]}}}}`

func TestMatch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`:                                                       true,
		`{"sk":"a-1"}`:                                             true,
		`{"sk":"a-2"}`:                                             false,
		`{"name":"esc"}`:                                           true,
		`{"owner.id":"o\"1"}`:                                      true,
		`{"data.n":5}`:                                             true,
		`{"data.n":"5"}`:                                           false,
		`{"data.f":5}`:                                             true,
		`{"data.big":9007199254740992}`:                            false,
		`{"data.on":true}`:                                         true,
		`{"data.off":null}`:                                        true,
		`{"data.missing":null}`:                                    true,
		`{"data.n":null}`:                                          false,
		`{"data.off":{"$exists":true}}`:                            true,
		`{"data.missing":{"$exists":false}}`:                       true,
		`{"data.title":{"$ne":"Hello"}}`:                           false,
		`{"data.missing":{"$ne":"x"}}`:                             true,
		`{"data.n":{"$gt":4,"$lt":6}}`:                             true,
		`{"data.n":{"$gte":5.5}}`:                                  false,
		`{"data.title":{"$gt":4}}`:                                 false,
		`{"data.title":{"$gte":"Hello"}}`:                          true,
		`{"data.at":{"$gt":"2026-04-10"}}`:                         true,
		`{"data.at":"2026-04-10T10:20:11+02:00"}`:                  true,
		`{"data.at":{"$lt":{"$date":"2026-04-11"}}}`:               true,
		`{"data.day":{"$gte":"2026-04-10T00:00:00Z"}}`:             true,
		`{"data.day":{"$gte":"2026-04"}}`:                          true,
		`{"data.tags":"a"}`:                                        true,
		`{"data.tags":3}`:                                          true,
		`{"data.tags":["a","b",3]}`:                                true,
		`{"data.tags":["a","b"]}`:                                  false,
		`{"data.tags":{"$in":["z","b"]}}`:                          true,
		`{"data.tags":{"$nin":["z","b"]}}`:                         false,
		`{"data.tags":{"$nin":["z"]}}`:                             true,
		`{"data.missing":{"$in":[null]}}`:                          true,
		`{"data.tags":{"$ne":"a"}}`:                                false,
		`{"data.tags":{"$all":["a","b"]}}`:                         true,
		`{"data.tags":{"$all":["a","z"]}}`:                         false,
		`{"data.tags":{"$all":[]}}`:                                false,
		`{"data.tags":{"$size":3}}`:                                true,
		`{"data.none":{"$size":0}}`:                                true,
		`{"data.title":{"$size":0}}`:                               false,
		`{"data.tags.1":"b"}`:                                      true,
		`{"data.rows.k":2}`:                                        true,
		`{"data.rows.1.v":"y"}`:                                    true,
		`{"data.rows.t":8}`:                                        true,
		`{"data.rows.k":{"$ne":2}}`:                                false,
		`{"data.rows.k":{"$gt":1}}`:                                true,
		`{"data.rows":{"$elemMatch":{"k":1,"v":"y"}}}`:             false,
		`{"data.rows":{"$elemMatch":{"k":2,"v":"y"}}}`:             true,
		`{"data.tags":{"$elemMatch":{"$gt":2,"$lt":4}}}`:           true,
		`{"data.rows":{"$elemMatch":{"$or":[{"k":9},{"v":"x"}]}}}`: true,
		`{"data.rows":{"$all":[{"$elemMatch":{"k":1}},{"$elemMatch":{"k":2}}]}}`: true,
		`{"data.rows.0":{"v":"x","k":1}}`:                                        true,
		`{"data.title":{"$regex":"^hel","$options":"i"}}`:                        true,
		`{"data.title":{"$regex":"^hel"}}`:                                       false,
		`{"data.tags":{"$regex":"^[ab]$"}}`:                                      true,
		`{"data.n":{"$regex":"5"}}`:                                              false,
		`{"data.n":{"$not":{"$gt":4}}}`:                                          false,
		`{"data.missing":{"$not":{"$gt":4}}}`:                                    true,
		`{"$or":[{"sk":"x"},{"data.n":5}]}`:                                      true,
		`{"$nor":[{"sk":"x"},{"data.n":5}]}`:                                     false,
		`{"$and":[{"sk":"a-1"},{"data.n":5}]}`:                                   true,
		`{"$not":{"sk":"a-1"}}`:                                                  false,
		`{"data.n":{"$mod":[2,1]}}`:                                              true,
		`{"data.n":{"$type":"number"}}`:                                          true,
		`{"data.tags":{"$type":"array"}}`:                                        true,
		`{"data.at":{"$type":["string","bool"]}}`:                                true,
		`{"data.off":{"$type":10}}`:                                              true,
		`{"$comment":"x","data.n":{"$eq":5}}`:                                    true,
		`{"data.none":"a"}`:                                                      false,
		`{"datatype":"other"}`:                                                   false,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			f, err := Parse(json.RawMessage(text))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Match([]byte(doc)); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`[]`, `"x"`, `{`, `{}{}`, `{"$where":"true"}`, `{"a":{"$where":"1"}}`, `{"$expr":{}}`, `{"a":{"$function":{}}}`,
		`{"$text":{"$search":"x"}}`, `{"a":{"$near":[1,2]}}`, `{"$and":[]}`, `{"$or":{}}`, `{"$or":[1]}`,
		`{"a":{"$in":1}}`, `{"a":{"$regex":"("}}`, `{"a":{"$regex":"(?=x)"}}`, `{"a":{"$regex":"a","$options":"x"}}`,
		`{"a":{"$options":"i"}}`, `{"a":{"$size":"x"}}`, `{"a":{"$size":-1}}`, `{"a":{"$mod":[0,1]}}`, `{"a":{"$type":"x"}}`,
		`{"a":{"$not":5}}`, `{"a":{"$gt":{}}}`, `{"a":{"$gt":1,"b":2}}`, `{"":1}`, `{"a..b":1}`, `{"a.$b":1}`, `{"a":{"$elemMatch":1}}`,
		`{"a":{"$regex":"` + strings.Repeat("a", 300) + `"}}`,
		strings.Repeat(`{"$and":[`, 20) + `{}` + strings.Repeat(`]}`, 20),
		`{"a":{"$in":[` + strings.Repeat("1,", 1000) + `1]}}`,
		`{"$or":[` + strings.Repeat(`{"a":1},`, 600) + `{}]}`,
	} {
		if _, err := Parse(json.RawMessage(text)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%.60s: got %v, want %v", text, err, ErrInvalid)
		}
	}
}

// Keys sort as values do, so that an index answers in the order of a sort.
func TestKeysSortAsValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawScalar(t), drawScalar(t)
		ka, okA := Key(a)
		kb, okB := Key(b)
		if !okA || !okB {
			t.Fatalf("scalars without a key: %s %s", a, b)
		}
		want := Compare(a, b)
		got := strings.Compare(ka, kb)
		if got != want && got != 0 {
			t.Errorf("%s %s: keys %d, values %d", a, b, got, want)
		}
		if want == 0 && got != 0 {
			t.Errorf("equal values %s %s have keys %q %q", a, b, ka, kb)
		}
	})
}

func drawScalar(t *rapid.T) []byte {
	v := rapid.OneOf(
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](false),
		rapid.Map(rapid.Int32(), func(n int32) any { return n }),
		rapid.Map(rapid.Float64Range(-1e12, 1e12), func(f float64) any { return f }),
		rapid.Map(rapid.StringMatching(`[ -~]{0,12}`), func(s string) any { return s }),
		rapid.Map(rapid.Int64Range(0, 4e9), func(n int64) any { return instantText(n) }),
	).Draw(t, "value")
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func instantText(n int64) string {
	v := valueOf([]byte(`"2026-04-10T08:20:11.000Z"`))
	return v.text[:10] + "T0" + string(rune('0'+n%10)) + ":00:00Z"
}

// Whatever an index is asked for by Needs holds for every document that
// matches.
func TestNeedsAreNecessary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		operand := drawScalar(t)
		stored := drawScalar(t)
		op := rapid.SampledFrom([]string{"$eq", "$gt", "$gte", "$lt", "$lte", "$in"}).Draw(t, "op")
		if op == "$in" {
			operand = []byte(`[` + string(operand) + `,` + string(drawScalar(t)) + `]`)
		}
		f, err := Parse(json.RawMessage(`{"data.x":{"` + op + `":` + string(operand) + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		document := []byte(`{"data":{"x":` + string(stored) + `}}`)
		if !f.Match(document) {
			return
		}
		key, _ := Key(stored)
		for _, need := range f.Needs() {
			if len(need.Keys) > 0 && !contains(need.Keys, key) || need.From > key || need.To != "" && need.To+"\U0010ffff" < key {
				t.Errorf("%s matches %s, but %+v does not hold for key %q", f, stored, need, key)
			}
		}
	})
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if s == text {
			return true
		}
	}
	return false
}

func (f *Filter) String() string { return "the filter" }

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"a.b":{"$in":[1,"x"],"$not":{"$size":2}}}`, `{"$or":[{"a":{"$regex":"x"}}]}`, `{"a":{"$elemMatch":{"b":1}}}`} {
		f.Add(seed, doc)
	}
	f.Fuzz(func(t *testing.T, text, document string) {
		parsed, err := Parse(json.RawMessage(text))
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("got %v, want %v", err, ErrInvalid)
			}
			return
		}
		parsed.Match([]byte(document)) // must not panic, whatever the text
		parsed.Needs()
		parsed.Necessary()
	})
}

// The scanner agrees with encoding/json on every valid document.
func FuzzGet(f *testing.F) {
	f.Add(doc, "data")
	f.Add(`{"a\\":1,"b":"}\"{"}`, "b")
	f.Fuzz(func(t *testing.T, document, name string) {
		var members map[string]json.RawMessage
		got := Get([]byte(document), name)
		if json.Unmarshal([]byte(document), &members) != nil || strings.Count(document, `"`+name+`"`) > 1 || strings.Contains(document, `\u`) {
			return
		}
		want, has := members[name]
		if has != (got != nil) || has && strings.TrimSpace(string(want)) != string(got) {
			t.Errorf("member %q of %s: got %q, want %q", name, document, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	f, err := Parse(json.RawMessage(`{"data.title":"Other","data.n":{"$gt":3}}`))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f.Match([]byte(doc))
	}
}
