package query

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// flat is one row of the older query while it is joined: the records of every
// collection that belong to it.
type flat struct{ docs map[string][]table.Doc }

// valuesMax is how many values of the first link narrow what is read.
const valuesMax = 1000

// join adds the records of a linked collection to each row: those for which
// every link holds, in the collection's own order.
func (s service) join(ctx context.Context, who auth.Principal, p part, rows []flat) error {
	if err := askable(p.name, p.order); err != nil {
		return err
	}
	where, err := narrowed(p, rows)
	if err != nil {
		return err
	}
	docs, err := s.records.As(who).All(ctx, p.name, repository.Find{Filter: p.filter, Where: where})
	if err != nil {
		return err
	}
	aggregate.Docs(p.order, docs)
	held := index(p.links[0].own, docs)
	for i := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows[i].take(p, docs, held)
	}
	return nil
}

// narrowed asks only for records that the first link can reach.
func narrowed(p part, rows []flat) (*filter.Filter, error) {
	names := make([]string, 0, len(p.links))
	for _, l := range p.links {
		names = append(names, strings.Split(l.own, ".")...)
	}
	if name := repository.Hidden(p.name, names...); name != "" {
		return nil, filter.ErrInvalid.WithMessage("The field " + name + " cannot be asked about.")
	}
	wanted := map[string]bool{}
	for _, row := range rows {
		for _, value := range row.values(p.links[0]) {
			wanted[value] = true
		}
	}
	if len(wanted) > valuesMax {
		return nil, nil //nolint:nilnil // everything is read and matched here
	}
	list := make([]json.RawMessage, 0, len(wanted))
	for _, value := range slices.Sorted(maps.Keys(wanted)) {
		list = append(list, json.RawMessage(value))
	}
	text, err := json.Marshal(map[string]any{p.links[0].own: map[string]any{"$in": list}})
	if err != nil {
		return nil, err
	}
	return filter.Parse(text)
}

// values are those of a link's other side, as JSON text.
func (f flat) values(l link) []string {
	list := make([]string, 0, len(f.docs[l.other]))
	for _, doc := range f.docs[l.other] {
		list = append(list, valuesAt(l.field, doc)...)
	}
	return list
}

// valuesAt are the values at a path that a link can be about.
func valuesAt(path string, doc table.Doc) []string {
	found, err := aggregate.Distinct(path, []table.Doc{doc})
	if err != nil {
		return nil
	}
	list := make([]string, 0, len(found))
	for _, value := range found {
		if string(value) != "null" {
			list = append(list, string(value))
		}
	}
	return list
}

// index finds records by the value of a field.
func index(path string, docs []table.Doc) map[string][]int {
	held := map[string][]int{}
	for i, doc := range docs {
		for _, value := range valuesAt(path, doc) {
			held[value] = append(held[value], i)
		}
	}
	return held
}

// take gives a row the records that all links lead to.
func (f flat) take(p part, docs []table.Doc, held map[string][]int) {
	var places []int
	for _, value := range f.values(p.links[0]) {
		places = append(places, held[value]...)
	}
	slices.Sort(places)
	for _, i := range slices.Compact(places) {
		if len(f.docs[p.name]) < nestedMax && f.linked(p.links[1:], docs[i]) {
			f.docs[p.name] = append(f.docs[p.name], docs[i])
		}
	}
}

func (f flat) linked(links []link, doc table.Doc) bool {
	for _, l := range links {
		others := f.values(l)
		if !slices.ContainsFunc(valuesAt(l.own, doc), func(v string) bool { return slices.Contains(others, v) }) {
			return false
		}
	}
	return true
}

// encode writes a row: the root's fields, and a list per linked collection.
func (f flat) encode(parts []part) (json.RawMessage, error) {
	root := parts[0]
	whole := root.pick(f.docs[root.name][0])
	for _, p := range parts[1:] {
		nested := make([]map[string]json.RawMessage, 0, len(f.docs[p.name]))
		for _, doc := range f.docs[p.name] {
			nested = append(nested, p.pick(doc))
		}
		text, err := json.Marshal(nested)
		if err != nil {
			return nil, err
		}
		whole[p.name] = text
	}
	return json.Marshal(whole)
}

// pick takes the fields asked for; without any, the whole payload.
func (p part) pick(doc table.Doc) map[string]json.RawMessage {
	row := map[string]json.RawMessage{}
	if p.fields == nil {
		if json.Unmarshal(filter.Get(doc, "data"), &row) != nil {
			return map[string]json.RawMessage{}
		}
		return row
	}
	for _, f := range p.fields {
		if value := filter.Get(doc, strings.Split(f[1], ".")...); value != nil {
			row[f[0]] = json.RawMessage(value)
		}
	}
	return row
}
