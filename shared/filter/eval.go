package filter

import (
	"slices"
	"strconv"
	"strings"
)

func split(path string) []string { return strings.Split(path, ".") }

func (n and) match(doc []byte) bool {
	for _, m := range n {
		if !m.match(doc) {
			return false
		}
	}
	return true
}

func (n or) match(doc []byte) bool {
	for _, m := range n {
		if m.match(doc) {
			return true
		}
	}
	return false
}

func (n nor) match(doc []byte) bool { return !or(n).match(doc) }

func (n not) match(doc []byte) bool { return !n.inner.match(doc) }

func (n field) match(doc []byte) bool {
	for _, t := range n.tests {
		if !at(doc, n.path, t) {
			return false
		}
	}
	return true
}

// at applies a test to the value at a path. A path through an array stands for
// the values in all of its elements: the test holds when it does for one of
// them, a negated test when it does for each.
func at(doc []byte, path []string, t test) bool {
	for i, name := range path {
		j := space(doc, 0)
		if j < len(doc) && doc[j] == '[' {
			return through(doc, path[i:], t)
		}
		doc = member(doc, name)
		if doc == nil {
			return t.holds(nil)
		}
	}
	return t.holds(doc)
}

func through(array []byte, path []string, t test) bool {
	if e := index(array, path[0]); e != nil {
		return at(e, path[1:], t)
	}
	found := false
	stopped := elements(array, func(e []byte) bool {
		if len(e) == 0 || e[0] != '{' {
			return false
		}
		found = true
		return at(e, path, t) != t.all()
	})
	switch {
	case !found:
		return t.holds(nil)
	case t.all():
		return !stopped
	}
	return stopped
}

// single is a test of one value.
type single interface{ passes(v *value) bool }

// anyOf says whether a value, or one of its elements when it is an array,
// passes.
func anyOf(raw []byte, t single) bool {
	v := valueOf(raw)
	if t.passes(&v) {
		return true
	}
	return v.class == classArray && elements(raw, func(e []byte) bool {
		inner := valueOf(e)
		return t.passes(&inner)
	})
}

func (t *equals) holds(raw []byte) bool {
	if t.want.class == classString && len(raw) > 0 && raw[0] == '"' {
		return sameText(raw, t.want.text)
	}
	return anyOf(raw, t)
}

func (t *equals) passes(v *value) bool { return t.want.equal(v) }

// sameText compares a raw string with a text, without decoding it when it has no
// escapes.
func sameText(raw []byte, text string) bool {
	if inner := raw[1 : len(raw)-1]; string(inner) == text {
		return true
	}
	if slices.Contains(raw, '\\') {
		decoded, _ := stringOf(raw)
		return decoded == text
	}
	return false
}

func (t *equals) all() bool { return false }

func newIn(want []value) *in {
	t := &in{want: want}
	if len(want) > 8 {
		t.texts = map[string]bool{}
	}
	for _, v := range want {
		if v.class == classString && t.texts != nil {
			t.texts[v.text] = true
		}
	}
	return t
}

func (t *in) holds(raw []byte) bool { return anyOf(raw, t) }

func (t *in) passes(v *value) bool {
	if t.texts != nil && v.class == classString {
		return t.texts[v.text]
	}
	for i := range t.want {
		if t.want[i].equal(v) {
			return true
		}
	}
	return false
}

func (t *in) all() bool { return false }

func (t *order) holds(raw []byte) bool { return raw != nil && anyOf(raw, t) }

func (t *order) passes(v *value) bool {
	if v.class == classInstant && t.want.class == classString {
		// A date may be compared with a text that is none, such as "2026-04".
		v = &value{class: classString, text: v.text}
	}
	return v.class == t.want.class && t.direction(v.compare(&t.want))
}

func (t *order) direction(c int) bool {
	switch t.op {
	case "$gt":
		return c > 0
	case "$gte":
		return c >= 0
	case "$lt":
		return c < 0
	}
	return c <= 0
}

func (t *order) all() bool { return false }

func (t exists) holds(raw []byte) bool { return (raw != nil) == t.want }

func (t exists) all() bool { return !t.want }

func (t matches) holds(raw []byte) bool {
	if raw == nil {
		return false
	}
	if raw[0] == '[' {
		return elements(raw, t.holds)
	}
	text, ok := stringOf(raw)
	return ok && t.re.MatchString(text)
}

func (t matches) all() bool { return false }

func (t typed) holds(raw []byte) bool {
	if raw == nil {
		return false
	}
	if slices.ContainsFunc(t.names, func(name string) bool { return isType(raw, name) }) {
		return true
	}
	return raw[0] == '[' && elements(raw, func(e []byte) bool {
		return slices.ContainsFunc(t.names, func(name string) bool { return isType(e, name) })
	})
}

func (t typed) all() bool { return false }

func isType(raw []byte, name string) bool {
	v := valueOf(raw)
	switch name {
	case "string":
		return v.class == classString || v.class == classInstant
	case "date":
		return v.class == classInstant
	case "number", "double", "decimal":
		return v.class == classNumber
	case "int", "long":
		return v.class == classNumber && v.exact
	case "bool":
		return v.class == classBool
	case "object":
		return v.class == classObject
	case "array":
		return v.class == classArray
	case "null":
		return v.class == classNull
	}
	return false
}

func (t every) holds(raw []byte) bool {
	for _, inner := range t.tests {
		if !inner.holds(raw) {
			return false
		}
	}
	return len(t.tests) > 0
}

func (t every) all() bool { return false }

func (t elem) holds(raw []byte) bool {
	return raw != nil && elements(raw, func(e []byte) bool { return len(e) > 0 && e[0] == '{' && t.inner.match(e) })
}

func (t elem) all() bool { return false }

func (t elemIs) holds(raw []byte) bool {
	return raw != nil && elements(raw, func(e []byte) bool { return every(t).holds(e) })
}

func (t elemIs) all() bool { return false }

func (t size) holds(raw []byte) bool {
	if raw == nil || raw[0] != '[' {
		return false
	}
	n := 0
	elements(raw, func([]byte) bool {
		n++
		return n > t.n
	})
	return n == t.n
}

func (t size) all() bool { return false }

func (t modulo) holds(raw []byte) bool { return anyOf(raw, t) }

func (t modulo) passes(v *value) bool {
	if v.class != classNumber {
		return false
	}
	whole := v.whole
	if !v.exact {
		parsed, err := strconv.ParseInt(strconv.FormatFloat(v.number, 'f', 0, 64), 10, 64)
		if err != nil {
			return false
		}
		whole = parsed
	}
	return whole%t.divisor == t.remainder
}

func (t modulo) all() bool { return false }

func (t negated) holds(raw []byte) bool {
	for _, inner := range t.tests {
		if !inner.holds(raw) {
			return true
		}
	}
	return false
}

func (t negated) all() bool { return true }
