package pattern

import (
	"errors"
	"strings"
)

// wildcard compiles a pattern in which * stands for any characters, none
// included, and \* and \\ for themselves.
func wildcard(source string) (func(string) bool, error) {
	parts, err := wildcardParts(source)
	if err != nil {
		return nil, err
	}
	return func(s string) bool { return matchParts(parts, s) }, nil
}

// wildcardParts splits at the unescaped stars and removes the escapes.
func wildcardParts(source string) ([]string, error) {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(source); i++ {
		switch source[i] {
		case '\\':
			i++
			if i == len(source) || (source[i] != '*' && source[i] != '\\') {
				return nil, errors.New(`only \* and \\ are escapes`)
			}
			part.WriteByte(source[i])
		case '*':
			if i > 0 && source[i-1] == '*' && part.Len() == 0 {
				return nil, errors.New("two wildcards in a row")
			}
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(source[i])
		}
	}
	return append(parts, part.String()), nil
}

// matchParts takes the first part as a prefix, the last as a suffix and finds
// the others leftmost in between, which is enough without backtracking.
func matchParts(parts []string, s string) bool {
	if len(parts) == 1 {
		return s == parts[0]
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	s, ok = strings.CutSuffix(s, parts[len(parts)-1])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = after
	}
	return true
}
