package eval

import (
	"bytes"
	"encoding/json"
	"iter"

	"github.com/appmint/appengine/shared/table"
)

// members walks an object or array of text that CheckDoc accepted, without
// decoding it. On other text it ends early; it never panics.
type members struct {
	text   []byte
	pos    int
	object bool
}

// walk starts at the container's first member; on a scalar there is none.
func walk(text []byte) members {
	pos := skipSpace(text, 0)
	if pos >= len(text) || text[pos] != '{' && text[pos] != '[' {
		return members{}
	}
	return members{text: text, pos: pos + 1, object: text[pos] == '{'}
}

// next returns the next member: name is the quoted text, nil in an array.
func (m *members) next() (name, value []byte, ok bool) {
	m.pos = skipSpace(m.text, m.pos)
	if m.pos < len(m.text) && m.text[m.pos] == ',' {
		m.pos = skipSpace(m.text, m.pos+1)
	}
	if m.pos >= len(m.text) || m.text[m.pos] == '}' || m.text[m.pos] == ']' {
		return nil, nil, false
	}
	if m.object {
		end := skipValue(m.text, m.pos)
		name = m.text[m.pos:end]
		m.pos = skipSpace(m.text, end)
		if m.pos >= len(m.text) || m.text[m.pos] != ':' {
			return nil, nil, false
		}
		m.pos = skipSpace(m.text, m.pos+1)
	}
	end := skipValue(m.text, m.pos)
	value = m.text[m.pos:end]
	advanced := end > m.pos
	m.pos = end
	return name, value, advanced
}

func skipSpace(text []byte, pos int) int {
	for pos < len(text) && (text[pos] == ' ' || text[pos] == '\n' || text[pos] == '\t' || text[pos] == '\r') {
		pos++
	}
	return pos
}

// skipString returns the position after the string that begins at pos.
func skipString(text []byte, pos int) int {
	for pos++; pos < len(text); pos++ {
		quote := bytes.IndexByte(text[pos:], '"')
		if quote < 0 {
			return len(text)
		}
		slash := bytes.IndexByte(text[pos:pos+quote], '\\')
		if slash < 0 {
			return pos + quote + 1
		}
		pos += slash + 1
	}
	return len(text)
}

// skipValue returns the position after the value that begins at pos.
func skipValue(text []byte, pos int) int {
	if pos >= len(text) {
		return len(text)
	}
	switch text[pos] {
	case '"':
		return skipString(text, pos)
	case '{', '[':
		return skipContainer(text, pos)
	}
	for pos < len(text) {
		switch text[pos] {
		case ',', '}', ']', ':', ' ', '\n', '\t', '\r':
			return pos
		}
		pos++
	}
	return pos
}

func skipContainer(text []byte, pos int) int {
	depth := 0
	for pos < len(text) {
		switch text[pos] {
		case '"':
			pos = skipString(text, pos)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return pos + 1
			}
		}
		pos++
	}
	return len(text)
}

// nameIs compares a quoted member name with a literal name.
func nameIs(quoted []byte, name string) bool {
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	return unquote(quoted) == name
}

// unquote decodes a JSON string; anything else is "".
func unquote(quoted []byte) string {
	if len(quoted) >= 2 && bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return ""
	}
	return text
}

// Lookup returns the JSON text at a path, sharing the document's memory. Of
// members with the same name the last one counts, as in encoding/json.
func Lookup(doc table.Doc, path table.Path) (value []byte, ok bool) {
	value = bytes.TrimSpace(doc)
	for _, name := range path {
		value, ok = member(value, name)
		if !ok {
			return nil, false
		}
	}
	return value, len(value) > 0
}

func member(object []byte, name string) (found []byte, ok bool) {
	m := walk(object)
	if !m.object {
		return nil, false
	}
	for {
		quoted, value, more := m.next()
		if !more {
			return found, ok
		}
		if nameIs(quoted, name) {
			found, ok = value, true
		}
	}
}

// Walk iterates over an object's members or an array's elements (with empty
// names) as raw JSON text; a scalar has none. The text must have passed CheckDoc
// or CheckValue.
func Walk(container []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		m := walk(trim(container))
		for {
			quoted, value, more := m.next()
			if !more || !yield(unquote(quoted), value) {
				return
			}
		}
	}
}

// Unquote decodes a JSON string.
func Unquote(quoted []byte) string { return unquote(quoted) }

// AppendQuoted appends text as a JSON string, escaping only what must be.
func AppendQuoted(to []byte, text string) []byte {
	const hex = "0123456789abcdef"
	to = append(to, '"')
	start := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		to = append(to, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			to = append(to, '\\', c)
		case '\n':
			to = append(to, '\\', 'n')
		case '\t':
			to = append(to, '\\', 't')
		case '\r':
			to = append(to, '\\', 'r')
		default:
			to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(to, text[start:]...), '"')
}
