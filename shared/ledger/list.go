package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// ListMax is how many transactions one range may have to be listed.
const ListMax = 20_000

// sortKey puts transactions in the order of their time.
func sortKey(t Transaction) string { return t.CreateDate.Format(record.Layout) + "/" + t.ID }

// Range narrows a list; zero members do not.
type Range struct {
	From, To time.Time // both inclusive
	Type     Type
}

// List returns the transactions of a range, newest first, or ErrTooFar.
func (l Ledger) List(ctx context.Context, r Range) ([]Transaction, error) {
	query := table.Query{Part: entryPart, Desc: true, Consistent: true}
	if !r.From.IsZero() {
		query.From = record.At(r.From).Format(record.Layout)
	}
	if !r.To.IsZero() {
		query.To = record.At(r.To).Format(record.Layout) + "/\U0010ffff"
	}
	if r.Type != "" {
		query.Filter = table.Compare{Path: table.At("type"), Op: table.Equal, Value: string(r.Type)}
	}
	list := []Transaction{}
	for {
		page, err := l.tenant.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("list ledger: %w", err)
		}
		for _, item := range page.Items {
			var t Transaction
			if err := item.Doc.Decode(&t); err != nil {
				return nil, fmt.Errorf("list ledger: %w", err)
			}
			if r.Type == "" || t.Type == r.Type {
				list = append(list, t)
			}
		}
		if len(list) > ListMax {
			return nil, ErrTooFar
		}
		if page.Cursor == "" {
			return list, nil
		}
		query.Cursor = page.Cursor
	}
}
