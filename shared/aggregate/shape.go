package aggregate

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/table"
)

// computed is one field with the expression of its value.
type computed struct {
	path []string
	of   expr
}

func (c computed) apply(s scope, to Row) (Row, error) {
	value, had, err := c.of(s)
	if err != nil {
		return nil, err
	}
	return with(to, c.path, func(any, bool) (any, bool, error) { return value, had, nil })
}

func addFields(name string, operand json.RawMessage) (stage, error) {
	members, ok := Members(operand)
	if !ok || len(members) == 0 {
		return nil, refuse("%s needs an object of fields.", name)
	}
	fields := make([]computed, len(members))
	for i, m := range members {
		var err error
		if fields[i], err = field(m.Name, m.Value); err != nil {
			return nil, err
		}
	}
	return each(func(r *run, row Row) (Row, bool, error) {
		to := row
		for _, f := range fields {
			var err error
			if to, err = f.apply(scope{row, r}, to); err != nil {
				return nil, false, err
			}
		}
		return to, true, nil
	}), nil
}

func field(name string, text json.RawMessage) (computed, error) {
	path, err := fieldPath(name)
	if err != nil {
		return computed{}, err
	}
	value, err := decode(text)
	if err != nil {
		return computed{}, refuse("The value of %q cannot be read.", name)
	}
	of, err := parseExpr(value, 0)
	return computed{path, of}, err
}

// replaceRoot is {newRoot: expression}; $replaceWith the expression itself.
func replaceRoot(name string, operand json.RawMessage) (stage, error) {
	value, err := decode(operand)
	if err != nil {
		return nil, refuse("%s cannot be read.", name)
	}
	if name == "$replaceRoot" {
		object, _ := value.(map[string]any)
		if value = object["newRoot"]; value == nil {
			return nil, refuse("$replaceRoot needs newRoot.")
		}
	}
	of, err := parseExpr(value, 0)
	return each(func(r *run, row Row) (Row, bool, error) {
		made, _, err := of(scope{row, r})
		root, ok := made.(map[string]any)
		if err == nil && !ok {
			err = refuse("%s needs an object in every row.", name)
		}
		return root, true, err
	}), err
}

// Projection says which fields of a row go on.
type Projection struct {
	include  [][]string
	exclude  [][]string
	computed []computed
	drops    []string // identifying members that are left out on demand
	keeps    []string // identifying members that stay unless left out
}

// ParseProjection reads {"data.title": 1} or {"data.text": 0}; other values are
// expressions. The members named by keeps stay in an inclusion unless they are
// given a 0.
func ParseProjection(text json.RawMessage, keeps ...string) (*Projection, error) {
	members, ok := Members(text)
	if !ok || len(members) == 0 {
		return nil, refuse("A projection is an object of fields with 1 or 0.")
	}
	p := &Projection{keeps: keeps}
	for _, m := range members {
		if err := p.member(m); err != nil {
			return nil, err
		}
	}
	if len(p.include)+len(p.computed) > 0 && len(p.exclude) > 0 {
		return nil, refuse("A projection either names the fields to show or those to leave out.")
	}
	return p, nil
}

func (p *Projection) member(m Member) error {
	path, err := fieldPath(m.Name)
	if err != nil {
		return err
	}
	switch string(m.Value) {
	case "1", "true":
		p.include = append(p.include, path)
	case "0", "false":
		if m.Name == "_id" || slices.Contains(p.keeps, m.Name) {
			p.drops = append(p.drops, m.Name)
		} else {
			p.exclude = append(p.exclude, path)
		}
	default:
		f, err := field(m.Name, m.Value)
		p.computed = append(p.computed, f)
		return err
	}
	return nil
}

func (p *Projection) row(r *run, row Row) (Row, error) {
	var err error
	if len(p.include)+len(p.computed) == 0 {
		for _, path := range p.exclude {
			if row, err = without(row, path); err != nil {
				return nil, err
			}
		}
		for _, name := range p.drops {
			if row, err = without(row, []string{name}); err != nil {
				return nil, err
			}
		}
		return row, nil
	}
	to := Row{}
	for _, name := range append([]string{"_id"}, p.keeps...) {
		if !slices.Contains(p.drops, name) {
			picked(row, to, []string{name})
		}
	}
	for _, path := range p.include {
		picked(row, to, path)
	}
	for _, f := range p.computed {
		if to, err = f.apply(scope{row, r}, to); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// Apply cuts one JSON document.
func (p *Projection) Apply(doc table.Doc) (table.Doc, error) {
	for _, f := range p.computed {
		return nil, refuse("The projection of %q must be 1 or 0.", strings.Join(f.path, "."))
	}
	value, err := decode(doc)
	if err != nil {
		return nil, err
	}
	row, _ := value.(Row)
	if row, err = p.row(nil, row); err != nil {
		return nil, err
	}
	return encode(row)
}

func project(operand json.RawMessage) (stage, error) {
	p, err := ParseProjection(operand)
	return each(func(r *run, row Row) (Row, bool, error) {
		to, err := p.row(r, row)
		return to, true, err
	}), err
}
