package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// numericLimit is the documented range of the numeric operator, either way.
const numericLimit = 5e9

// numeric reads [operator, number] or a range of two such pairs.
func numeric(argument any) (func(any) bool, error) {
	list, ok := argument.([]any)
	if !ok || (len(list) != 2 && len(list) != 4) {
		return nil, errors.New(`want [operator, number] or a range such as [">", 0, "<=", 5]`)
	}
	var bounds []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		bound, err := numericBound(list[i], list[i+1])
		if err != nil {
			return nil, err
		}
		bounds = append(bounds, bound)
	}
	if len(list) == 4 {
		if err := checkRange(list); err != nil {
			return nil, err
		}
	}
	return func(value any) bool {
		number, ok := value.(json.Number)
		if !ok {
			return false
		}
		f, err := number.Float64()
		return err == nil && !slices.ContainsFunc(bounds, func(bound func(float64) bool) bool { return !bound(f) })
	}, nil
}

func numericBound(operator, argument any) (func(float64) bool, error) {
	limit, err := numericArgument(argument)
	if err != nil {
		return nil, err
	}
	switch operator {
	case "=":
		return func(f float64) bool { return f == limit }, nil
	case "<":
		return func(f float64) bool { return f < limit }, nil
	case "<=":
		return func(f float64) bool { return f <= limit }, nil
	case ">":
		return func(f float64) bool { return f > limit }, nil
	case ">=":
		return func(f float64) bool { return f >= limit }, nil
	default:
		return nil, fmt.Errorf("want =, <, <=, > or >=, got %v", operator)
	}
}

func numericArgument(argument any) (float64, error) {
	number, ok := argument.(json.Number)
	if !ok {
		return 0, fmt.Errorf("want a number, got %s", kind(argument))
	}
	f, err := strconv.ParseFloat(number.String(), 64)
	if err != nil || f < -numericLimit || f > numericLimit {
		return 0, fmt.Errorf("%s is outside -5.0e9 to 5.0e9", number)
	}
	return f, nil
}

// checkRange holds a range to lower bound first, upper bound second, not empty.
func checkRange(list []any) error {
	lower, _ := list[0].(string)
	upper, _ := list[2].(string)
	if !strings.HasPrefix(lower, ">") || !strings.HasPrefix(upper, "<") {
		return errors.New("a range begins with > or >= and ends with < or <=")
	}
	from, err := numericArgument(list[1])
	if err != nil {
		return err
	}
	to, err := numericArgument(list[3])
	if err != nil {
		return err
	}
	if from >= to {
		return fmt.Errorf("the range from %v to %v is empty", list[1], list[3])
	}
	return nil
}
