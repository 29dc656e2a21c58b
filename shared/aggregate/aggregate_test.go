package aggregate_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/fault"
)

func env() aggregate.Env {
	return aggregate.Env{Now: time.Date(2026, 4, 10, 8, 20, 11, 0, time.UTC), Random: func(b []byte) { clear(b) }}
}

func run(t testing.TB, pipeline string, docs ...string) (string, error) {
	t.Helper()
	p, err := aggregate.Parse(json.RawMessage(pipeline))
	if err != nil {
		return "", err
	}
	raw := make([]json.RawMessage, len(docs))
	for i, doc := range docs {
		raw[i] = json.RawMessage(doc)
	}
	list := []json.RawMessage{}
	for row, err := range p.Run(t.Context(), slices.Values(raw), env()) {
		if err != nil {
			return "", err
		}
		text, err := aggregate.Encode(row)
		if err != nil {
			return "", err
		}
		list = append(list, text)
	}
	text, err := json.Marshal(list)
	return string(text), err
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	const doc = `{"n":7,"f":2.5,"s":"Lamp","l":[3,1,2],"o":[{"p":1},{"p":2},{}],"d":"2026-04-10T08:20:11.000Z","z":null}`
	for expression, want := range map[string]string{
		`{"$add":["$n",1,"$f"]}`: `10.5`, `{"$subtract":["$n",9]}`: `-2`, `{"$divide":["$n",2]}`: `3.5`, `{"$mod":["$n",4]}`: `3`,
		`{"$add":["$n","$z"]}`: `null`, `{"$round":["$f"]}`: `2`, `{"$round":[2.456,2]}`: `2.46`, `{"$floor":"$f"}`: `2`, `{"$abs":-3}`: `3`,
		`{"$concat":["$s","-","x"]}`: `"Lamp-x"`, `{"$toUpper":"$s"}`: `"LAMP"`, `{"$substrCP":["$s",1,2]}`: `"am"`, `{"$strLenCP":"$s"}`: `4`,
		`{"$split":["a,b",","]}`: `["a","b"]`, `{"$toString":"$n"}`: `"7"`, `{"$toInt":"12"}`: `12`,
		`{"$size":"$l"}`: `3`, `{"$arrayElemAt":["$l",-1]}`: `2`, `{"$first":"$l"}`: `3`, `{"$in":[2,"$l"]}`: `true`, `{"$max":"$l"}`: `3`, `{"$avg":"$l"}`: `2`, `{"$sum":"$l"}`: `6`,
		`"$o.p"`: `[1,2]`, `{"$concatArrays":["$l",[4]]}`: `[3,1,2,4]`, `{"$mergeObjects":[{"a":1},{"b":2}]}`: `{"a":1,"b":2}`,
		`{"$year":"$d"}`: `2026`, `{"$dayOfWeek":"$d"}`: `6`, `{"$dateToString":{"date":"$d","format":"%d.%m.%Y %H:%M"}}`: `"10.04.2026 08:20"`, `"$$NOW"`: `"2026-04-10T08:20:11.000Z"`,
		`{"$cond":{"if":{"$gt":["$n",5]},"then":"big","else":"small"}}`: `"big"`, `{"$ifNull":["$none","$z","x"]}`: `"x"`,
		`{"$switch":{"branches":[{"case":{"$eq":["$n",1]},"then":"one"},{"case":{"$eq":["$n",7]},"then":"seven"}],"default":"?"}}`: `"seven"`,
		`{"$and":[true,{"$not":[false]}]}`: `true`, `{"$cmp":[1,2]}`: `-1`, `{"$literal":"$n"}`: `"$n"`, `{"$type":"$l"}`: `"array"`, `{"a":"$n","b":"$none"}`: `{"a":7}`,
	} {
		got, err := run(t, `[{"$project":{"v":`+expression+`}}]`, doc)
		if want = `[{"v":` + want + `}]`; err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", expression, got, err, want)
		}
	}
}

