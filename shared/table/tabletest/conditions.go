package tabletest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/appmint/appengine/shared/table"
)

func conditionCases() []suiteCase {
	return []suiteCase{
		{"conditions on values", func(e env) { e.judge(valueVerdicts()) }},
		{"conditions on missing and typed paths", func(e env) { e.judge(pathVerdicts()) }},
		{"conditions combined", func(e env) { e.judge(combinedVerdicts()) }},
		{"conditions on missing items", conditionsOnMissing},
	}
}

const judged = `{"n":5,"f":1.50,"s":"hello","t":true,"z":null,"list":[1,"two",[3],{"k":"v"}],
	"map":{"in":{"deep":"x"},"a.b":1},"big":9007199254740993,"empty":"","o":{"x":1,"y":[2]},"":{}}`

// verdict is a condition on the judged document and whether it holds.
type verdict struct {
	cond table.Cond
	want bool
}

func is(path string, op table.Operator, value any) table.Cond {
	return table.Compare{Path: table.At(path), Op: op, Value: value}
}

func valueVerdicts() []verdict {
	return []verdict{
		{is("n", table.Equal, 5), true},
		{is("n", table.Equal, 5.0), true},
		{is("n", table.Equal, json.Number("5.00")), true},
		{is("n", table.Equal, "5"), false},
		{is("n", table.NotEqual, 5), false},
		{is("n", table.NotEqual, 6), true},
		{is("n", table.NotEqual, "5"), true},
		{is("n", table.Less, 6), true},
		{is("n", table.Less, 5), false},
		{is("n", table.LessOrEqual, 5), true},
		{is("n", table.Greater, -1), true},
		{is("n", table.Greater, 10), false},
		{is("n", table.GreaterOrEqual, json.Number("5.0000001")), false},
		{is("f", table.Equal, 1.5), true},
		{is("big", table.Equal, int64(9007199254740993)), true},
		{is("big", table.Equal, int64(9007199254740992)), false},
		{is("big", table.Greater, int64(9007199254740992)), true},
		{is("s", table.Equal, "hello"), true},
		{is("s", table.Less, "hellp"), true},
		{is("s", table.Greater, "Hello"), true},
		{is("t", table.Equal, true), true},
		{is("t", table.NotEqual, false), true},
		{is("z", table.Equal, nil), true},
		{is("z", table.NotEqual, nil), false},
		{is("empty", table.Equal, ""), true},
		{is("o", table.Equal, map[string]any{"y": []int{2}, "x": 1.0}), true},
		{is("o", table.Equal, map[string]any{"y": []int{2}}), false},
		{is("list", table.NotEqual, []int{1}), true},
		{table.In{Path: table.At("n"), Values: []any{1, "5", 5}}, true},
		{table.In{Path: table.At("n"), Values: []any{"5"}}, false},
		{table.In{Path: table.At("n")}, false},
		{table.Prefix{Path: table.At("s"), Text: "hel"}, true},
		{table.Prefix{Path: table.At("s"), Text: "el"}, false},
		{table.Contains{Path: table.At("s"), Value: "ell"}, true},
		{table.Contains{Path: table.At("s"), Value: "elo"}, false},
		{table.Contains{Path: table.At("list"), Value: 1}, true},
		{table.Contains{Path: table.At("list"), Value: "1"}, false},
		{table.Contains{Path: table.At("list"), Value: "two"}, true},
	}
}

func pathVerdicts() []verdict {
	verdicts := []verdict{
		{table.Exists{Path: table.At("z")}, true},
		{table.Exists{Path: table.At("map.in.deep")}, true},
		{table.Exists{Path: table.At("map.in.none")}, false},
		{table.Exists{Path: table.At("s.x")}, false},
		{table.Exists{Path: table.At("list.0")}, false},
		{table.Exists{Path: table.Path{"map", "a.b"}}, true},
		{table.Missing{Path: table.At("nope")}, true},
		{table.Missing{Path: table.At("n")}, false},
		{is("map.in.deep", table.Equal, "x"), true},
		{is("nope", table.NotEqual, 1), true},
		{is("nope.deeper", table.NotEqual, "x"), true},
		{is("nope", table.Equal, nil), false},
		{table.In{Path: table.At("nope"), Values: []any{nil}}, false},
		{table.Prefix{Path: table.At("n"), Text: "5"}, false},
		{table.Prefix{Path: table.At("nope"), Text: "x"}, false},
		{table.Contains{Path: table.At("n"), Value: 5}, false},
		{table.Contains{Path: table.At("map"), Value: "in"}, false},
		{table.Contains{Path: table.At("nope"), Value: "x"}, false},
	}
	for _, op := range []table.Operator{table.Equal, table.Less, table.LessOrEqual, table.Greater, table.GreaterOrEqual} {
		verdicts = append(verdicts,
			verdict{is("nope", op, 1), false},
			verdict{is("s", op, 1), false},
			verdict{is("n", op, "x"), false},
			verdict{is("z", op, 1), false},
			verdict{is("t", op, "true"), false},
		)
	}
	return append(verdicts,
		verdict{is("t", table.Less, true), false},
		verdict{is("z", table.LessOrEqual, nil), false})
}

