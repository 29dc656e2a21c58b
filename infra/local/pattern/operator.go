package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// numericLimit is the documented range of the numeric operator, either way.
const numericLimit = 5e9

// matcher is one alternative of a leaf. absent stands for exists: false, which
// looks at the path and not at a value.
type matcher struct {
	absent bool
	test   func(any) bool
}

// equals compares literally. json.Number keeps a number's text, so 300 and
// 300.0 differ, as documented, and neither equals the string.
func equals(want any) func(any) bool {
	return func(got any) bool { return got == want }
}

// text compiles the operators on strings; they never match other kinds.
func text(name string, argument any) (func(any) bool, error) {
	test, err := textTest(name, argument)
	if err != nil {
		return nil, err
	}
	return func(value any) bool {
		s, ok := value.(string)
		return ok && test(s)
	}, nil
}

func textTest(name string, argument any) (func(string) bool, error) {
	want, fold, err := textArgument(name, argument)
	if err != nil {
		return nil, err
	}
	switch {
	case name == "wildcard":
		return wildcard(want)
	case name == "equals-ignore-case":
		return func(s string) bool { return strings.EqualFold(s, want) }, nil
	case name == "prefix" && fold:
		return func(s string) bool { return foldedPrefix(s, want) }, nil
	case name == "prefix":
		return func(s string) bool { return strings.HasPrefix(s, want) }, nil
	case fold:
		return func(s string) bool { return foldedSuffix(s, want) }, nil
	default:
		return func(s string) bool { return strings.HasSuffix(s, want) }, nil
	}
}

// textArgument accepts a string, and for prefix and suffix also
// {"equals-ignore-case": string}.
func textArgument(name string, argument any) (want string, fold bool, err error) {
	if s, ok := argument.(string); ok {
		return s, false, nil
	}
	if nested, ok := argument.(map[string]any); ok && len(nested) == 1 && (name == "prefix" || name == "suffix") {
		if s, ok := nested["equals-ignore-case"].(string); ok {
			return s, true, nil
		}
	}
	return "", false, fmt.Errorf("want a string, got %s", kind(argument))
}

// foldedPrefix counts runes, because the two cases of a letter may differ in
// length.
func foldedPrefix(s, prefix string) bool {
	end := 0
	for range utf8.RuneCountInString(prefix) {
		if end == len(s) {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return strings.EqualFold(s[:end], prefix)
}

func foldedSuffix(s, suffix string) bool {
	start := len(s)
	for range utf8.RuneCountInString(suffix) {
		if start == 0 {
			return false
		}
		_, size := utf8.DecodeLastRuneInString(s[:start])
		start -= size
	}
	return strings.EqualFold(s[start:], suffix)
}

// anythingBut matches a present value that is none of those named: a scalar,
// a list of strings or of numbers, or one operator on strings with one
// argument or a list of them.
func anythingBut(argument any) (func(any) bool, error) {
	if nested, ok := argument.(map[string]any); ok {
		refused, err := anythingButOperator(nested)
		if err != nil {
			return nil, err
		}
		return func(value any) bool { return !anyTest(refused, value) }, nil
	}
	list, err := scalars(argument)
	if err != nil {
		return nil, err
	}
	return func(value any) bool { return !slices.Contains(list, value) }, nil
}

func anythingButOperator(nested map[string]any) ([]func(any) bool, error) {
	if len(nested) != 1 {
		return nil, fmt.Errorf("want exactly one operator, got %d", len(nested))
	}
	var refused []func(any) bool
	for name, argument := range nested {
		if !slices.Contains([]string{"prefix", "suffix", "wildcard", "equals-ignore-case"}, name) {
			return nil, fmt.Errorf("cannot be combined with %s", name)
		}
		list, ok := argument.([]any)
		if !ok {
			list = []any{argument}
		}
		if len(list) == 0 {
			return nil, errors.New("an empty array matches nothing")
		}
		for _, element := range list {
			test, err := text(name, element)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			refused = append(refused, test)
		}
	}
	return refused, nil
}

func anyTest(tests []func(any) bool, value any) bool {
	return slices.ContainsFunc(tests, func(test func(any) bool) bool { return test(value) })
}

// scalars accepts one string or number, or a list of one of the kinds.
func scalars(argument any) ([]any, error) {
	list, ok := argument.([]any)
	if !ok {
		list = []any{argument}
	}
	if len(list) == 0 {
		return nil, errors.New("an empty array matches nothing")
	}
	for _, element := range list {
		switch element.(type) {
		case string, json.Number:
		default:
			return nil, fmt.Errorf("want strings or numbers, got %s", kind(element))
		}
		if kind(element) != kind(list[0]) {
			return nil, errors.New("strings and numbers cannot be mixed")
		}
	}
	return list, nil
}

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

func cidr(argument any) (func(any) bool, error) {
	source, ok := argument.(string)
	if !ok {
		return nil, fmt.Errorf("want a string, got %s", kind(argument))
	}
	block, err := netip.ParsePrefix(source)
	if err != nil {
		return nil, fmt.Errorf("not a block of addresses: %w", err)
	}
	block = block.Masked()
	return func(value any) bool {
		s, ok := value.(string)
		if !ok {
			return false
		}
		address, err := netip.ParseAddr(s)
		return err == nil && block.Contains(address)
	}, nil
}
