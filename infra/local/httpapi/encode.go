package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Bytes that are not UTF-8 become U+FFFD,
// as encoding/json does.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		b = appendEscape(b, c)
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
}

// appendName appends ,"name": where name needs no escaping.
func appendName(b []byte, name string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendMember(b []byte, name, value string) []byte {
	return appendString(appendName(b, name), value)
}

func appendNumber(b []byte, name string, value int64) []byte {
	return strconv.AppendInt(appendName(b, name), value, 10)
}

// appendPairs appends an object; values of the same name are joined by commas.
// The pairs must be sorted by name.
func appendPairs(b []byte, pairs []pair) []byte {
	b = append(b, '{')
	for i := 0; i < len(pairs); {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, pairs[i].name)
		b = append(b, ':')
		b = appendString(b, pairs[i].value)
		name := pairs[i].name
		for i++; i < len(pairs) && pairs[i].name == name; i++ {
			b = b[:len(b)-1]
			b = append(b, ',')
			mark := len(b)
			b = appendString(b, pairs[i].value)
			b = slices.Delete(b, mark, mark+1)
		}
	}
	return append(b, '}')
}

// pair is a header or a query parameter, once for each time it occurs.
type pair struct{ name, value string }

func comparePairs(x, y pair) int { return strings.Compare(x.name, y.name) }

// appendQuery decodes a query string leniently: what cannot be decoded stays
// as it was sent.
func appendQuery(pairs []pair, raw string) []pair {
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, pair{unescape(name), unescape(value)})
	}
	slices.SortStableFunc(pairs, comparePairs)
	return pairs
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}
