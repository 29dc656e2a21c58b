// Package filter is the query language of records: Mongo-style documents,
// parsed once into a small tree, refused where they would execute code or make
// no sense, and evaluated over raw JSON without decoding it.
package filter

import (
	"regexp"
	"slices"

	"github.com/appmint/appengine/shared/fault"
)

// ErrInvalid refuses a filter, in words that say why.
var ErrInvalid = fault.New(fault.Invalid, "invalid_filter", "That filter cannot be used.")

// Limits of one filter.
const (
	sizeMax    = 64 << 10 // bytes of its text
	depthMax   = 12       // levels of nesting
	nodesMax   = 500      // conditions
	listMax    = 1000     // values of one $in, $nin or $all
	patternMax = 256      // bytes of one regular expression
	pathMax    = 16       // segments of one field path
)

// Filter is a parsed filter. The zero value, and nil, match everything.
type Filter struct{ all []node }

// node is one condition on a document.
type node interface{ match(doc []byte) bool }

type (
	and   []node
	or    []node
	nor   []node
	not   struct{ inner node }
	field struct {
		path  []string
		tests []test
	}
)

// test is one operator on the values of a field.
type test interface {
	// holds is told the value at the field, nil when it is missing. It looks into
	// an array by itself.
	holds(raw []byte) bool
	// all says that the test must hold for each value found on a path through
	// arrays (negations), not for one of them.
	all() bool
}

type (
	equals struct{ want value }
	in     struct {
		want  []value
		texts map[string]bool // of plain strings, for long lists
	}
	order struct {
		op   string // $gt, $gte, $lt or $lte
		want value
	}
	exists  struct{ want bool }
	matches struct{ re *regexp.Regexp }
	typed   struct{ names []string }
	every   struct{ tests []test }
	elem    struct{ inner node }
	elemIs  struct{ tests []test }
	size    struct{ n int }
	modulo  struct{ divisor, remainder int64 }
	negated struct{ tests []test }
)

// Match says whether a document passes.
func (f *Filter) Match(doc []byte) bool {
	if f == nil {
		return true
	}
	for _, n := range f.all {
		if !n.match(doc) {
			return false
		}
	}
	return true
}

// Empty says that every document passes.
func (f *Filter) Empty() bool { return f == nil || len(f.all) == 0 }

// And is the filter that both let through.
func And(filters ...*Filter) *Filter {
	var whole Filter
	for _, f := range filters {
		if f != nil {
			whole.all = append(whole.all, f.all...)
		}
	}
	return &whole
}

// Or is the filter that lets through what one of them does.
func Or(filters ...*Filter) *Filter {
	var choice or
	for _, f := range filters {
		if f.Empty() {
			return &Filter{}
		}
		choice = append(choice, and(f.all))
	}
	return &Filter{all: []node{choice}}
}

// Equal is the filter for one field with a string value; path is dotted.
func Equal(path, text string) *Filter {
	return &Filter{all: []node{field{path: split(path), tests: []test{&equals{stringValue(text)}}}}}
}

// OneOf is the filter for a field with one of several string values.
func OneOf(path string, list ...string) *Filter {
	want := make([]value, len(list))
	for i, text := range list {
		want[i] = stringValue(text)
	}
	return &Filter{all: []node{field{path: split(path), tests: []test{newIn(want)}}}}
}

// Contains is the filter for texts that contain another, regardless of case, in
// one of the fields; a text that reads as a number or a boolean also finds that.
func Contains(text string, paths ...string) *Filter {
	pattern := regexp.MustCompile("(?i)" + regexp.QuoteMeta(text))
	var choice or
	for _, path := range paths {
		choice = append(choice, field{path: split(path), tests: []test{matches{pattern}}})
		if c := valueOf([]byte(text)).class; text != "" && (c == classNumber || text == "true" || text == "false") {
			choice = append(choice, field{path: split(path), tests: []test{&equals{valueOf([]byte(text))}}})
		}
	}
	return &Filter{all: []node{choice}}
}

// Not is the filter for what another does not let through.
func Not(f *Filter) *Filter { return &Filter{all: []node{not{and(f.all)}}} }

// Mentions returns the first of the names that occurs as a part of any field
// path of the filter, "" when none does: who may not read a field may not ask
// about it either.
func (f *Filter) Mentions(names []string) string {
	if f == nil {
		return ""
	}
	return mentions(f.all, names)
}

func mentions(nodes []node, names []string) string {
	for _, n := range nodes {
		if found := mention(n, names); found != "" {
			return found
		}
	}
	return ""
}

func mention(n node, names []string) string {
	switch n := n.(type) {
	case and:
		return mentions(n, names)
	case or:
		return mentions(n, names)
	case nor:
		return mentions(n, names)
	case not:
		return mention(n.inner, names)
	case field:
		for _, segment := range n.path {
			if slices.Contains(names, segment) {
				return segment
			}
		}
		return inTests(n.tests, names)
	}
	return ""
}

func inTests(tests []test, names []string) string {
	for _, t := range tests {
		found := ""
		switch t := t.(type) {
		case elem:
			found = mention(t.inner, names)
		case elemIs:
			found = inTests(t.tests, names)
		case negated:
			found = inTests(t.tests, names)
		case every:
			found = inTests(t.tests, names)
		}
		if found != "" {
			return found
		}
	}
	return ""
}

// EqualFold is Equal regardless of case.
func EqualFold(path, text string) *Filter {
	pattern := regexp.MustCompile("(?i)^" + regexp.QuoteMeta(text) + "$")
	f := field{path: split(path), tests: []test{matches{pattern}}}
	number := field{path: split(path), tests: []test{&equals{valueOf([]byte(text))}}}
	if c := numberValue(text); c.class == classNumber {
		return &Filter{all: []node{or{f, number}}}
	}
	return &Filter{all: []node{f}}
}

// Absent is the filter for records without a value at a path, or with an empty
// list there.
func Absent(path string) *Filter {
	p := split(path)
	return &Filter{all: []node{or{
		field{path: p, tests: []test{exists{false}}},
		field{path: p, tests: []test{size{0}}},
	}}}
}
