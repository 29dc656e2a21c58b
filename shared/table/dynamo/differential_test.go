package dynamo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
	"github.com/appmint/appengine/shared/table/eval"
)

// The generators draw from few names and values, so that paths meet and values
// come out equal often.
func names() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"a", "b", "name", "a.b", "size", "é", "#0"})
}

func paths() *rapid.Generator[table.Path] {
	return rapid.Map(rapid.SliceOfN(names(), 1, 3), func(p []string) table.Path { return p })
}

func scalars() *rapid.Generator[any] {
	return rapid.SampledFrom([]any{
		nil, true, false, "", "a", "ab", "b", "Ä", 0, 1, -1, 1.5, json.Number("1.50"), json.Number("10e-1"),
		json.Number("9007199254740993"), json.Number("9007199254740992"), json.Number("-1e-20"), 1e20,
	})
}

func values(depth int) *rapid.Generator[any] {
	if depth == 0 {
		return scalars()
	}
	inner := values(depth - 1)
	return rapid.OneOf(
		scalars(),
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(v []any) any { return v }),
		rapid.Map(rapid.MapOfN(names(), inner, 0, 3), func(v map[string]any) any { return v }),
	)
}

func docs() *rapid.Generator[table.Doc] {
	return rapid.Map(rapid.MapOfN(names(), values(2), 0, 5), func(v map[string]any) table.Doc {
		doc, err := table.NewDoc(v)
		if err != nil {
			panic(err)
		}
		return doc
	})
}

func conditions(depth int) *rapid.Generator[table.Cond] {
	leaf := rapid.Custom(func(t *rapid.T) table.Cond {
		path := paths().Draw(t, "path")
		switch rapid.IntRange(0, 8).Draw(t, "kind") {
		case 0:
			return table.Exists{Path: path}
		case 1:
			return table.Missing{Path: path}
		case 2:
			return table.In{Path: path, Values: rapid.SliceOfN(scalars(), 0, 3).Draw(t, "values")}
		case 3:
			return table.Prefix{Path: path, Text: rapid.SampledFrom([]string{"", "a", "ab"}).Draw(t, "text")}
		case 4:
			return table.Contains{Path: path, Value: values(1).Draw(t, "value")}
		case 5:
			return rapid.SampledFrom([]table.Cond{table.ItemExists{}, table.ItemMissing{}}).Draw(t, "item")
		case 6:
			return table.Compare{
				Path: path, Value: values(1).Draw(t, "value"),
				Op: rapid.SampledFrom([]table.Operator{table.Equal, table.NotEqual}).Draw(t, "op"),
			}
		default:
			return table.Compare{
				Path: path, Value: scalars().Draw(t, "value"),
				Op: rapid.SampledFrom([]table.Operator{
					table.Less, table.LessOrEqual, table.Greater, table.GreaterOrEqual,
				}).Draw(t, "op"),
			}
		}
	})
	if depth == 0 {
		return leaf
	}
	inner := conditions(depth - 1)
	return rapid.OneOf(
		leaf,
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(c []table.Cond) table.Cond { return table.And(c) }),
		rapid.Map(rapid.SliceOfN(inner, 0, 3), func(c []table.Cond) table.Cond { return table.Or(c) }),
		rapid.Map(inner, func(c table.Cond) table.Cond { return table.Not{Cond: c} }),
	)
}

// outcome puts an error into one of the classes that callers tell apart.
func outcome(err error) string {
	var refused *table.Refused
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &refused):
		return fmt.Sprintf("refused %d by an item %v, not found %v", refused.Index, refused.Old != nil, errors.Is(err, table.ErrNotFound))
	case errors.Is(err, table.ErrNotFound):
		return "not found"
	case errors.Is(err, table.ErrPath):
		return "path"
	case errors.Is(err, table.ErrDocument):
		return "document"
	}
	return err.Error()
}

// pair runs everything on DynamoDB and on the embedded engine.
type pair struct {
	dynamo, embedded table.Table
	part             string
}

