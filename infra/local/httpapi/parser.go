package httpapi

import (
	"encoding/json"
	"errors"
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
