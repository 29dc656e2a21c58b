package eval

import "strings"

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

func kindOf(text []byte) kind {
	if len(text) == 0 {
		return kindNull
	}
	switch text[0] {
	case '{':
		return kindObject
	case '[':
		return kindArray
	case '"':
		return kindString
	case 't', 'f':
		return kindBool
	case 'n':
		return kindNull
	}
	return kindNumber
}

// compare orders two numbers by value or two strings by bytes; other pairs have
// no order.
func compare(a, b []byte) (order int, ordered bool) {
	k := kindOf(a)
	if k != kindOf(b) {
		return 0, false
	}
	switch k {
	case kindNumber:
		return CompareNumbers(string(a), string(b)), true
	case kindString:
		return strings.Compare(unquote(a), unquote(b)), true
	default:
		return 0, false
	}
}

// equal compares JSON values of any type: numbers by value, objects without
// regard to order.
func equal(a, b []byte) bool {
	k := kindOf(a)
	if k != kindOf(b) {
		return false
	}
	switch k {
	case kindNull:
		return true
	case kindBool:
		return a[0] == b[0]
	case kindNumber, kindString:
		order, _ := compare(a, b)
		return order == 0
	case kindArray:
		return equalArrays(a, b)
	default:
		return equalObjects(a, b)
	}
}

func equalArrays(a, b []byte) bool {
	x, y := walk(a), walk(b)
	for {
		_, v, moreA := x.next()
		_, w, moreB := y.next()
		if !moreA || !moreB {
			return moreA == moreB
		}
		if !equal(v, w) {
			return false
		}
	}
}

func equalObjects(a, b []byte) bool {
	x, y := entries(a), entries(b)
	if len(x) != len(y) {
		return false
	}
	for name, v := range x {
		w, ok := y[name]
		if !ok || !equal(v, w) {
			return false
		}
	}
	return true
}

func entries(object []byte) map[string][]byte {
	all := make(map[string][]byte)
	m := walk(object)
	for {
		quoted, value, more := m.next()
		if !more {
			return all
		}
		all[unquote(quoted)] = value
	}
}

// Equal says whether two JSON texts are the same value: numbers by value,
// objects without regard to the order of their members. Empty text is null.
func Equal(a, b []byte) bool { return equal(trim(a), trim(b)) }
