package httpapi

import (
	"encoding/json"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

var errJSON = errors.New("answer is not valid JSON")

// maxNesting is more than any answer needs and keeps the scanner's recursion
// bounded.
const maxNesting = 1000

// parser walks through JSON without building values of it.
type parser struct {
	source []byte
	at     int
	depth  int
}

// next skips white space and returns where the next token begins.
func (p *parser) next() int {
	for p.at < len(p.source) {
		switch p.source[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return p.at
		}
	}
	return p.at
}

func (p *parser) peek() byte {
	if p.next(); p.at < len(p.source) {
		return p.source[p.at]
	}
	return 0
}

func (p *parser) take(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

// end checks that nothing follows.
func (p *parser) end() error {
	if p.next() != len(p.source) {
		return errJSON
	}
	return nil
}

// object calls member for every name, which must consume the value. The name
// is raw: names that matter here contain no escapes.
func (p *parser) object(member func(name []byte) error) error {
	if !p.take('{') {
		return errJSON
	}
	if p.depth++; p.depth > maxNesting {
		return errJSON
	}
	if p.take('}') {
		p.depth--
		return nil
	}
	for {
		start := p.next()
		if err := p.skipString(); err != nil {
			return err
		}
		name := p.source[start+1 : p.at-1]
		if !p.take(':') {
			return errJSON
		}
		if err := member(name); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		if p.take('}') {
			p.depth--
			return nil
		}
		return errJSON
	}
}

func (p *parser) array(element func() error) error {
	if !p.take('[') {
		return errJSON
	}
	if p.depth++; p.depth > maxNesting {
		return errJSON
	}
	if p.take(']') {
		p.depth--
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if p.take(',') {
			continue
		}
		if p.take(']') {
			p.depth--
			return nil
		}
		return errJSON
	}
}

// skip consumes one value of any kind.
func (p *parser) skip() error {
	switch p.peek() {
	case '{':
		return p.object(func([]byte) error { return p.skip() })
	case '[':
		return p.array(p.skip)
	case '"':
		return p.skipString()
	default:
		return p.skipLiteral()
	}
}

func (p *parser) skipLiteral() error {
	start := p.at
	for p.at < len(p.source) {
		switch c := p.source[p.at]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c == '-', c == '+', c == '.', c == 'E':
			p.at++
			continue
		}
		break
	}
	if !json.Valid(p.source[start:p.at]) {
		return errJSON
	}
	return nil
}

func (p *parser) skipString() error {
	if !p.take('"') {
		return errJSON
	}
	for p.at < len(p.source) {
		switch c := p.source[p.at]; {
		case c == '"':
			p.at++
			return nil
		case c == '\\':
			if _, err := p.escape(nil); err != nil {
				return err
			}
		case c < ' ':
			return errJSON
		default:
			p.at++
		}
	}
	return errJSON
}

// appendString consumes a string and appends its text to b.
func (p *parser) appendString(b []byte) ([]byte, error) {
	if !p.take('"') {
		return b, errJSON
	}
	start := p.at
	for p.at < len(p.source) {
		c := p.source[p.at]
		if c != '"' && c != '\\' && c >= ' ' {
			p.at++
			continue
		}
		b = append(b, p.source[start:p.at]...)
		if c == '"' {
			p.at++
			return b, nil
		}
		if c != '\\' {
			return b, errJSON
		}
		var err error
		if b, err = p.escape(b); err != nil {
			return b, err
		}
		start = p.at
	}
	return b, errJSON
}

// escape consumes a backslash and what belongs to it.
func (p *parser) escape(b []byte) ([]byte, error) {
	if p.at+1 >= len(p.source) {
		return b, errJSON
	}
	c := p.source[p.at+1]
	p.at += 2
	switch c {
	case '"', '\\', '/':
		return append(b, c), nil
	case 'b':
		return append(b, '\b'), nil
	case 'f':
		return append(b, '\f'), nil
	case 'n':
		return append(b, '\n'), nil
	case 'r':
		return append(b, '\r'), nil
	case 't':
		return append(b, '\t'), nil
	case 'u':
		return p.unicode(b)
	default:
		return b, errJSON
	}
}

// unicode consumes the four digits after \u, and a low surrogate after a high
// one; half a pair becomes U+FFFD.
func (p *parser) unicode(b []byte) ([]byte, error) {
	r, ok := p.hex(p.at)
	if !ok {
		return b, errJSON
	}
	p.at += 4
	if utf16.IsSurrogate(r) {
		low, ok := rune(0), p.at+1 < len(p.source) && p.source[p.at] == '\\' && p.source[p.at+1] == 'u'
		if ok {
			low, ok = p.hex(p.at + 2)
		}
		if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
			p.at += 6
			return utf8.AppendRune(b, pair), nil
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(b, r), nil
}

func (p *parser) hex(at int) (rune, bool) {
	if at+4 > len(p.source) {
		return 0, false
	}
	var r rune
	for _, c := range p.source[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
