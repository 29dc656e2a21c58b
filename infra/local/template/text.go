package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// asText gives scalars the text that CloudFormation gives them.
func asText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}

func (r *resolver) join(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 2 {
		return nil, errors.New("want a delimiter and a list")
	}
	delimiter, err := r.text(list[0])
	if err != nil {
		return nil, err
	}
	resolved, err := r.resolve(list[1])
	if err != nil {
		return nil, err
	}
	elements, ok := resolved.([]any)
	if !ok {
		return nil, errors.New("want a delimiter and a list")
	}
	texts := make([]string, 0, len(elements))
	for _, element := range elements {
		text, ok := asText(element)
		if !ok {
			return nil, fmt.Errorf("want strings, got %v", element)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, delimiter), nil
}

// listFunction is Select, which takes an element of a list, and Split, which
// makes a list of a string.
func (r *resolver) listFunction(name string, argument any) (any, error) {
	resolved, err := r.resolve(argument)
	if err != nil {
		return nil, err
	}
	pair, ok := resolved.([]any)
	if !ok || len(pair) != 2 {
		return nil, errors.New("want two arguments")
	}
	first, ok := asText(pair[0])
	if !ok {
		return nil, fmt.Errorf("want a string first, got %v", pair[0])
	}
	if name == "Fn::Split" {
		return split(first, pair[1])
	}
	list, ok := pair[1].([]any)
	index, err := strconv.Atoi(first)
	if !ok || err != nil || index < 0 || index >= len(list) {
		return nil, fmt.Errorf("there is no element %s", first)
	}
	return list[index], nil
}

func split(delimiter string, value any) (any, error) {
	text, ok := asText(value)
	if !ok {
		return nil, fmt.Errorf("want a string, got %v", value)
	}
	parts := strings.Split(text, delimiter)
	list := make([]any, 0, len(parts))
	for _, part := range parts {
		list = append(list, part)
	}
	return list, nil
}

// sub replaces ${Name}, ${Resource.Attribute} and the variables of its second
// argument; ${!Literal} becomes ${Literal}.
func (r *resolver) sub(argument any) (any, error) {
	variables := map[string]any{}
	if list, ok := argument.([]any); ok && len(list) == 2 {
		if variables, ok = list[1].(map[string]any); !ok {
			return nil, errors.New("want variables beside the string")
		}
		argument = list[0]
	}
	source, ok := argument.(string)
	if !ok {
		return nil, errors.New("want a string")
	}
	var result strings.Builder
	for {
		before, rest, found := strings.Cut(source, "${")
		result.WriteString(before)
		if !found {
			return result.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("${%s is not closed", rest)
		}
		text, err := r.variable(name, variables)
		if err != nil {
			return nil, err
		}
		result.WriteString(text)
		source = after
	}
}

func (r *resolver) variable(name string, variables map[string]any) (string, error) {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}", nil
	}
	name = strings.TrimSpace(name)
	if value, ok := variables[name]; ok {
		return r.text(value)
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return r.text(map[string]any{"Fn::GetAtt": []any{id, attribute}})
	}
	return r.text(map[string]any{"Ref": name})
}
