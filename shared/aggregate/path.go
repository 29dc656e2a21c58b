package aggregate

import (
	"slices"
	"strconv"
	"strings"
)

// segmentsMax bounds the parts of one path.
const segmentsMax = 16

func fieldPath(name string) ([]string, error) {
	path := strings.Split(name, ".")
	if len(path) > segmentsMax {
		return nil, refuse("The field %q has more than %d parts.", name, segmentsMax)
	}
	for _, segment := range path {
		if segment == "" || strings.HasPrefix(segment, "$") {
			return nil, refuse("%q is not a field.", name)
		}
	}
	return path, nil
}

// at returns the value at a path. A path through a list stands for the list of
// the values in its elements.
func at(value any, path []string) (any, bool) {
	for i, segment := range path {
		switch below := value.(type) {
		case map[string]any:
			inner, had := below[segment]
			if !had {
				return nil, false
			}
			value = inner
		case []any:
			if n, err := strconv.Atoi(segment); err == nil {
				if n < 0 || n >= len(below) {
					return nil, false
				}
				value = below[n]
				continue
			}
			values := []any{}
			for _, element := range below {
				if inner, had := at(element, path[i:]); had {
					values = append(values, inner)
				}
			}
			return values, true
		default:
			return nil, false
		}
	}
	return value, true
}

// with returns a copy of an object in which the value at a path is another one;
// what the copy does not change it shares. set is told what lies at the path.
func with(object map[string]any, path []string, set func(old any, had bool) (any, bool, error)) (map[string]any, error) {
	copied := make(map[string]any, len(object)+1)
	for name, value := range object {
		copied[name] = value
	}
	old, had := object[path[0]]
	var value any
	var keep bool
	var err error
	if len(path) == 1 {
		value, keep, err = set(old, had)
	} else {
		value, keep, err = below(old, had, path[1:], set)
	}
	if keep {
		copied[path[0]] = value
	} else {
		delete(copied, path[0])
	}
	return copied, err
}

func below(old any, had bool, path []string, set func(any, bool) (any, bool, error)) (any, bool, error) {
	if list, ok := old.([]any); ok {
		list = slices.Clone(list)
		for i := range list {
			inner, isObject := list[i].(map[string]any)
			if !isObject {
				continue
			}
			changed, err := with(inner, path, set)
			if err != nil {
				return nil, false, err
			}
			list[i] = changed
		}
		return list, true, nil
	}
	object, isObject := old.(map[string]any)
	if !isObject {
		if value, keep, err := set(nil, false); err != nil || !keep || value == nil {
			return old, had, err
		}
		object = map[string]any{}
	}
	changed, err := with(object, path, set)
	return changed, true, err
}

func without(object map[string]any, path []string) (map[string]any, error) {
	return with(object, path, func(any, bool) (any, bool, error) { return nil, false, nil })
}

// picked copies what lies at a path into an object, through lists element by
// element.
func picked(from any, to map[string]any, path []string) {
	object, ok := from.(map[string]any)
	if !ok {
		return
	}
	value, had := object[path[0]]
	if !had {
		return
	}
	if len(path) == 1 {
		to[path[0]] = value
		return
	}
	switch inner := value.(type) {
	case map[string]any:
		part, ok := to[path[0]].(map[string]any)
		if !ok {
			part = map[string]any{}
			to[path[0]] = part
		}
		picked(inner, part, path[1:])
	case []any:
		to[path[0]] = pickedList(inner, to[path[0]], path[1:])
	}
}

func pickedList(list []any, into any, path []string) []any {
	parts, _ := into.([]any)
	if len(parts) != len(list) {
		parts = make([]any, len(list))
	}
	for i, element := range list {
		part, ok := parts[i].(map[string]any)
		if !ok {
			part = map[string]any{}
			parts[i] = part
		}
		picked(element, part, path)
	}
	return parts
}
