package eval

import (
	"encoding/json"
	"fmt"

	"github.com/appmint/appengine/shared/table"
)

// Edits says whether the update changes the document at all.
func Edits(m table.Modify) bool {
	return len(m.Set)+len(m.Add)+len(m.Remove) > 0
}

// Apply returns the document after the update's Set, Add and Remove; the input
// is left alone. All of them read the document as it was before. Text that no
// path leads to is copied as it is. The errors are table.ErrPath,
// table.ErrDocument and table.ErrTooLarge.
func Apply(doc table.Doc, m table.Modify) (table.Doc, error) {
	if !Edits(m) {
		return doc, nil
	}
	root := &object{}
	if len(trim(doc)) > 0 {
		root = parseObject(doc)
	}
	for _, a := range m.Set {
		if err := assign(root, doc, a); err != nil {
			return nil, err
		}
	}
	for _, inc := range m.Add {
		if err := increment(root, doc, inc); err != nil {
			return nil, err
		}
	}
	for _, path := range m.Remove {
		root.remove(path)
	}
	result := root.append(make([]byte, 0, len(doc)+64))
	return result, CheckDoc(result)
}

func assign(root *object, doc table.Doc, a table.Assign) error {
	if a.From == nil {
		value, err := Encode(a.Value)
		if err != nil {
			return err
		}
		return root.set(a.Path, value)
	}
	value, ok := Lookup(doc, a.From)
	if !ok {
		root.remove(a.Path)
		return nil
	}
	return root.set(a.Path, value)
}

func increment(root *object, doc table.Doc, inc table.Increment) error {
	current := "0"
	if text, ok := Lookup(doc, inc.Path); ok {
		if kindOf(text) != kindNumber {
			return table.ErrPath.WithMessage(fmt.Sprintf("%s is not a number.", inc.Path))
		}
		current = string(text)
	}
	sum, err := add(current, inc.By)
	if err != nil {
		return err
	}
	return root.set(inc.Path, []byte(sum))
}

// object is one object on the way to a changed path; everything else stays raw.
type object struct {
	members []entry
}

type entry struct {
	name  []byte // quoted
	raw   []byte
	child *object // when set, replaces raw
}

func parseObject(text []byte) *object {
	o := &object{}
	m := walk(text)
	for {
		name, value, more := m.next()
		if !more {
			return o
		}
		o.members = append(o.members, entry{name: name, raw: value})
	}
}

// find returns the position of the last member of that name, -1 if none.
func (o *object) find(name string) int {
	for i := len(o.members) - 1; i >= 0; i-- {
		if nameIs(o.members[i].name, name) {
			return i
		}
	}
	return -1
}

func (o *object) set(path table.Path, value []byte) error {
	i := o.find(path[0])
	if i < 0 {
		name, err := json.Marshal(path[0])
		if err != nil {
			return fmt.Errorf("encode name: %w", err)
		}
		i = len(o.members)
		o.members = append(o.members, entry{name: name, raw: []byte("null")})
	}
	e := &o.members[i]
	if len(path) == 1 {
		e.raw, e.child = value, nil
		return nil
	}
	if e.child == nil {
		switch kindOf(e.raw) {
		case kindObject:
			e.child = parseObject(e.raw)
		case kindNull:
			e.child = &object{}
		default:
			return table.ErrPath.WithMessage(fmt.Sprintf("%s is not an object.", path[0]))
		}
	}
	return e.child.set(path[1:], value)
}

func (o *object) remove(path table.Path) {
	for i := o.find(path[0]); i >= 0; i = o.find(path[0]) {
		if len(path) > 1 {
			o.descend(i, path[1:])
			return
		}
		o.members = append(o.members[:i], o.members[i+1:]...)
	}
}

func (o *object) descend(i int, rest table.Path) {
	e := &o.members[i]
	if e.child == nil {
		if kindOf(e.raw) != kindObject {
			return
		}
		e.child = parseObject(e.raw)
	}
	e.child.remove(rest)
}

func (o *object) append(to []byte) []byte {
	to = append(to, '{')
	for i, e := range o.members {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(append(to, e.name...), ':')
		if e.child != nil {
			to = e.child.append(to)
		} else {
			to = append(to, e.raw...)
		}
	}
	return append(to, '}')
}
