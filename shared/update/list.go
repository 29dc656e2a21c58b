package update

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/filter"
)

// list is an operator that changes a list as a whole; missing ones are empty.
func (t target) list(op string, create bool, c func([]any) ([]any, error)) error {
	return t.change(create, func(old any, had bool) (any, bool, error) {
		if !had && !create {
			return nil, false, nil
		}
		items, ok := old.([]any)
		if had && !ok {
			return old, true, refuse("%s needs a list in the field %q.", op, strings.Join(t.path, "."))
		}
		changed, err := c(items)
		if changed == nil {
			changed = []any{}
		}
		return changed, true, err
	})
}

// pushing is a $push with its modifiers.
type pushing struct {
	values   []any
	position *int
	slice    *int
	sort     *order
}

// push appends a value, or with $each many, at $position; then the list is
// sorted by $sort and cut by $slice.
func push(name string, operand any) (func(target) error, error) {
	p := pushing{values: []any{operand}}
	if object, ok := operand.(map[string]any); ok && modifiers(object) {
		var err error
		if p, err = pushModifiers(name, object); err != nil {
			return nil, err
		}
	}
	return func(t target) error { return t.list("$push", true, p.apply) }, nil
}

func modifiers(object map[string]any) bool {
	for key := range object {
		if strings.HasPrefix(key, "$") {
			return true
		}
	}
	return false
}

func pushModifiers(name string, object map[string]any) (pushing, error) {
	var p pushing
	for key, value := range object {
		var ok bool
		switch key {
		case "$each":
			p.values, ok = value.([]any)
		case "$position":
			p.position, ok = whole(value)
		case "$slice":
			p.slice, ok = whole(value)
		case "$sort":
			p.sort, ok = newOrder(value)
		default:
			return p, refuse("%s is not a modifier of $push.", key)
		}
		if !ok {
			return p, refuse("The %s of %q cannot be used.", key, name)
		}
	}
	if _, given := object["$each"]; !given {
		return p, refuse("The modifiers of $push need $each (field %q).", name)
	}
	return p, nil
}

func whole(value any) (*int, bool) {
	number, ok := value.(json.Number)
	if !ok {
		return nil, false
	}
	n, err := number.Int64()
	if err != nil || n > 1<<30 || n < -1<<30 {
		return nil, false
	}
	i := int(n)
	return &i, true
}

func (p pushing) apply(items []any) ([]any, error) {
	at := len(items)
	if p.position != nil {
		at = *p.position
		if at < 0 {
			at += len(items)
		}
		at = min(max(at, 0), len(items))
	}
	fresh := make([]any, len(p.values))
	for i, v := range p.values {
		fresh[i] = clone(v)
	}
	items = slices.Insert(slices.Clone(items), at, fresh...)
	if p.sort != nil {
		if err := p.sort.arrange(items); err != nil {
			return nil, err
		}
	}
	if p.slice == nil {
		return items, nil
	}
	if n := *p.slice; n < 0 {
		return items[max(len(items)+n, 0):], nil
	}
	return items[:min(*p.slice, len(items))], nil
}

// order is how $sort arranges a list: by value, or by fields of its objects.
type order struct {
	desc   bool
	fields []orderField
}

type orderField struct {
	path []string
	desc bool
}

func newOrder(value any) (*order, bool) {
	if n, ok := whole(value); ok {
		return &order{desc: *n < 0}, *n == 1 || *n == -1
	}
	object, ok := value.(map[string]any)
	if !ok || len(object) != 1 {
		return nil, false // the order of several members is lost in decoding
	}
	o := &order{}
	for name, direction := range object {
		n, ok := whole(direction)
		if !ok || *n != 1 && *n != -1 {
			return nil, false
		}
		o.fields = append(o.fields, orderField{strings.Split(name, "."), *n < 0})
	}
	return o, true
}

