package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

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
