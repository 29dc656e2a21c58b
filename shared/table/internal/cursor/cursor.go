// Package cursor encodes where a query stopped. A cursor carries a digest of the
// query and of itself, so that one from another query, partition or tenant, or
// a damaged one, is recognised; it is not a secret and grants nothing.
package cursor

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"

	"github.com/appmint/appengine/shared/table"
)

// Position is the last item that a page covered. Value is its index value.
type Position struct {
	Part, Sort, Value string
}

const digestBytes = 12

// Encode returns a URL-safe cursor for the query at that position.
func Encode(q table.Query, p Position) string {
	body := fields(nil, p.Part, p.Sort, p.Value)
	return base64.RawURLEncoding.EncodeToString(append(digest(q, body), body...))
}

// Decode returns the position of a cursor that this query issued; Limit,
// Filter, CountOnly and Consistent may differ. It fails with table.ErrCursor.
func Decode(q table.Query, text string) (Position, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < digestBytes {
		return Position{}, table.ErrCursor
	}
	body := raw[digestBytes:]
	if string(digest(q, body)) != string(raw[:digestBytes]) {
		return Position{}, table.ErrCursor
	}
	var p Position
	for _, field := range []*string{&p.Part, &p.Sort, &p.Value} {
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) { //nolint:gosec // n is at most len(body)
			return Position{}, table.ErrCursor
		}
		*field = string(body[n : n+int(size)]) //nolint:gosec // size is at most len(body)
		body = body[n+int(size):]              //nolint:gosec // size is at most len(body)
		if !utf8.ValidString(*field) {
			return Position{}, table.ErrCursor
		}
	}
	if len(body) > 0 || p.Part == "" || p.Sort == "" {
		return Position{}, table.ErrCursor
	}
	return p, nil
}

func digest(q table.Query, body []byte) []byte {
	direction := ""
	if q.Desc {
		direction = "desc"
	}
	text := fields(make([]byte, 0, 128+len(body)), q.Part, q.Index, q.From, q.To, q.Prefix, direction)
	sum := sha256.Sum256(append(text, body...))
	return append([]byte(nil), sum[:digestBytes]...)
}

// fields appends texts with their lengths, so that they cannot run together.
func fields(to []byte, texts ...string) []byte {
	for _, text := range texts {
		to = binary.AppendUvarint(to, uint64(len(text)))
		to = append(to, text...)
	}
	return to
}
