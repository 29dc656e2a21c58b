package aggregate

import (
	"encoding/json"
	"slices"
	"strings"
)

// accumulator takes one value per row of a group and answers once.
type accumulator interface {
	add(value any, had bool) error
	result() any
}

type (
	sums     struct{ t total }
	means    struct{ t total }
	extremes struct {
		best      any
		direction int
	}
	ends struct {
		value any
		seen  bool
		last  bool
	}
	pushes struct{ list []any }
	sets   struct {
		list []any
		seen map[string]bool
	}
	counts struct{ n int }
	merges struct{ object map[string]any }
)

func (a *sums) add(v any, _ bool) error { a.t.add(v); return nil }
func (a *sums) result() any             { return a.t.sum() }

func (a *means) add(v any, _ bool) error { a.t.add(v); return nil }
func (a *means) result() any             { return a.t.mean() }

func (a *extremes) add(v any, _ bool) error {
	if v != nil && (a.best == nil || compare(v, a.best)*a.direction > 0) {
		a.best = v
	}
	return nil
}
func (a *extremes) result() any { return a.best }

func (a *ends) add(v any, _ bool) error {
	if a.last || !a.seen {
		a.value, a.seen = v, true
	}
	return nil
}
func (a *ends) result() any { return a.value }

func (a *pushes) add(v any, had bool) error {
	if had {
		a.list = append(a.list, v)
	}
	return nil
}

func (a *pushes) result() any { return append([]any{}, a.list...) }

func (a *sets) add(v any, had bool) error {
	key, err := keyOf(v)
	if err != nil || !had || a.seen[key] {
		return err
	}
	a.seen[key] = true
	a.list = append(a.list, v)
	return nil
}
func (a *sets) result() any { return append([]any{}, a.list...) }

func (a *counts) add(any, bool) error { a.n++; return nil }
func (a *counts) result() any         { return whole(a.n) }

func (a *merges) add(v any, _ bool) error {
	object, _ := v.(map[string]any)
	for name, value := range object {
		a.object[name] = value
	}
	return nil
}
func (a *merges) result() any { return a.object }

func newAccumulator(op string) (func() accumulator, bool) {
	switch op {
	case "$sum":
		return func() accumulator { return &sums{} }, true
	case "$avg":
		return func() accumulator { return &means{} }, true
	case "$min":
		return func() accumulator { return &extremes{direction: -1} }, true
	case "$max":
		return func() accumulator { return &extremes{direction: 1} }, true
	case "$first":
		return func() accumulator { return &ends{} }, true
	case "$last":
		return func() accumulator { return &ends{last: true} }, true
	case "$push":
		return func() accumulator { return &pushes{} }, true
	case "$addToSet":
		return func() accumulator { return &sets{seen: map[string]bool{}} }, true
	case "$count":
		return func() accumulator { return &counts{} }, true
	case "$mergeObjects":
		return func() accumulator { return &merges{object: map[string]any{}} }, true
	}
	return nil, false
}

// output is one accumulated field of a group.
type output struct {
	name string
	make func() accumulator
	of   expr
}

// outputs reads {"field": {"$sum": expression}}.
func outputs(members []Member) ([]output, error) {
	list := make([]output, 0, len(members))
	for _, m := range members {
		value, err := decode(m.Value)
		object, ok := value.(map[string]any)
		if err != nil || !ok || len(object) != 1 || strings.ContainsAny(m.Name, "$.") {
			return nil, refuse("The field %q of a group needs one accumulator, such as {\"$sum\": 1}.", m.Name)
		}
		for op, operand := range object {
			if slices.Contains(forbidden(), op) {
				return nil, refuse("%s is not allowed: pipelines cannot execute code.", op)
			}
			make, known := newAccumulator(op)
			if !known {
				return nil, refuse("%s is not an accumulator of this pipeline language.", op)
			}
			of, err := parseExpr(operand, 0)
			if err != nil {
				return nil, err
			}
			list = append(list, output{m.Name, make, of})
		}
	}
	return list, nil
}

// grouping gathers rows by the value of an expression.
type grouping struct {
	by      expr
	outputs []output
	groups  map[string]*gathered
	order   []*gathered
}

type gathered struct {
	id  any
	acc []accumulator
}

func (g *grouping) add(r *run, row Row) error {
	id, _, err := g.by(scope{row, r})
	if err != nil {
		return err
	}
	return g.put(r, id, row)
}

func (g *grouping) put(r *run, id any, row Row) error {
	key, err := keyOf(id)
	if err != nil {
		return err
	}
	group, known := g.groups[key]
	if !known {
		if len(g.order) >= rowsMax {
			return ErrBudget
		}
		group = &gathered{id: id}
		for _, o := range g.outputs {
			group.acc = append(group.acc, o.make())
		}
		g.groups[key] = group
		g.order = append(g.order, group)
	}
	for i, o := range g.outputs {
		value, had, err := o.of(scope{row, r})
		if err == nil {
			err = group.acc[i].add(value, had)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *grouping) rows() []Row {
	list := make([]Row, len(g.order))
	for i, group := range g.order {
		row := Row{"_id": group.id}
		for j, o := range g.outputs {
			row[o.name] = group.acc[j].result()
		}
		list[i] = row
	}
	return list
}

func newGrouping(by expr, outputs []output) *grouping {
	return &grouping{by: by, outputs: outputs, groups: map[string]*gathered{}}
}

// streamed groups rows as they come.
func streamed(by expr, outputs []output, finish func([]Row) []Row) stage {
	return func(r *run, in rows) rows {
		return func(yield func(Row, error) bool) {
			g := newGrouping(by, outputs)
			for row, err := range in {
				if err == nil {
					err = g.add(r, row)
				}
				if err != nil {
					yield(nil, err)
					return
				}
			}
			replay(finish(g.rows()))(yield)
		}
	}
}

func group(operand json.RawMessage) (stage, error) {
	members, ok := Members(operand)
	if !ok {
		return nil, refuse("$group needs an object with _id.")
	}
	at := slices.IndexFunc(members, func(m Member) bool { return m.Name == "_id" })
	if at < 0 {
		return nil, refuse("$group needs _id; null makes one group of all.")
	}
	value, err := decode(members[at].Value)
	if err != nil {
		return nil, refuse("The _id of $group cannot be read.")
	}
	by, err := parseExpr(value, 0)
	if err != nil {
		return nil, err
	}
	out, err := outputs(slices.Delete(members, at, at+1))
	return streamed(by, out, func(list []Row) []Row { return list }), err
}

// sortByCount groups and puts the most frequent first.
func sortByCount(operand json.RawMessage) (stage, error) {
	value, err := decode(operand)
	if err != nil {
		return nil, refuse("$sortByCount cannot be read.")
	}
	by, err := parseExpr(value, 0)
	out := []output{{"count", func() accumulator { return &counts{} }, constant(nil)}}
	return streamed(by, out, func(list []Row) []Row {
		slices.SortStableFunc(list, func(a, b Row) int { return compare(b["count"], a["count"]) })
		return list
	}), err
}
