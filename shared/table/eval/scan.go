package eval

import (
	"fmt"
	"unicode/utf8"

	"github.com/appmint/appengine/shared/table"
)

// CheckDoc says whether every adapter can hold the document: at most
// table.DocMax bytes of a JSON object in UTF-8, nested to table.DepthMax at the
// most, with numbers that DynamoDB can hold. An empty Doc is fine. Malformed
// JSON is a plain error, since it is a mistake of the program.
func CheckDoc(doc table.Doc) error {
	if len(doc) == 0 {
		return nil
	}
	if len(doc) > table.DocMax {
		return table.ErrTooLarge
	}
	if !utf8.Valid(doc) {
		return table.ErrDocument.WithMessage("The record has text that is not UTF-8.")
	}
	s := scanner{text: doc}
	s.space()
	if s.peek() != '{' {
		return fmt.Errorf("document is not a JSON object")
	}
	return s.document()
}

// CheckValue is CheckDoc for any JSON value.
func CheckValue(text []byte) error {
	if !utf8.Valid(text) {
		return table.ErrDocument.WithMessage("The record has text that is not UTF-8.")
	}
	s := scanner{text: text}
	return s.document()
}

// scanner validates JSON without building anything from it.
type scanner struct {
	text []byte
	pos  int
}

func (s *scanner) document() error {
	if err := s.value(0); err != nil {
		return err
	}
	s.space()
	if s.pos != len(s.text) {
		return s.malformed()
	}
	return nil
}

func (s *scanner) malformed() error {
	return fmt.Errorf("document is not JSON at byte %d", s.pos)
}

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) value(depth int) error {
	s.space()
	switch c := s.peek(); c {
	case '{', '[':
		if depth == table.DepthMax {
			return table.ErrDocument.WithMessage("The record is nested too deeply.")
		}
		return s.container(c == '{', depth+1)
	case '"':
		return s.str()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) literal(word string) error {
	if len(s.text)-s.pos < len(word) || string(s.text[s.pos:s.pos+len(word)]) != word {
		return s.malformed()
	}
	s.pos += len(word)
	return nil
}

func (s *scanner) container(object bool, depth int) error {
	closing := byte(']')
	if object {
		closing = '}'
	}
	s.pos++
	s.space()
	if s.peek() == closing {
		s.pos++
		return nil
	}
	for {
		if object {
			if err := s.name(); err != nil {
				return err
			}
		}
		if err := s.value(depth); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
		case closing:
			s.pos++
			return nil
		default:
			return s.malformed()
		}
	}
}

func (s *scanner) name() error {
	s.space()
	if s.peek() != '"' {
		return s.malformed()
	}
	if err := s.str(); err != nil {
		return err
	}
	s.space()
	if s.peek() != ':' {
		return s.malformed()
	}
	s.pos++
	return nil
}

func (s *scanner) str() error {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return nil
		case c < ' ':
			return s.malformed()
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return s.malformed()
}

// escape leaves the position on the last byte of the escape sequence.
func (s *scanner) escape() error {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			s.pos++
			if !isHex(s.peek()) {
				return s.malformed()
			}
		}
		return nil
	}
	return s.malformed()
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) number() error {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.malformed()
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.malformed()
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.malformed()
		}
	}
	if s.pos-start <= table.DigitsMax && !hasExponent(s.text[start:s.pos]) {
		return nil
	}
	return CheckNumber(string(s.text[start:s.pos]))
}

func hasExponent(text []byte) bool {
	for _, c := range text {
		if c == 'e' || c == 'E' {
			return true
		}
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}
