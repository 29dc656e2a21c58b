package filter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Parse reads a Mongo-style filter document. Nothing, null and {} match
// everything. What it refuses is an ErrInvalid that says why.
func Parse(text json.RawMessage) (*Filter, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return &Filter{}, nil
	}
	if len(text) > sizeMax {
		return nil, refuse("The filter is larger than %d bytes.", sizeMax)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil {
		return nil, refuse("The filter is not valid JSON.")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse("The filter is followed by something else.")
	}
	object, ok := document.(map[string]any)
	if !ok {
		return nil, refuse("The filter must be a JSON object.")
	}
	var p parser
	all, err := p.document(object, 0)
	if err != nil {
		return nil, err
	}
	return &Filter{all: all}, nil
}

func refuse(format string, args ...any) error {
	return ErrInvalid.WithMessage(fmt.Sprintf(format, args...))
}

// parser counts conditions while it reads.
type parser struct{ nodes int }

func (p *parser) enter(depth int) error {
	p.nodes++
	if depth > depthMax {
		return refuse("The filter is nested deeper than %d levels.", depthMax)
	}
	if p.nodes > nodesMax {
		return refuse("The filter has more than %d conditions.", nodesMax)
	}
	return nil
}

func (p *parser) document(object map[string]any, depth int) ([]node, error) {
	if err := p.enter(depth); err != nil {
		return nil, err
	}
	list := make([]node, 0, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		n, err := p.entry(key, object[key], depth)
		if err != nil {
			return nil, err
		}
		if n != nil {
			list = append(list, n)
		}
	}
	return list, nil
}

func (p *parser) entry(key string, operand any, depth int) (node, error) {
	switch key {
	case "$and", "$or", "$nor":
		return p.logical(key, operand, depth)
	case "$not":
		object, ok := operand.(map[string]any)
		if !ok {
			return nil, refuse("$not needs a filter.")
		}
		inner, err := p.document(object, depth+1)
		return not{and(inner)}, err
	case "$comment":
		return nil, nil //nolint:nilnil // a comment is no condition
	case "$where", "$function", "$accumulator", "$expr":
		return nil, refuse("%s is not allowed: filters cannot execute code.", key)
	}
	if strings.HasPrefix(key, "$") {
		return nil, refuse("%s is not an operator of this filter language.", key)
	}
	path, err := pathOf(key)
	if err != nil {
		return nil, err
	}
	tests, err := p.field(key, operand, depth)
	return field{path: path, tests: tests}, err
}

func pathOf(key string) ([]string, error) {
	path := split(key)
	if len(path) > pathMax {
		return nil, refuse("The field %q has more than %d parts.", key, pathMax)
	}
	for _, segment := range path {
		if segment == "" || strings.HasPrefix(segment, "$") {
			return nil, refuse("%q is not a field.", key)
		}
	}
	return path, nil
}

func (p *parser) logical(key string, operand any, depth int) (node, error) {
	members, ok := operand.([]any)
	if !ok || len(members) == 0 {
		return nil, refuse("%s needs a list of filters.", key)
	}
	list := make([]node, 0, len(members))
	for _, m := range members {
		object, ok := m.(map[string]any)
		if !ok {
			return nil, refuse("%s needs a list of filters.", key)
		}
		inner, err := p.document(object, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, and(inner))
	}
	switch key {
	case "$and":
		return and(list), nil
	case "$or":
		return or(list), nil
	}
	return nor(list), nil
}

// field reads what a field must be: a value, or an object of operators.
func (p *parser) field(name string, operand any, depth int) ([]test, error) {
	object, ok := operand.(map[string]any)
	if !ok || !operators(object) {
		v, err := literal(operand)
		return []test{&equals{v}}, err
	}
	return p.tests(name, object, depth+1)
}

// operators says whether an object is made of operators rather than a value.
func operators(object map[string]any) bool {
	for key := range object {
		if strings.HasPrefix(key, "$") && key != "$date" && key != "$oid" {
			return true
		}
	}
	return false
}

