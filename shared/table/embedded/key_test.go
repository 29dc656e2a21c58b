package embedded

import (
	"bytes"
	"cmp"
	"testing"

	"github.com/appmint/appengine/shared/table"
)

// FuzzKeys holds the encoding to its promise: it is injective, reversible, and
// orders keys by partition, then sort, then nothing else.
func FuzzKeys(f *testing.F) {
	f.Add("a", "bc", "ab", "c")
	f.Add("a\x00", "b", "a", "\x00b")
	f.Add("a\x00\x01", "", "a", "\x01")
	f.Add("a\xff", "b", "a\x00\xff", "b")
	f.Fuzz(func(t *testing.T, part, sort, otherPart, otherSort string) {
		a, b := table.Key{Part: part, Sort: sort}, table.Key{Part: otherPart, Sort: otherSort}
		want := cmp.Or(cmp.Compare(a.Part, b.Part), cmp.Compare(a.Sort, b.Sort))
		if got := bytes.Compare(itemKey(a), itemKey(b)); got != want {
			t.Errorf("%q and %q compare as %d, want %d", a, b, got, want)
		}
		if got, err := parseItemKey(itemKey(a)); err != nil || got != a {
			t.Errorf("%q comes back as %q, %v", a, got, err)
		}
		for _, number := range []byte{0, 5} {
			value, key, err := parseIndexKey(indexKey(number, otherPart, a))
			if err != nil || value != otherPart || key != a {
				t.Errorf("index %d of %q: got %q of %q, %v", number, a, value, key, err)
			}
		}
		inside := bytes.HasPrefix([]byte(otherSort), []byte(sort)) && part == otherPart
		start := appendOpen(appendComponent([]byte{spaceItem}, part), sort)
		key := itemKey(b)
		if got := bytes.Compare(key, start) >= 0 && bytes.Compare(key, after(start)) < 0; got != inside {
			t.Errorf("%q under prefix %q: got %v, want %v", b, a, got, inside)
		}
	})
}

// FuzzRow feeds damaged rows and keys to the parsers: an error, never a panic.
func FuzzRow(f *testing.F) {
	f.Add(row{expires: 9, index: []indexed{{1, []byte("x")}}, outbox: []byte("[]"), doc: []byte("{}")}.encode())
	f.Add([]byte{})
	f.Add([]byte{2, 200, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if r, err := parseRow(raw); err == nil {
			again, err := parseRow(r.encode())
			if err != nil || !bytes.Equal(again.doc, r.doc) || again.expires != r.expires || len(again.index) != len(r.index) {
				t.Errorf("%+v comes back as %+v, %v", r, again, err)
			}
		}
		_, _ = parseChange("1", raw)
		_, _, _ = cutComponent(raw)
	})
}
