package aggregate

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/appmint/appengine/shared/filter"
)

// encode writes a value as JSON with sorted members, and refuses one longer than
// textMax: shared parts can make a small row endless as text.
func encode(value any) ([]byte, error) { return appendValue(nil, value) }

// Encode writes a row as JSON, or refuses it as larger than the budget.
func Encode(row Row) (json.RawMessage, error) { return encode(row) }

func appendValue(b []byte, value any) ([]byte, error) {
	if len(b) > textMax {
		return nil, ErrBudget
	}
	switch value := value.(type) {
	case map[string]any:
		return appendObject(b, value)
	case []any:
		return appendList(b, value)
	case json.Number:
		return append(b, value...), nil
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, value), nil
	case string:
		return appendText(b, value)
	}
	text, err := json.Marshal(value)
	return append(b, text...), err
}

func appendText(b []byte, value string) ([]byte, error) {
	text, err := json.Marshal(value)
	return append(b, text...), err
}

func appendObject(b []byte, object map[string]any) ([]byte, error) {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, name); err != nil {
			return nil, err
		}
		if b, err = appendValue(append(b, ':'), object[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendList(b []byte, list []any) ([]byte, error) {
	b = append(b, '[')
	for i, value := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, value); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// keyOf is equal for values that are equal: 1 and 1.0, and null and missing.
func keyOf(value any) (string, error) {
	if number, ok := value.(json.Number); ok {
		value = canonical(number)
	}
	text, err := encode(value)
	return string(text), err
}

func canonical(n json.Number) json.Number {
	if _, err := n.Int64(); err == nil {
		return n
	}
	f, err := n.Float64()
	if err != nil {
		return n
	}
	return number(f)
}

// compare orders two values as filters do.
func compare(a, b any) int {
	x, errX := encode(a)
	y, errY := encode(b)
	if errX != nil || errY != nil {
		return 0
	}
	return filter.Compare(x, y)
}

// Distinct lists the different values at a path, those in lists one by one, in
// the order of their first appearance.
func Distinct[D ~[]byte](path string, docs []D) ([]json.RawMessage, error) {
	segments, err := fieldPath(path)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	list := []json.RawMessage{}
	for _, doc := range docs {
		value, err := decode(doc)
		if err != nil {
			return nil, err
		}
		found, had := at(value, segments)
		if !had {
			continue
		}
		many, ok := found.([]any)
		if !ok {
			many = []any{found}
		}
		for _, one := range many {
			key, err := keyOf(one)
			if err != nil {
				return nil, err
			}
			if !seen[key] {
				seen[key] = true
				list = append(list, json.RawMessage(key))
			}
		}
	}
	return list, nil
}
