package template

import (
	"errors"
	"fmt"
)

// condition evaluates what may stand in the Conditions section, and
// {"Condition": name}.
func (r *resolver) condition(value any) (bool, error) {
	members, ok := value.(map[string]any)
	if !ok || len(members) != 1 {
		return false, errors.New("want one condition function")
	}
	for name, argument := range members {
		if name == "Condition" {
			return r.namedCondition(argument)
		}
		list, ok := argument.([]any)
		if !ok {
			return false, fmt.Errorf("%s: want a list", name)
		}
		holds, err := r.conditionFunction(name, list)
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		return holds, nil
	}
	return false, nil
}

func (r *resolver) namedCondition(argument any) (bool, error) {
	name, ok := argument.(string)
	source, known := r.conditions[name]
	if !ok || !known {
		return false, fmt.Errorf("there is no condition %v", argument)
	}
	if holds, ok := r.decided[name]; ok {
		return holds, nil
	}
	if r.depth > maxDepth {
		return false, fmt.Errorf("condition %s depends on itself", name)
	}
	r.depth++
	holds, err := r.condition(source)
	r.depth--
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	r.decided[name] = holds
	return holds, nil
}

func (r *resolver) conditionFunction(name string, list []any) (bool, error) {
	switch name {
	case "Fn::Equals":
		if len(list) != 2 {
			return false, errors.New("want two values")
		}
		left, err := r.text(list[0])
		if err != nil {
			return false, err
		}
		right, err := r.text(list[1])
		return left == right, err
	case "Fn::Not":
		if len(list) != 1 {
			return false, errors.New("want one condition")
		}
		holds, err := r.condition(list[0])
		return !holds, err
	case "Fn::And", "Fn::Or":
		return r.anyAll(name == "Fn::Or", list)
	default:
		return false, errors.New("is not a condition function")
	}
}

// anyAll evaluates until a condition decides: a true one for Or, a false one
// for And.
func (r *resolver) anyAll(decisive bool, list []any) (bool, error) {
	for _, element := range list {
		holds, err := r.condition(element)
		if err != nil {
			return false, err
		}
		if holds == decisive {
			return decisive, nil
		}
	}
	return !decisive, nil
}
