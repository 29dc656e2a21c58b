package filter

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// The scanner reads single members out of JSON text without decoding the rest.
// It trusts its input to be valid JSON, as everything in storage is; on text
// that is not it stops early and never reads beyond the end.

// Get returns the raw value at a path of object members, nil when there is none
// or when an array lies on the way.
func Get(doc []byte, path ...string) []byte {
	for _, name := range path {
		doc = member(doc, name)
		if doc == nil {
			return nil
		}
	}
	return doc
}

// Text returns the string at a path, "" when there is none.
func Text(doc []byte, path ...string) string {
	text, _ := stringOf(Get(doc, path...))
	return text
}

// member returns the raw value of an object's member, nil without one.
func member(doc []byte, name string) []byte {
	i := space(doc, 0)
	if i >= len(doc) || doc[i] != '{' {
		return nil
	}
	i = space(doc, i+1)
	for i < len(doc) && doc[i] == '"' {
		end := skipString(doc, i)
		key := doc[i:end]
		i = space(doc, end)
		if i >= len(doc) || doc[i] != ':' {
			return nil
		}
		begin := space(doc, i+1)
		end = skip(doc, begin)
		if end == begin {
			return nil
		}
		if isKey(key, name) {
			return doc[begin:end]
		}
		i = next(doc, end)
	}
	return nil
}

// next moves behind a comma to the following element, or to the closing
// bracket.
func next(doc []byte, i int) int {
	i = space(doc, i)
	if i < len(doc) && doc[i] == ',' {
		return space(doc, i+1)
	}
	return i
}

func isKey(key []byte, name string) bool {
	if len(key) < 2 {
		return false
	}
	inner := key[1 : len(key)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner) == name
	}
	text, ok := stringOf(key)
	return ok && text == name
}

// elements calls visit for each element of an array until it returns true, and
// says whether it did.
func elements(doc []byte, visit func([]byte) bool) bool {
	i := space(doc, 0)
	if i >= len(doc) || doc[i] != '[' {
		return false
	}
	i = space(doc, i+1)
	for i < len(doc) && doc[i] != ']' {
		end := skip(doc, i)
		if end == i {
			return false
		}
		if visit(doc[i:end]) {
			return true
		}
		i = next(doc, end)
	}
	return false
}

func space(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// skip returns the index behind the value that begins at i.
func skip(doc []byte, i int) int {
	if i >= len(doc) {
		return i
	}
	switch doc[i] {
	case '"':
		return skipString(doc, i)
	case '{', '[':
		return skipNested(doc, i)
	}
	for i < len(doc) {
		switch doc[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r', ':':
			return i
		}
		i++
	}
	return i
}

func skipString(doc []byte, i int) int {
	i++
	for i < len(doc) {
		at := bytes.IndexByte(doc[i:], '"')
		if at < 0 {
			return len(doc)
		}
		i += at
		slashes := 0
		for doc[i-1-slashes] == '\\' {
			slashes++
		}
		i++
		if slashes%2 == 0 {
			return i
		}
	}
	return len(doc)
}

func skipNested(doc []byte, i int) int {
	depth := 0
	for i < len(doc) {
		switch doc[i] {
		case '"':
			i = skipString(doc, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(doc)
}

// stringOf decodes a raw JSON string.
func stringOf(raw []byte) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), true
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err == nil
}

// index returns the element of an array that a path segment such as "0" names.
func index(doc []byte, segment string) []byte {
	n, err := strconv.Atoi(segment)
	if err != nil || n < 0 {
		return nil
	}
	var found []byte
	elements(doc, func(e []byte) bool {
		if n == 0 {
			found = e
			return true
		}
		n--
		return false
	})
	return found
}