func combinedVerdicts() []verdict {
	yes, no := is("n", table.Equal, 5), is("n", table.Equal, 6)
	many := make(table.Or, 0, 20)
	values := make([]any, 0, 151)
	for i := range 150 {
		values = append(values, i+100)
	}
	for i := range 20 {
		many = append(many, is("n", table.Equal, i))
	}
	return []verdict{
		{table.And{}, true},
		{table.Or{}, false},
		{table.And{yes, yes}, true},
		{table.And{yes, no}, false},
		{table.Or{no, yes}, true},
		{table.Or{no, no}, false},
		{table.Not{Cond: no}, true},
		{table.Not{Cond: yes}, false},
		{table.Not{Cond: is("nope", table.Less, 1)}, true},
		{table.Not{Cond: table.And{yes, table.Not{Cond: table.Or{no, no}}}}, false},
		{table.And{table.Or{no, yes}, table.Not{Cond: no}, table.And{}}, true},
		{table.And{table.ItemExists{}, yes}, true},
		{table.Or{table.ItemMissing{}, no}, false},
		{table.Not{Cond: table.ItemMissing{}}, true},
		{many, true},
		{table.In{Path: table.At("n"), Values: values}, false},
		{table.In{Path: table.At("n"), Values: append(values, 5)}, true},
	}
}

// judge tries each condition as a write's condition, as a check in a
// transaction and as a filter.
func (e env) judge(verdicts []verdict) {
	key := e.key("p", "s")
	e.put(key, judged)
	for i, v := range verdicts {
		name := fmt.Sprintf("%d %T %+v", i, v.cond, v.cond)
		_, err := e.table.Write(e.Context(), table.Put{Item: table.Item{Key: key, Doc: table.Doc(judged)}, If: v.cond})
		e.verdict("write "+name, err, v.want)
		err = e.table.Transact(e.Context(), "",
			table.Check{Key: key, If: v.cond},
			table.Put{Item: table.Item{Key: e.key("other", name[:2]), Doc: table.Doc(`{}`)}})
		e.verdict("check "+name, err, v.want)
		page, err := e.table.Query(e.Context(), table.Query{Part: key.Part, Filter: v.cond, Consistent: true})
		if err != nil || (page.Count == 1) != v.want {
			e.Errorf("filter %s: got %d items, want %v (%v)", name, page.Count, v.want, err)
		}
	}
}

func (e env) verdict(name string, err error, want bool) {
	e.Helper()
	var refused *table.Refused
	switch {
	case err != nil && !errors.As(err, &refused):
		e.Errorf("%s: %v", name, err)
	case (err == nil) != want:
		e.Errorf("%s: got %v, want %v", name, err == nil, want)
	case err != nil && (refused.Old == nil || !json.Valid(refused.Old.Doc)):
		e.Errorf("%s: refused by %+v, want the item", name, refused.Old)
	}
}

func conditionsOnMissing(e env) {
	key := e.key("p", "none")
	other := table.Put{Item: table.Item{Key: e.key("p", "other"), Doc: table.Doc(`{}`)}}
	for i, v := range []verdict{
		{table.ItemMissing{}, true},
		{table.ItemExists{}, false},
		{table.Missing{Path: table.At("a")}, true},
		{table.Exists{Path: table.At("a")}, false},
		{is("a", table.NotEqual, 1), true},
		{is("a", table.Equal, 1), false},
		{table.Not{Cond: is("a", table.Equal, 1)}, true},
		{table.Or{table.ItemMissing{}, is("a", table.Equal, 1)}, true},
		{table.And{table.ItemMissing{}, is("a", table.Equal, 1)}, false},
		{table.And{}, true},
		{table.Or{}, false},
	} {
		name := fmt.Sprintf("%d %T %+v", i, v.cond, v.cond)
		for _, attempt := range []struct {
			name string
			err  error
		}{
			{"check " + name, e.table.Transact(e.Context(), "", table.Check{Key: key, If: v.cond}, other)},
			{"delete " + name, func() error { _, err := e.table.Write(e.Context(), table.Delete{Key: key, If: v.cond}); return err }()},
			{"lone check " + name, func() error { _, err := e.table.Write(e.Context(), table.Check{Key: key, If: v.cond}); return err }()},
		} {
			if (attempt.err == nil) != v.want {
				e.Errorf("%s: got %v, want %v", attempt.name, attempt.err, v.want)
			}
			if !v.want && e.refusal(attempt.err).Old != nil {
				e.Errorf("%s: refused by an item that is not there", attempt.name)
			}
		}
	}
}