func newPair(t *testing.T) pair {
	t.Helper()
	e, err := embedded.OpenMemory(embedded.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return pair{dynamo: open(t), embedded: e, part: fmt.Sprintf("rapid%d#p", time.Now().UnixNano())}
}

func (p pair) write(t *rapid.T, op table.Op) {
	want, wantErr := p.embedded.Write(t.Context(), op)
	got, err := p.dynamo.Write(t.Context(), op)
	if outcome(err) != outcome(wantErr) || !eval.Equal(got.Doc, want.Doc) {
		t.Fatalf("%+v:\ndynamo   %s %s\nembedded %s %s", op, outcome(err), got.Doc, outcome(wantErr), want.Doc)
	}
}

// The evaluator in Go and the expressions that DynamoDB evaluates must agree on
// every condition, as a condition, as a check and as a filter.
func TestConditionsAgreeWithDynamoDB(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	rapid.Check(t, func(t *rapid.T) {
		key := table.Key{Part: p.part, Sort: "s"}
		exists := rapid.Bool().Draw(t, "exists")
		doc := docs().Draw(t, "doc")
		cond := conditions(2).Draw(t, "cond")
		if exists {
			p.write(t, table.Put{Item: table.Item{Key: key, Doc: doc}})
		} else {
			p.write(t, table.Delete{Key: key})
		}
		p.write(t, table.Check{Key: key, If: cond})
		q := table.Query{Part: key.Part, Filter: cond, Consistent: true, CountOnly: rapid.Bool().Draw(t, "count")}
		want, wantErr := p.embedded.Query(t.Context(), q)
		got, err := p.dynamo.Query(t.Context(), q)
		if err != nil || wantErr != nil || got.Count != want.Count {
			t.Fatalf("filter %+v on %s: dynamo %d %v, embedded %d %v", cond, doc, got.Count, err, want.Count, wantErr)
		}
		other := table.Key{Part: p.part + "other", Sort: "s"}
		ops := []table.Op{table.Put{Item: table.Item{Key: other}}, table.Check{Key: key, If: cond}}
		wantErr = p.embedded.Transact(t.Context(), "", ops...)
		if err := p.dynamo.Transact(t.Context(), "", ops...); outcome(err) != outcome(wantErr) {
			t.Fatalf("check %+v on %s: dynamo %s, embedded %s", cond, doc, outcome(err), outcome(wantErr))
		}
		p.write(t, table.Put{Item: table.Item{Key: key, Doc: doc}, If: cond})
		p.write(t, table.Delete{Key: key, If: cond})
	})
}

func modifies() *rapid.Generator[table.Modify] {
	return rapid.Custom(func(t *rapid.T) table.Modify {
		var m table.Modify
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			path := paths().Draw(t, "path")
			switch rapid.IntRange(0, 3).Draw(t, "edit") {
			case 0:
				m.Set = append(m.Set, table.Assign{Path: path, Value: values(1).Draw(t, "value")})
			case 1:
				m.Set = append(m.Set, table.Assign{Path: path, From: paths().Draw(t, "from")})
			case 2:
				m.Add = append(m.Add, table.Increment{Path: path, By: rapid.Int64().Draw(t, "by")})
			default:
				m.Remove = append(m.Remove, path)
			}
		}
		m.Upsert = rapid.Bool().Draw(t, "upsert")
		if rapid.Bool().Draw(t, "conditional") {
			m.If = conditions(1).Draw(t, "cond")
		}
		return m
	})
}

// Updates must leave the same document, or fail in the same way.
func TestUpdatesAgreeWithDynamoDB(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	rapid.Check(t, func(t *rapid.T) {
		key := table.Key{Part: p.part, Sort: "s"}
		doc := docs().Draw(t, "doc")
		if rapid.IntRange(0, 4).Draw(t, "exists") > 0 {
			p.write(t, table.Put{Item: table.Item{Key: key, Doc: doc}})
		} else {
			p.write(t, table.Delete{Key: key})
		}
		m := modifies().Draw(t, "modify")
		m.Key = key
		if rapid.Bool().Draw(t, "transact") {
			ops := []table.Op{table.Put{Item: table.Item{Key: table.Key{Part: p.part + "other", Sort: "s"}}}, m}
			wantErr := p.embedded.Transact(t.Context(), "", ops...)
			if err := p.dynamo.Transact(t.Context(), "", ops...); outcome(err) != outcome(wantErr) {
				t.Fatalf("%+v on %s: dynamo %s, embedded %s", m, doc, outcome(err), outcome(wantErr))
			}
		} else {
			p.write(t, m)
		}
		want, wantErr := p.embedded.Get(t.Context(), key)
		got, err := p.dynamo.Get(t.Context(), key)
		if outcome(err) != outcome(wantErr) || !eval.Equal(got.Doc, want.Doc) {
			t.Fatalf("%+v on %s:\ndynamo   %s %s\nembedded %s %s", m, doc, outcome(err), got.Doc, outcome(wantErr), want.Doc)
		}
	})
}
