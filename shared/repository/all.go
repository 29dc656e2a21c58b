package repository

import (
	"context"

	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// All returns every record that matches and that the principal may see, in no
// promised order, as long as the query stays within its budget (ErrTooBroad past
// it). Of the options only Sort is read: a further field that is asked about.
func (g Guarded) All(ctx context.Context, datatype string, find Find) ([]table.Doc, error) {
	d, err := g.readable(ctx, datatype)
	if err != nil {
		return nil, err
	}
	if err := g.askable(d, find); err != nil {
		return nil, err
	}
	parsed, err := filter.Parse(find.Filter)
	if err != nil {
		return nil, err
	}
	copies, err := g.copies(ctx, d)
	if err != nil {
		return nil, err
	}
	where := filter.And(parsed, find.Where, copies, g.limit(d))
	if !g.all() {
		where = filter.And(where, g.allowed())
	}
	q, err := newQuery(g.tenant, d, where, ListOptions{})
	if err != nil {
		return nil, err
	}
	docs, err := q.gather(ctx)
	if err != nil {
		return nil, err
	}
	for i, doc := range docs {
		docs[i] = redact(doc)
	}
	return docs, nil
}

// Hidden returns the first of the names that is a secret of the collection and
// may be neither asked about nor written, "" when none is.
func Hidden(datatype string, names ...string) string {
	secrets := secretsOf(datatype)
	for _, name := range names {
		for _, secret := range secrets {
			if name == secret {
				return name
			}
		}
	}
	return ""
}
