package httpapi

import (
	"unicode/utf16"
	"unicode/utf8"
)

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