func (o *order) arrange(items []any) error {
	var failed error
	key := func(item any, path []string) []byte {
		value, had := lookup(item, path)
		if !had {
			return nil
		}
		text, err := encode(value)
		if err != nil {
			failed = err
		}
		return text
	}
	slices.SortStableFunc(items, func(a, b any) int {
		if len(o.fields) == 0 {
			return signed(filter.Compare(key(a, nil), key(b, nil)), o.desc)
		}
		for _, f := range o.fields {
			if c := filter.Compare(key(a, f.path), key(b, f.path)); c != 0 {
				return signed(c, f.desc)
			}
		}
		return 0
	})
	return failed
}

func signed(c int, desc bool) int {
	if desc {
		return -c
	}
	return c
}

// addToSet appends the values that the list does not hold yet.
func addToSet(name string, operand any) (func(target) error, error) {
	values := []any{operand}
	if object, ok := operand.(map[string]any); ok && modifiers(object) {
		if values, ok = object["$each"].([]any); !ok || len(object) > 1 {
			return nil, refuse("$addToSet of %q knows $each only, with a list.", name)
		}
	}
	return func(t target) error {
		return t.list("$addToSet", true, func(items []any) ([]any, error) {
			items = slices.Clone(items)
			for _, v := range values {
				if !contains(items, v) {
					items = append(items, clone(v))
				}
			}
			return items, nil
		})
	}, nil
}

func contains(items []any, value any) bool {
	text, err := encode(value)
	return err == nil && slices.ContainsFunc(items, func(item any) bool { return same(item, text) })
}

func same(item any, text []byte) bool {
	stored, err := encode(item)
	return err == nil && filter.Compare(stored, text) == 0
}

// pop removes the last element, or with -1 the first.
func pop(name string, operand any) (func(target) error, error) {
	n, ok := whole(operand)
	if !ok || *n != 1 && *n != -1 {
		return nil, refuse("$pop of %q needs 1 or -1.", name)
	}
	return func(t target) error {
		return t.list("$pop", false, func(items []any) ([]any, error) {
			switch {
			case len(items) == 0:
				return items, nil
			case *n < 0:
				return items[1:], nil
			}
			return items[:len(items)-1], nil
		})
	}, nil
}

// pull removes the elements that equal a value or meet a condition.
func pull(_ string, operand any) (func(target) error, error) {
	meets, err := condition(operand)
	if err != nil {
		return nil, err
	}
	return remover("$pull", meets)
}

func pullAll(name string, operand any) (func(target) error, error) {
	values, ok := operand.([]any)
	if !ok {
		return nil, refuse("$pullAll of %q needs a list.", name)
	}
	return remover("$pullAll", func(item any) bool {
		text, err := encode(item)
		return err == nil && slices.ContainsFunc(values, func(v any) bool { return same(v, text) })
	})
}

func remover(op string, meets func(any) bool) (func(target) error, error) {
	return func(t target) error {
		return t.list(op, false, func(items []any) ([]any, error) {
			return slices.DeleteFunc(slices.Clone(items), meets), nil
		})
	}, nil
}

// condition reads the operand of $pull: operators for the element itself, a
// filter for elements that are objects, or a value.
func condition(operand any) (func(any) bool, error) {
	object, isObject := operand.(map[string]any)
	if !isObject {
		text, err := encode(operand)
		return func(item any) bool { return same(item, text) }, err
	}
	wrapped := modifiers(object)
	if wrapped {
		operand = map[string]any{"v": operand}
	}
	text, err := encode(operand)
	if err != nil {
		return nil, err
	}
	f, err := filter.Parse(text)
	if err != nil {
		return nil, err
	}
	return func(item any) bool {
		if _, ok := item.(map[string]any); !ok && !wrapped {
			return false
		}
		if wrapped {
			item = map[string]any{"v": item}
		}
		text, err := encode(item)
		return err == nil && f.Match(text)
	}, nil
}
