package cursor_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/internal/cursor"
)

func positions() *rapid.Generator[cursor.Position] {
	return rapid.Custom(func(t *rapid.T) cursor.Position {
		return cursor.Position{
			Part:  rapid.StringN(1, 20, -1).Draw(t, "part"),
			Sort:  rapid.StringN(1, 20, -1).Draw(t, "sort"),
			Value: rapid.String().Draw(t, "value"),
		}
	})
}

func TestCursorComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := table.Query{Part: rapid.String().Draw(t, "part"), From: rapid.String().Draw(t, "from"), Desc: rapid.Bool().Draw(t, "desc")}
		want := positions().Draw(t, "position")
		text := cursor.Encode(q, want)
		q.Limit, q.Filter = 7, table.And{}
		if got, err := cursor.Decode(q, text); err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
		q.Part += "x"
		if _, err := cursor.Decode(q, text); !errors.Is(err, table.ErrCursor) {
			t.Errorf("another partition took it: %v", err)
		}
	})
}

// FuzzDecode: no text makes it panic, and what it accepts is what Encode writes.
func FuzzDecode(f *testing.F) {
	q := table.Query{Part: "acme#book", Index: table.Ord1}
	f.Add(cursor.Encode(q, cursor.Position{Part: "acme#book", Sort: "book-1", Value: "7"}))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAA")
	f.Add("////")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := cursor.Decode(q, text)
		switch {
		case err == nil && cursor.Encode(q, p) != text:
			t.Errorf("%q is accepted as %+v", text, p)
		case err != nil && !errors.Is(err, table.ErrCursor):
			t.Errorf("%q: got %v, want %v", text, err, table.ErrCursor)
		}
	})
}