func TestStages(t *testing.T) {
	t.Parallel()
	docs := []string{`{"n":1,"l":["a"]}`, `{"n":2,"l":[]}`, `{"n":3}`, `{"n":1.0,"l":"b"}`}
	for pipeline, want := range map[string]string{
		`[]`: `[{"l":["a"],"n":1},{"l":[],"n":2},{"n":3},{"l":"b","n":1.0}]`,
		`[{"$unwind":{"path":"$l","includeArrayIndex":"i","preserveNullAndEmptyArrays":true}}]`: `[{"i":0,"l":"a","n":1},{"i":null,"n":2},{"i":null,"n":3},{"i":null,"l":"b","n":1.0}]`,
		`[{"$group":{"_id":"$n","c":{"$sum":1}}}]`:                                              `[{"_id":1,"c":2},{"_id":2,"c":1},{"_id":3,"c":1}]`,
		`[{"$group":{"_id":null,"s":{"$addToSet":"$n"},"f":{"$first":"$n"}}}]`:                  `[{"_id":null,"f":1,"s":[1,2,3]}]`,
		`[{"$sort":{"n":-1}},{"$skip":1},{"$limit":1},{"$unset":"l"}]`:                          `[{"n":2}]`,
		`[{"$match":{"n":9}},{"$count":"c"}]`:                                                   `[]`,
		`[{"$project":{"l":0}},{"$limit":1}]`:                                                   `[{"n":1}]`,
	} {
		in := docs
		if strings.HasPrefix(pipeline, `[{"$match"`) {
			in = nil // the head is the caller's
		}
		got, err := run(t, pipeline, in...)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", pipeline, got, err, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for _, pipeline := range []string{
		`{}`, `[{}]`, `[{"$a":1,"$b":2}]`, `[{"$out":"x"}]`, `[{"$merge":{}}]`, `[{"$collStats":{}}]`, `[{"$facet":{"a":[{"$unionWith":"x"}]}}]`,
		`[{"$lookup":{"from":"x","as":"y","let":{},"pipeline":[]}}]`, `[{"$group":{}}]`, `[{"$group":{"_id":1,"x":{"$accumulator":{}}}}]`,
		`[{"$project":{"x":{"$function":{}}}}]`, `[{"$limit":0}]`, `[{"$sort":{}}]`, `[{"$match":{}},{"$match":{"$where":"1"}}]`, `[{"$project":{"a":1,"b":0}}]`,
		`[{"$addFields":{"a":{"$divide":["$n",0]}}}]`, `[{"$replaceRoot":{"newRoot":"$n"}}]`, `[{"$bucket":{"groupBy":"$n","boundaries":[5,6]}}]`, `[{"$count":"a.b"}]`,
	} {
		_, err := run(t, pipeline, `{"n":1}`)
		if _, known := fault.From(err); !known {
			t.Errorf("%s: got %v, want a fault", pipeline, err)
		}
	}
}

// A group's sums are those of a plain loop, whatever the order of the rows.
func TestGroupEqualsALoop(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		numbers := rapid.SliceOfN(rapid.IntRange(-1000, 1000), 0, 30).Draw(rt, "numbers")
		sums, docs := map[int]int{}, make([]string, 0, len(numbers))
		for _, n := range numbers {
			sums[((n%3)+3)%3] += n
			text, err := json.Marshal(map[string]int{"k": ((n % 3) + 3) % 3, "n": n})
			if err != nil {
				rt.Fatal(err)
			}
			docs = append(docs, string(text))
		}
		got, err := run(t, `[{"$group":{"_id":"$k","s":{"$sum":"$n"}}}]`, docs...)
		var groups []struct {
			ID int `json:"_id"`
			S  int `json:"s"`
		}
		if err != nil || json.Unmarshal([]byte(got), &groups) != nil || len(groups) != len(sums) {
			rt.Fatalf("got %s, %v", got, err)
		}
		for _, g := range groups {
			if sums[g.ID] != g.S {
				rt.Fatalf("group %d: got %d, want %d", g.ID, g.S, sums[g.ID])
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(`[{"$group":{"_id":"$a","s":{"$sum":"$b"}}},{"$sort":{"s":-1}}]`)
	f.Add(`[{"$unwind":"$l"},{"$facet":{"x":[{"$count":"n"}]}},{"$project":{"v":{"$cond":[1,2,3]}}}]`)
	f.Fuzz(func(t *testing.T, pipeline string) {
		_, err := run(t, pipeline, `{"a":1,"b":2,"l":[1,"x",{"c":null}]}`)
		if _, known := fault.From(err); err != nil && !known {
			t.Fatalf("%q: %v", pipeline, err)
		}
	})
}
