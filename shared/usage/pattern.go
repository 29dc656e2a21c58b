package usage

import "strings"

// pattern is the path of a price: literal segments, {name} for one segment,
// and {name...} or * at the end for the rest.
type pattern []string

func patternOf(path string) pattern {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

func wild(segment string) bool {
	return strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") || strings.HasPrefix(segment, ":")
}

func rest(segment string) bool {
	return segment == "*" || strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "...}")
}

// matches says whether a path, in segments, is covered.
func (p pattern) matches(path []string) bool {
	for i, segment := range p {
		switch {
		case rest(segment) && i == len(p)-1:
			return len(path) > i
		case i >= len(path):
			return false
		case wild(segment):
		case segment != path[i]:
			return false
		}
	}
	return len(p) == len(path)
}

// weight orders the patterns that match one path: the exact one first, then the
// longest, then the one with more literals.
func (p pattern) weight() int {
	literals, open := 0, 0
	for _, segment := range p {
		switch {
		case rest(segment):
			open = 1
		case !wild(segment):
			literals++
		}
	}
	if literals == len(p) {
		return 1 << 20
	}
	return len(p)<<10 + literals<<1 - open
}
