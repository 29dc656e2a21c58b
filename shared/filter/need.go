package filter

import (
	"strings"

	"github.com/appmint/appengine/shared/table"
)

// Need is one condition that every matching document meets: the value at Path
// is one of Keys (equality), or its key lies between From and To, both
// inclusive and empty when open. A planner picks an index by it.
type Need struct {
	Path     string
	Keys     []string
	Texts    []string // of Keys, where they are strings
	From, To string
}

// Needs lists the conditions that a planner can use. The documents that meet
// one are a superset of those that match.
func (f *Filter) Needs() []Need {
	if f == nil {
		return nil
	}
	return needs(nil, f.all)
}

func needs(list []Need, nodes []node) []Need {
	for _, n := range nodes {
		switch n := n.(type) {
		case and:
			list = needs(list, n)
		case or:
			if len(n) == 1 {
				list = needs(list, n)
			}
		case field:
			list = append(list, n.needs()...)
		}
	}
	return list
}

func (n field) needs() []Need {
	path := strings.Join(n.path, ".")
	var list []Need
	span := Need{Path: path}
	for _, t := range n.tests {
		switch t := t.(type) {
		case *equals:
			if need, ok := oneOf(path, []value{t.want}); ok {
				list = append(list, need)
			}
		case *in:
			if need, ok := oneOf(path, t.want); ok {
				list = append(list, need)
			}
		case *order:
			span.narrow(t)
		}
	}
	if span.From != "" || span.To != "" {
		list = append(list, span)
	}
	return list
}

// oneOf makes an equality need; null has none, since it also means missing, and
// objects and arrays have no keys.
func oneOf(path string, want []value) (Need, bool) {
	need := Need{Path: path}
	for _, v := range want {
		key, ok := v.key()
		if !ok {
			return Need{}, false
		}
		need.Keys = append(need.Keys, key)
		if v.class == classString {
			need.Texts = append(need.Texts, v.text)
		}
	}
	return need, len(need.Keys) > 0
}

func (v *value) key() (string, bool) {
	switch v.class {
	case classNumber:
		return "1" + sortable(v.number), true
	case classInstant:
		return "2" + v.text, true
	case classString:
		return "3" + clean(v.text), true
	case classBool:
		if v.flag {
			return "41", true
		}
		return "40", true
	case classNull, classObject, classArray:
	}
	return "", false
}

// narrow takes an ordering of numbers or dates into a span. Both ends stay
// inclusive: the filter itself is still applied.
func (n *Need) narrow(t *order) {
	if t.want.class != classNumber && t.want.class != classInstant {
		return
	}
	key, _ := t.want.key()
	if t.op == "$gt" || t.op == "$gte" {
		if key > n.From {
			n.From = key
		}
		if n.To == "" {
			n.To = key[:1] + "~"
		}
		return
	}
	if n.To == "" || key < n.To {
		n.To = key
	}
	if n.From == "" {
		n.From = key[:1]
	}
}

// Necessary compiles what the table itself can check: a condition that every
// matching document meets, nil when there is none worth sending. Equality is
// all that can be sent, since the table's conditions know neither dates nor
// paths through arrays.
func (f *Filter) Necessary() table.Cond {
	if f == nil {
		return nil
	}
	all := conds(nil, f.all)
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return table.And(all)
}

func conds(list []table.Cond, nodes []node) []table.Cond {
	for _, n := range nodes {
		switch n := n.(type) {
		case and:
			list = conds(list, n)
		case field:
			list = append(list, n.conds()...)
		}
	}
	return list
}

// condDepth is how long a path may be to be sent: "data" is always an object, so
// that a path of two cannot lead through an array.
const condDepth = 2

func (n field) conds() []table.Cond {
	if len(n.path) > condDepth || len(n.path) == condDepth && n.path[0] != "data" {
		return nil
	}
	var list []table.Cond
	for _, t := range n.tests {
		if t, ok := t.(*equals); ok {
			if want, ok := scalar(t.want); ok {
				p := table.Path(n.path)
				list = append(list, table.Or{table.Compare{Path: p, Op: table.Equal, Value: want}, table.Contains{Path: p, Value: want}})
			}
		}
	}
	return list
}

// scalar is an operand as the table compares it: dates are left out, since
// equal dates may be written differently.
func scalar(v value) (any, bool) {
	switch v.class {
	case classNumber:
		if v.exact {
			return v.whole, true
		}
		return v.number, true
	case classString:
		return v.text, v.text != ""
	case classBool:
		return v.flag, true
	case classNull, classInstant, classObject, classArray:
	}
	return nil, false
}
