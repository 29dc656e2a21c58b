package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// at prefixes a compilation error with the place it was found at.
func at(path []string, format string, args ...any) error {
	where := strings.Join(path, ".")
	if where == "" {
		where = "pattern"
	}
	return fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...))
}

func compileObject(members map[string]any, path []string) (*object, error) {
	if len(members) == 0 {
		return nil, at(path, "an empty object matches nothing")
	}
	if len(path) > maxDepth {
		return nil, at(path[:4], "nested too deeply")
	}
	o := &object{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if name == "$or" {
			alternatives, err := compileOr(members[name], path)
			if err != nil {
				return nil, err
			}
			o.ors = append(o.ors, alternatives)
			continue
		}
		f, err := compileField(name, members[name], path)
		if err != nil {
			return nil, err
		}
		o.fields = append(o.fields, f)
	}
	return o, nil
}

func compileField(name string, value any, parent []string) (field, error) {
	path := append(slices.Clone(parent), name)
	switch v := value.(type) {
	case map[string]any:
		child, err := compileObject(v, path)
		return field{name: name, path: path, child: child}, err
	case []any:
		leaf, err := compileLeaf(v, path)
		return field{name: name, path: path, leaf: leaf}, err
	default:
		return field{}, at(path, "want an array of values or an object, got %s", kind(value))
	}
}

// compileOr reads the alternatives of an $or, each a pattern object beside
// the fields that $or stands among.
func compileOr(value any, path []string) ([]object, error) {
	list, ok := value.([]any)
	if !ok || len(list) < 2 {
		return nil, at(path, "$or wants an array of at least two objects")
	}
	alternatives := make([]object, 0, len(list))
	for _, element := range list {
		members, ok := element.(map[string]any)
		if !ok {
			return nil, at(path, "$or wants objects, got %s", kind(element))
		}
		o, err := compileObject(members, path)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, *o)
	}
	return alternatives, nil
}

func compileLeaf(list []any, path []string) ([]matcher, error) {
	if len(list) == 0 {
		return nil, at(path, "an empty array matches nothing")
	}
	leaf := make([]matcher, 0, len(list))
	for _, value := range list {
		m, err := compileValue(value)
		if err != nil {
			return nil, at(path, "%w", err)
		}
		leaf = append(leaf, m)
	}
	return leaf, nil
}

func compileValue(value any) (matcher, error) {
	switch v := value.(type) {
	case map[string]any:
		return compileOperator(v)
	case []any:
		return matcher{}, errors.New("an array within an array is not a pattern")
	default:
		return matcher{test: equals(v)}, nil
	}
}

// compileOperator reads {"prefix": …} and its like: exactly one operator.
func compileOperator(operators map[string]any) (matcher, error) {
	if len(operators) != 1 {
		return matcher{}, fmt.Errorf("want exactly one operator in an object, got %d", len(operators))
	}
	for name, argument := range operators {
		m, err := operator(name, argument)
		if err != nil {
			return matcher{}, fmt.Errorf("%s: %w", name, err)
		}
		return m, nil
	}
	return matcher{}, nil
}

func operator(name string, argument any) (matcher, error) {
	var test func(any) bool
	var err error
	switch name {
	case "exists":
		want, ok := argument.(bool)
		if !ok {
			return matcher{}, fmt.Errorf("want true or false, got %s", kind(argument))
		}
		return matcher{absent: !want, test: func(any) bool { return true }}, nil
	case "anything-but":
		test, err = anythingBut(argument)
	case "numeric":
		test, err = numeric(argument)
	case "cidr":
		test, err = cidr(argument)
	case "prefix", "suffix", "wildcard", "equals-ignore-case":
		test, err = text(name, argument)
	default:
		err = errors.New("no such operator")
	}
	return matcher{test: test}, err
}

func kind(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
