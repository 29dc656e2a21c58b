package aggregate

import (
	"encoding/json"
	"strings"
)

// expr computes a value from a row; had is false for a missing one.
type expr func(s scope) (value any, had bool, err error)

// scope is what an expression sees.
type scope struct {
	row Row
	r   *run
}

// depthMax bounds the nesting of an expression.
const depthMax = 20

// parseExpr reads an expression: a literal, "$field.path", an object of
// expressions, or an operator.
func parseExpr(value any, depth int) (expr, error) {
	if depth > depthMax {
		return nil, refuse("An expression is nested deeper than %d levels.", depthMax)
	}
	switch value := value.(type) {
	case string:
		if strings.HasPrefix(value, "$") {
			return reference(value)
		}
	case []any:
		return listExpr(value, depth)
	case map[string]any:
		for name, operand := range value {
			if !strings.HasPrefix(name, "$") {
				continue
			}
			if len(value) > 1 {
				return nil, refuse("An expression has one operator; %s is not alone.", name)
			}
			return operator(name, operand, depth+1)
		}
		return objectExpr(value, depth)
	}
	return constant(value), nil
}

func constant(value any) expr {
	return func(scope) (any, bool, error) { return value, true, nil }
}

// reference is "$path", "$$ROOT", "$$CURRENT" with or without a path, "$$NOW" or
// "$$REMOVE".
func reference(text string) (expr, error) {
	if name, special := strings.CutPrefix(text, "$$"); special {
		name, rest, _ := strings.Cut(name, ".")
		switch name {
		case "ROOT", "CURRENT":
			if rest == "" {
				return func(s scope) (any, bool, error) { return s.row, true, nil }, nil
			}
			text = "$" + rest
		case "NOW":
			return func(s scope) (any, bool, error) { return instant(s.r.env.Now), true, nil }, nil
		case "REMOVE":
			return func(scope) (any, bool, error) { return nil, false, nil }, nil
		default:
			return nil, refuse("%s is not a variable of this pipeline language.", text)
		}
	}
	path, err := fieldPath(text[1:])
	return func(s scope) (any, bool, error) {
		value, had := at(s.row, path)
		return value, had, nil
	}, err
}

func listExpr(list []any, depth int) (expr, error) {
	parts, err := parseAll(list, depth+1)
	return func(s scope) (any, bool, error) {
		values, err := evaluate(parts, s)
		return values, true, err
	}, err
}

func parseAll(list []any, depth int) ([]expr, error) {
	parts := make([]expr, len(list))
	for i, v := range list {
		part, err := parseExpr(v, depth)
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	return parts, nil
}

// evaluate computes all parts; missing ones are null.
func evaluate(parts []expr, s scope) ([]any, error) {
	values := make([]any, len(parts))
	for i, part := range parts {
		value, _, err := part(s)
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return values, nil
}

func objectExpr(object map[string]any, depth int) (expr, error) {
	parts := make(map[string]expr, len(object))
	for name, v := range object {
		part, err := parseExpr(v, depth+1)
		if err != nil {
			return nil, err
		}
		parts[name] = part
	}
	return func(s scope) (any, bool, error) {
		made := make(map[string]any, len(parts))
		for name, part := range parts {
			value, had, err := part(s)
			if err != nil {
				return nil, false, err
			}
			if had {
				made[name] = value
			}
		}
		return made, true, nil
	}, nil
}

// operator reads {"$op": operand}.
func operator(name string, operand any, depth int) (expr, error) {
	switch name {
	case "$literal":
		return constant(operand), nil
	case "$cond":
		return cond(operand, depth)
	case "$switch":
		return switchExpr(operand, depth)
	case "$dateToString":
		return dateToString(operand, depth)
	case "$where", "$function", "$accumulator":
		return nil, refuse("%s is not allowed: pipelines cannot execute code.", name)
	}
	f, ok := functions()[name]
	if !ok {
		return nil, refuse("%s is not an operator of this pipeline language.", name)
	}
	list, isList := operand.([]any)
	if !isList {
		list = []any{operand}
	}
	if len(list) < f.least || f.most > 0 && len(list) > f.most {
		return nil, refuse("%s has the wrong number of arguments.", name)
	}
	parts, err := parseAll(list, depth)
	return func(s scope) (any, bool, error) {
		values, err := evaluate(parts, s)
		if err != nil {
			return nil, false, err
		}
		value, err := f.call(values)
		return value, true, err
	}, err
}

// cond is {if, then, else} or [if, then, else].
func cond(operand any, depth int) (expr, error) {
	list, _ := operand.([]any)
	if object, ok := operand.(map[string]any); ok {
		list = []any{object["if"], object["then"], object["else"]}
	}
	if len(list) != 3 {
		return nil, refuse("$cond needs if, then and else.")
	}
	parts, err := parseAll(list, depth)
	return func(s scope) (any, bool, error) {
		test, _, err := parts[0](s)
		if err != nil {
			return nil, false, err
		}
		if truthy(test) {
			return parts[1](s)
		}
		return parts[2](s)
	}, err
}

func switchExpr(operand any, depth int) (expr, error) {
	object, _ := operand.(map[string]any)
	branches, ok := object["branches"].([]any)
	if !ok || len(branches) == 0 {
		return nil, refuse("$switch needs branches.")
	}
	whole := object["default"]
	for i := len(branches) - 1; i >= 0; i-- {
		branch, ok := branches[i].(map[string]any)
		if !ok {
			return nil, refuse("A branch of $switch needs case and then.")
		}
		whole = map[string]any{"$cond": []any{branch["case"], branch["then"], whole}}
	}
	return parseExpr(whole, depth)
}

func truthy(value any) bool {
	switch value := value.(type) {
	case nil:
		return false
	case bool:
		return value
	case json.Number:
		f, err := value.Float64()
		return err != nil || f != 0
	}
	return true
}
