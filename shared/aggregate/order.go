package aggregate

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/filter"
)

// Member is one member of an object whose order counts.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Members reads an object in the order in which it is written; ok is false for
// anything else.
func Members(text json.RawMessage) (list []Member, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		key, isText := name.(string)
		var value json.RawMessage
		if err != nil || !isText || d.Decode(&value) != nil {
			return nil, false
		}
		list = append(list, Member{key, value})
	}
	_, err := d.Token()
	return list, err == nil
}

// Order is a sort by one or more fields.
type Order []OrderField

// OrderField is one field to sort by.
type OrderField struct {
	Path string // dotted
	Desc bool
}

// orderMax bounds the fields of a sort.
const orderMax = 16

// ParseOrder reads {"data.score": -1, "name": 1}. Nothing and null are no order.
func ParseOrder(text json.RawMessage) (Order, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	members, ok := Members(text)
	if !ok || len(members) > orderMax {
		return nil, refuse("A sort is an object of fields with 1 or -1.")
	}
	var o Order
	for _, m := range members {
		direction := string(m.Value)
		if direction != "1" && direction != "-1" {
			return nil, refuse("The sort of %q must be 1 or -1.", m.Name)
		}
		if _, err := fieldPath(m.Name); err != nil {
			return nil, err
		}
		o = append(o, OrderField{m.Name, direction == "-1"})
	}
	return o, nil
}

// keyed is a thing to sort with its keys made ready.
type keyed[T any] struct {
	thing T
	keys  []filter.Value
}

// arrange sorts stably by the keys that keysOf makes.
func arrange[T any](o Order, list []T, keysOf func(T, []string) []byte) {
	rows := make([]keyed[T], len(list))
	paths := make([][]string, len(o))
	for i, f := range o {
		paths[i] = strings.Split(f.Path, ".")
	}
	for i, thing := range list {
		rows[i] = keyed[T]{thing: thing, keys: make([]filter.Value, len(o))}
		for j := range o {
			rows[i].keys[j] = filter.ValueOf(keysOf(thing, paths[j]))
		}
	}
	slices.SortStableFunc(rows, func(a, b keyed[T]) int {
		for j, f := range o {
			if c := a.keys[j].Compare(&b.keys[j]); c != 0 {
				if f.Desc {
					return -c
				}
				return c
			}
		}
		return 0
	})
	for i, r := range rows {
		list[i] = r.thing
	}
}

// Docs sorts JSON documents; those that are equal by it by their id.
func Docs[D ~[]byte](o Order, docs []D) {
	slices.SortFunc(docs, func(a, b D) int { return strings.Compare(filter.Text(a, "sk"), filter.Text(b, "sk")) })
	arrange(o, docs, func(doc D, path []string) []byte { return filter.Get(doc, path...) })
}
