package filter

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"reflect"
	"strconv"

	"github.com/appmint/appengine/shared/record"
)

// class orders values of different types; within a class values compare.
type class uint8

const (
	classNull class = iota // null and missing
	classNumber
	classInstant // a string that is an ISO 8601 date
	classString
	classObject
	classArray
	classBool
)

// value is one JSON value, decoded as far as comparisons need.
type value struct {
	class  class
	text   string // of strings; the canonical form of instants
	number float64
	whole  int64 // of numbers that are exact
	exact  bool
	flag   bool
	raw    []byte // of objects and arrays
}

// valueOf classes raw JSON; nil is null.
func valueOf(raw []byte) value {
	if len(raw) == 0 {
		return value{}
	}
	switch raw[0] {
	case '"':
		text, _ := stringOf(raw)
		return stringValue(text)
	case '{':
		return value{class: classObject, raw: raw}
	case '[':
		return value{class: classArray, raw: raw}
	case 't', 'f':
		return value{class: classBool, flag: raw[0] == 't'}
	case 'n':
		return value{}
	}
	if whole, ok := digits(raw); ok {
		return value{class: classNumber, number: float64(whole), whole: whole, exact: true}
	}
	return numberValue(string(raw))
}

// digits reads a short whole number without allocating.
func digits(raw []byte) (whole int64, ok bool) {
	const safe = 15
	negative := len(raw) > 1 && raw[0] == '-'
	if negative {
		raw = raw[1:]
	}
	if len(raw) > safe {
		return 0, false
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		whole = whole*10 + int64(c-'0')
	}
	if negative {
		whole = -whole
	}
	return whole, len(raw) > 0
}

func numberValue(text string) value {
	whole, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return value{class: classNumber, number: float64(whole), whole: whole, exact: true}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return value{}
	}
	return value{class: classNumber, number: f}
}

func stringValue(text string) value {
	if form, ok := instant(text); ok {
		return value{class: classInstant, text: form}
	}
	return value{class: classString, text: text}
}

// instant returns the canonical form of an ISO 8601 date.
func instant(text string) (string, bool) {
	if len(text) < 10 || len(text) > 40 || text[4] != '-' || text[7] != '-' || text[0] < '0' || text[0] > '9' {
		return "", false
	}
	if isCanonical(text) {
		return text, true
	}
	t, ok := record.ParseTime(text)
	if !ok {
		return "", false
	}
	return t.Format(record.Layout), true
}

// isCanonical recognises record.Layout by its shape, which spares parsing the
// form in which nearly all dates are stored.
func isCanonical(text string) bool {
	const shape = "0000-00-00T00:00:00.000Z"
	if len(text) != len(shape) {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' {
			if text[i] < '0' || text[i] > '9' {
				return false
			}
		} else if text[i] != shape[i] {
			return false
		}
	}
	return true
}

// compare orders two values of any types.
func (v *value) compare(o *value) int {
	if v.class != o.class {
		return cmp.Compare(v.class, o.class)
	}
	switch v.class {
	case classNumber:
		if v.exact && o.exact {
			return cmp.Compare(v.whole, o.whole)
		}
		return cmp.Compare(v.number, o.number)
	case classInstant, classString:
		return cmp.Compare(v.text, o.text)
	case classBool:
		return cmp.Compare(truth(v.flag), truth(o.flag))
	case classObject, classArray:
		return bytes.Compare(v.raw, o.raw)
	case classNull:
	}
	return 0
}

func truth(flag bool) int {
	if flag {
		return 1
	}
	return 0
}

// equal says whether two values are the same; objects regardless of the order
// of their members.
func (v *value) equal(o *value) bool {
	if v.class != o.class {
		return false
	}
	if v.class == classObject || v.class == classArray {
		return bytes.Equal(v.raw, o.raw) || reflect.DeepEqual(plain(v.raw), plain(o.raw))
	}
	return v.compare(o) == 0
}

func plain(raw []byte) any {
	var decoded any
	if json.Unmarshal(raw, &decoded) != nil {
		return nil
	}
	return decoded
}

// keyMax bounds the text part of a Key, in bytes: index attributes are at most
// 1024 bytes long with everything around them.
const keyMax = 256

// Key encodes a raw scalar so that keys sort as the values do: null before
// numbers before dates before other strings before booleans. Long strings are
// cut, so that different values may share a key, but never the reverse. ok is
// false for objects and arrays, which have no key.
func Key(raw []byte) (key string, ok bool) {
	v := valueOf(raw)
	switch v.class {
	case classNull:
		return "0", true
	case classNumber:
		return "1" + sortable(v.number), true
	case classInstant:
		return "2" + v.text, true
	case classString:
		return "3" + clean(v.text), true
	case classBool:
		return "4" + strconv.Itoa(truth(v.flag)), true
	case classObject, classArray:
	}
	return "", false
}

// sortable writes a float in sixteen hex digits that sort as the numbers do.
func sortable(f float64) string {
	if f == 0 {
		f = 0 // negative zero is zero
	}
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], bits)
	return hex.EncodeToString(b[:])
}

// clean cuts a text and replaces control characters, which separate the parts
// of index values.
func clean(text string) string {
	cut := len(text) > keyMax
	if cut {
		text = text[:keyMax]
	}
	b := []byte(text)
	for i, c := range b {
		if c < ' ' {
			b[i] = ' '
		}
	}
	if cut {
		return string(bytes.ToValidUTF8(b, nil))
	}
	return string(b)
}

// Value is a value made ready for comparing it often.
type Value struct{ v value }

// ValueOf reads raw JSON; nil means missing.
func ValueOf(raw []byte) Value { return Value{valueOf(raw)} }

// Compare orders two values as Key does, without cutting.
func (v *Value) Compare(o *Value) int { return v.v.compare(&o.v) }

// Compare orders two raw values, nil meaning missing.
func Compare(a, b []byte) int {
	x, y := valueOf(a), valueOf(b)
	return x.compare(&y)
}
