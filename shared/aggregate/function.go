package aggregate

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// function is an operator whose arguments are computed first.
type function struct {
	least, most int // arguments; most 0 means any number
	call        func(values []any) (any, error)
}

func functions() map[string]function {
	all := map[string]function{
		"$eq": comparison(func(c int) bool { return c == 0 }), "$ne": comparison(func(c int) bool { return c != 0 }),
		"$gt": comparison(func(c int) bool { return c > 0 }), "$gte": comparison(func(c int) bool { return c >= 0 }),
		"$lt": comparison(func(c int) bool { return c < 0 }), "$lte": comparison(func(c int) bool { return c <= 0 }),
		"$cmp":    {2, 2, func(v []any) (any, error) { return whole(compare(v[0], v[1])), nil }},
		"$and":    {0, 0, func(v []any) (any, error) { return !slices.ContainsFunc(v, func(x any) bool { return !truthy(x) }), nil }},
		"$or":     {0, 0, func(v []any) (any, error) { return slices.ContainsFunc(v, truthy), nil }},
		"$not":    {1, 1, func(v []any) (any, error) { return !truthy(v[0]), nil }},
		"$ifNull": {2, 0, ifNull},
		"$type":   {1, 1, func(v []any) (any, error) { return typeOf(v[0]), nil }},
	}
	for _, more := range []map[string]function{numeric(), textual(), listing(), dated()} {
		for name, f := range more {
			all[name] = f
		}
	}
	return all
}

func comparison(holds func(int) bool) function {
	return function{2, 2, func(v []any) (any, error) { return holds(compare(v[0], v[1])), nil }}
}

func ifNull(values []any) (any, error) {
	for _, v := range values {
		if v != nil {
			return v, nil
		}
	}
	return nil, nil
}

func typeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

func textual() map[string]function {
	text := func(change func(string) string) function {
		return function{1, 1, func(v []any) (any, error) { return change(textOf(v[0])), nil }}
	}
	return map[string]function{
		"$concat": {1, 0, concat}, "$toLower": text(strings.ToLower), "$toUpper": text(strings.ToUpper), "$trim": text(strings.TrimSpace),
		"$toString":  {1, 1, func(v []any) (any, error) { return orNull(v[0], textOf(v[0])), nil }},
		"$strLenCP":  {1, 1, func(v []any) (any, error) { return whole(utf8.RuneCountInString(textOf(v[0]))), nil }},
		"$substrCP":  {3, 3, substring},
		"$substr":    {3, 3, substring},
		"$split":     {2, 2, split},
		"$indexOfCP": {2, 2, func(v []any) (any, error) { return whole(strings.Index(textOf(v[0]), textOf(v[1]))), nil }},
	}
}

func orNull(value any, otherwise any) any {
	if value == nil {
		return nil
	}
	return otherwise
}

func textOf(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case json.Number:
		return value.String()
	case bool:
		if value {
			return "true"
		}
		return "false"
	}
	return ""
}

// concatMax bounds a text that a pipeline makes, in bytes.
const concatMax = 1 << 20

func concat(values []any) (any, error) {
	size := 0
	for _, v := range values {
		if v == nil {
			return nil, nil
		}
		size += len(textOf(v))
	}
	if size > concatMax {
		return nil, ErrBudget
	}
	var b strings.Builder
	for _, v := range values {
		b.WriteString(textOf(v))
	}
	return b.String(), nil
}

func substring(v []any) (any, error) {
	from, okFrom := position(v[1])
	length, okLength := position(v[2])
	if !okFrom || !okLength || from < 0 {
		return nil, refuse("$substrCP needs a beginning and a length.")
	}
	runes := []rune(textOf(v[0]))
	from = min(from, len(runes))
	to := len(runes)
	if length >= 0 {
		to = min(from+length, len(runes))
	}
	return string(runes[from:to]), nil
}

func split(v []any) (any, error) {
	if v[0] == nil || textOf(v[1]) == "" {
		return nil, nil
	}
	parts := strings.Split(textOf(v[0]), textOf(v[1]))
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return list, nil
}

func listing() map[string]function {
	return map[string]function{
		"$size":         {1, 1, sizeOf},
		"$arrayElemAt":  {2, 2, element},
		"$first":        {1, 1, func(v []any) (any, error) { return element([]any{v[0], json.Number("0")}) }},
		"$last":         {1, 1, func(v []any) (any, error) { return element([]any{v[0], json.Number("-1")}) }},
		"$in":           {2, 2, within},
		"$isArray":      {1, 1, func(v []any) (any, error) { _, ok := v[0].([]any); return ok, nil }},
		"$concatArrays": {1, 0, concatLists},
		"$mergeObjects": {1, 0, mergeObjects},
	}
}

func sizeOf(v []any) (any, error) {
	list, ok := v[0].([]any)
	if !ok {
		return nil, refuse("$size needs a list; use $ifNull where there may be none.")
	}
	return whole(len(list)), nil
}

func element(v []any) (any, error) {
	list, ok := v[0].([]any)
	i, okIndex := position(v[1])
	if !ok || !okIndex {
		return nil, nil
	}
	if i < 0 {
		i += len(list)
	}
	if i < 0 || i >= len(list) {
		return nil, nil
	}
	return list[i], nil
}

func within(v []any) (any, error) {
	list, ok := v[1].([]any)
	if !ok {
		return nil, refuse("$in of an expression needs a list.")
	}
	return slices.ContainsFunc(list, func(x any) bool { return compare(x, v[0]) == 0 }), nil
}

func concatLists(v []any) (any, error) {
	joined := []any{}
	for _, part := range v {
		list, ok := part.([]any)
		if !ok {
			return nil, nil
		}
		joined = append(joined, list...)
		if len(joined) > rowsMax {
			return nil, ErrBudget
		}
	}
	return joined, nil
}

func mergeObjects(v []any) (any, error) {
	if len(v) == 1 {
		if list, ok := v[0].([]any); ok {
			v = list
		}
	}
	merged := map[string]any{}
	for _, part := range v {
		object, ok := part.(map[string]any)
		if !ok && part != nil {
			return nil, refuse("$mergeObjects needs objects.")
		}
		for name, value := range object {
			merged[name] = value
		}
	}
	return merged, nil
}
