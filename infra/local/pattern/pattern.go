// Package pattern is EventBridge's event pattern language, as rules, pipes and
// Lambda's event filters use it. A pattern is compiled once and then matched
// against decoded events.
//
// Two points where the language surprises: a value in an array matches when
// any element matches, and fields below one array must be found in the same
// element; and numbers named literally are compared by their text, so that 300
// does not match 300.0, while the numeric operator compares by value.
package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxBytes is the quota for a pattern: 4,096 bytes of compact JSON.
const MaxBytes = 4096

// maxDepth keeps a hostile pattern from exhausting the stack; real ones have
// three or four levels.
const maxDepth = 64

// Pattern is a compiled pattern. It is immutable and safe for concurrent use.
type Pattern struct {
	root object
}

// object is a pattern's object: every field and every $or must be satisfied.
type object struct {
	fields []field
	ors    [][]object
}

// field is one member of a pattern's object, either a leaf or an object.
type field struct {
	name  string
	path  []string // from the root, for exists: false
	leaf  []matcher
	child *object
}

// Compile reads a pattern. The error names the path of the first thing that
// EventBridge would refuse.
func Compile(source []byte) (*Pattern, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, source); err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	if compact.Len() > MaxBytes {
		return nil, fmt.Errorf("pattern: %d bytes, the limit is %d", compact.Len(), MaxBytes)
	}
	value, err := Decode(source)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("pattern: want a JSON object")
	}
	root, err := compileObject(members, nil)
	if err != nil {
		return nil, err
	}
	return &Pattern{root: *root}, nil
}

// Decode reads an event in the form that Match wants: numbers keep their text.
func Decode(source []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(source))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	if decoder.More() {
		return nil, errors.New("decode event: more than one JSON value")
	}
	return value, nil
}

// Match tells whether an event, as Decode returned it, satisfies the pattern.
func (p *Pattern) Match(event any) bool {
	return p.root.match(event, event)
}

// Possible tells whether an event of which only some members are known can
// satisfy the pattern: false is certain, true is not. It spares decoding whole
// events that their first lines rule out.
func (p *Pattern) Possible(known map[string]any) bool {
	for i := range p.root.fields {
		f := &p.root.fields[i]
		if _, ok := known[f.name]; ok && !f.match(known, known) {
			return false
		}
	}
	return true
}

// match finds one object, the value itself or an element of an array, that
// satisfies the whole pattern object.
func (o *object) match(value, event any) bool {
	if list, ok := value.([]any); ok && len(list) > 0 {
		for _, element := range list {
			if o.match(element, event) {
				return true
			}
		}
		return false
	}
	members, ok := value.(map[string]any)
	if !ok {
		members = nil // a missing or primitive value can still satisfy exists: false
	}
	for i := range o.fields {
		if !o.fields[i].match(members, event) {
			return false
		}
	}
	for _, alternatives := range o.ors {
		if !anyObject(alternatives, members, event) {
			return false
		}
	}
	return true
}

func anyObject(alternatives []object, members map[string]any, event any) bool {
	for i := range alternatives {
		if alternatives[i].match(members, event) {
			return true
		}
	}
	return false
}

func (f *field) match(members map[string]any, event any) bool {
	value, present := members[f.name]
	if f.child != nil {
		return f.child.match(value, event)
	}
	for _, m := range f.leaf {
		if m.absent {
			if !exists(event, f.path) {
				return true
			}
			continue
		}
		if present && anyLeaf(value, m.test) {
			return true
		}
	}
	return false
}

// anyLeaf applies a test to a primitive value or to the primitive elements of
// an array, nested or not. Objects have no value of their own.
func anyLeaf(value any, test func(any) bool) bool {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			if anyLeaf(element, test) {
				return true
			}
		}
		return false
	case map[string]any:
		return false
	default:
		return test(v)
	}
}

// exists tells whether a primitive value stands at a path; it looks into every
// element of the arrays on its way.
func exists(value any, path []string) bool {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			if exists(element, path) {
				return true
			}
		}
		return false
	case map[string]any:
		if len(path) == 0 {
			return false
		}
		member, ok := v[path[0]]
		return ok && exists(member, path[1:])
	default:
		return len(path) == 0
	}
}
