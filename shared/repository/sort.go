package repository

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// sortPath checks a field to sort by.
func sortPath(text string) ([]string, error) {
	path := strings.Split(text, ".")
	if len(path) > 16 || len(text) > 200 {
		return nil, ErrSort
	}
	for _, segment := range path {
		if segment == "" || strings.HasPrefix(segment, "$") {
			return nil, ErrSort.WithMessage("\"" + text + "\" is not a field to sort by.")
		}
	}
	return path, nil
}

// arrange sorts matches by the sort field, and by id where that is equal, both
// in the same direction; or at random.
func (q *query) arrange(docs []table.Doc) {
	if q.options.Random {
		q.shuffle(docs)
		return
	}
	rows := make([]*row, len(docs))
	for i, doc := range docs {
		rows[i] = &row{doc: doc, key: filter.ValueOf(filter.Get(doc, q.sort...))}
	}
	slices.SortFunc(rows, func(a, b *row) int {
		c := a.key.Compare(&b.key)
		if c == 0 {
			c = strings.Compare(docText(a.doc, "sk"), docText(b.doc, "sk"))
		}
		if q.options.Desc {
			return -c
		}
		return c
	})
	for i, r := range rows {
		docs[i] = r.doc
	}
}

type row struct {
	doc table.Doc
	key filter.Value
}

func (q *query) shuffle(docs []table.Doc) {
	var b [8]byte
	for i := len(docs) - 1; i > 0; i-- {
		q.tenant.repo.o.Random(b[:])
		j := int(binary.BigEndian.Uint64(b[:]) % uint64(i+1)) //nolint:gosec // below len(docs)
		docs[i], docs[j] = docs[j], docs[i]
	}
}
