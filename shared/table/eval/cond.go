// Package eval evaluates conditions and updates on the JSON text of a document
// without decoding it: what DynamoDB's expressions do, in Go. The embedded
// engine rests on it, the DynamoDB adapter falls back to it where an expression
// cannot say what is meant, and query planners use it for residual filters.
//
// It walks members by their literal names, compares numbers by value with all of
// their digits, and leaves every byte that an update does not touch as it was.
package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/table"
)

// Program is a condition made ready to be evaluated on many documents. The zero
// Program holds for everything. It is safe for concurrent use.
type Program struct {
	root node
}

// node reports whether a live item with this document satisfies it; exists is
// false for a missing item, whose document is empty.
type node func(doc []byte, exists bool) bool

// Compile prepares a condition; nil is one that always holds. It fails on a
// value that encoding/json cannot encode, a mistake of the program.
func Compile(c table.Cond) (Program, error) {
	if c == nil {
		return Program{}, nil
	}
	root, err := compile(c)
	return Program{root: root}, err
}

// Holds evaluates the condition.
func (p Program) Holds(doc table.Doc, exists bool) bool {
	return p.root == nil || p.root(doc, exists)
}

func compile(c table.Cond) (node, error) {
	switch c := c.(type) {
	case nil:
		return func([]byte, bool) bool { return true }, nil
	case table.ItemExists:
		return func(_ []byte, exists bool) bool { return exists }, nil
	case table.ItemMissing:
		return func(_ []byte, exists bool) bool { return !exists }, nil
	case table.Exists:
		return presence(c.Path, true), nil
	case table.Missing:
		return presence(c.Path, false), nil
	case table.Compare:
		return comparison(c)
	case table.In:
		return membership(c)
	case table.Prefix:
		return prefix(c), nil
	case table.Contains:
		return containment(c)
	case table.And:
		return junction(c, true)
	case table.Or:
		return junction(c, false)
	case table.Not:
		inner, err := compile(c.Cond)
		return func(doc []byte, exists bool) bool { return !inner(doc, exists) }, err
	}
	return nil, fmt.Errorf("unknown condition %T", c)
}

func presence(path table.Path, want bool) node {
	return func(doc []byte, _ bool) bool {
		_, found := Lookup(doc, path)
		return found == want
	}
}

// Encode returns a condition's or update's value as JSON text.
func Encode(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode value: %w", err)
	}
	return text, nil
}

func comparison(c table.Compare) (node, error) {
	want, err := Encode(c.Value)
	if err != nil {
		return nil, err
	}
	var accepts func(order int) bool
	switch c.Op {
	case table.Equal, table.NotEqual:
		wantEqual := c.Op == table.Equal
		return func(doc []byte, _ bool) bool {
			got, found := Lookup(doc, c.Path)
			return (found && equal(got, want)) == wantEqual
		}, nil
	case table.Less:
		accepts = func(order int) bool { return order < 0 }
	case table.LessOrEqual:
		accepts = func(order int) bool { return order <= 0 }
	case table.Greater:
		accepts = func(order int) bool { return order > 0 }
	case table.GreaterOrEqual:
		accepts = func(order int) bool { return order >= 0 }
	default:
		return nil, fmt.Errorf("unknown operator %q", c.Op)
	}
	return func(doc []byte, _ bool) bool {
		got, found := Lookup(doc, c.Path)
		if !found {
			return false
		}
		order, ordered := compare(got, want)
		return ordered && accepts(order)
	}, nil
}

func membership(c table.In) (node, error) {
	wants := make([][]byte, len(c.Values))
	for i, v := range c.Values {
		text, err := Encode(v)
		if err != nil {
			return nil, err
		}
		wants[i] = text
	}
	return func(doc []byte, _ bool) bool {
		got, found := Lookup(doc, c.Path)
		if !found {
			return false
		}
		for _, want := range wants {
			if equal(got, want) {
				return true
			}
		}
		return false
	}, nil
}

func prefix(c table.Prefix) node {
	return func(doc []byte, _ bool) bool {
		got, found := Lookup(doc, c.Path)
		return found && kindOf(got) == kindString && strings.HasPrefix(unquote(got), c.Text)
	}
}

func containment(c table.Contains) (node, error) {
	want, err := Encode(c.Value)
	if err != nil {
		return nil, err
	}
	return func(doc []byte, _ bool) bool {
		got, found := Lookup(doc, c.Path)
		if !found {
			return false
		}
		switch kindOf(got) {
		case kindString:
			return kindOf(want) == kindString && strings.Contains(unquote(got), unquote(want))
		case kindArray:
			return hasElement(got, want)
		default:
			return false
		}
	}, nil
}

func hasElement(array, want []byte) bool {
	m := walk(array)
	for {
		_, value, more := m.next()
		if !more {
			return false
		}
		if equal(value, want) {
			return true
		}
	}
}

// junction is And (all) or Or.
func junction(conds []table.Cond, all bool) (node, error) {
	nodes := make([]node, len(conds))
	for i, c := range conds {
		n, err := compile(c)
		if err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return func(doc []byte, exists bool) bool {
		for _, n := range nodes {
			if n(doc, exists) != all {
				return !all
			}
		}
		return all
	}, nil
}

// trim is for documents that come with space around them.
func trim(doc []byte) []byte { return bytes.TrimSpace(doc) }