func (p *parser) tests(name string, object map[string]any, depth int) ([]test, error) {
	if err := p.enter(depth); err != nil {
		return nil, err
	}
	var list []test
	for _, op := range slices.Sorted(maps.Keys(object)) {
		if op == "$options" {
			if _, paired := object["$regex"]; !paired {
				return nil, refuse("$options goes with $regex.")
			}
			continue
		}
		t, err := p.test(name, op, object, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

func (p *parser) test(name, op string, object map[string]any, depth int) (test, error) {
	operand := object[op]
	switch op {
	case "$eq", "$ne":
		v, err := literal(operand)
		if op == "$ne" {
			return negated{[]test{&equals{v}}}, err
		}
		return &equals{v}, err
	case "$gt", "$gte", "$lt", "$lte":
		return ordering(op, operand)
	case "$in", "$nin":
		values, err := literals(op, operand)
		if op == "$nin" {
			return negated{[]test{newIn(values)}}, err
		}
		return newIn(values), err
	case "$exists":
		return exists{truthy(operand)}, nil
	case "$regex":
		return regex(operand, object["$options"])
	case "$not":
		return p.negation(name, operand, depth)
	}
	return p.rarer(name, op, operand, depth)
}

func (p *parser) rarer(name, op string, operand any, depth int) (test, error) {
	switch op {
	case "$type":
		return typeTest(operand)
	case "$all":
		return p.allTest(name, operand, depth)
	case "$elemMatch":
		return p.elemTest(name, operand, depth)
	case "$size":
		n, ok := wholeNumber(operand)
		if !ok || n < 0 {
			return nil, refuse("$size needs a number of elements.")
		}
		return size{int(min(n, 1<<30))}, nil
	case "$mod":
		return modTest(operand)
	case "$where", "$function", "$accumulator", "$expr":
		return nil, refuse("%s is not allowed: filters cannot execute code.", op)
	}
	return nil, refuse("%s is not an operator of this filter language (field %s).", op, name)
}

func (p *parser) negation(name string, operand any, depth int) (test, error) {
	object, ok := operand.(map[string]any)
	if !ok || !operators(object) {
		return nil, refuse("$not needs operators, such as {$not: {$gt: 5}}.")
	}
	tests, err := p.tests(name, object, depth+1)
	return negated{tests}, err
}

func (p *parser) allTest(name string, operand any, depth int) (test, error) {
	values, ok := operand.([]any)
	if !ok || len(values) > listMax {
		return nil, refuse("$all needs a list of at most %d values.", listMax)
	}
	list := make([]test, 0, len(values))
	for _, v := range values {
		if object, ok := v.(map[string]any); ok && operators(object) {
			tests, err := p.tests(name, object, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, tests...)
			continue
		}
		want, err := literal(v)
		if err != nil {
			return nil, err
		}
		list = append(list, &equals{want})
	}
	return every{list}, nil
}

func (p *parser) elemTest(name string, operand any, depth int) (test, error) {
	object, ok := operand.(map[string]any)
	if !ok {
		return nil, refuse("$elemMatch needs a filter for the elements.")
	}
	if operators(object) && !logicalOnly(object) {
		tests, err := p.tests(name, object, depth+1)
		return elemIs{tests}, err
	}
	inner, err := p.document(object, depth+1)
	return elem{and(inner)}, err
}

func logicalOnly(object map[string]any) bool {
	for key := range object {
		if strings.HasPrefix(key, "$") && key != "$and" && key != "$or" && key != "$nor" {
			return false
		}
	}
	return true
}

func ordering(op string, operand any) (test, error) {
	v, err := literal(operand)
	if err != nil {
		return nil, err
	}
	if v.class == classObject || v.class == classArray {
		return nil, refuse("%s compares numbers, texts, dates and booleans.", op)
	}
	return &order{op: op, want: v}, nil
}

func regex(operand, options any) (test, error) {
	pattern, ok := operand.(string)
	if !ok || len(pattern) > patternMax {
		return nil, refuse("$regex needs a pattern of at most %d bytes.", patternMax)
	}
	flags := ""
	if options != nil {
		flags, ok = options.(string)
		if !ok || strings.Trim(flags, "ims") != "" {
			return nil, refuse("$options may hold i, m and s.")
		}
	}
	if flags != "" {
		pattern = "(?" + flags + ")" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, refuse("The pattern of $regex is not supported: %s.", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return matches{re}, nil
}
