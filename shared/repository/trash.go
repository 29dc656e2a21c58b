package repository

import (
	"context"
	"time"

	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// TrashWindow is how long a deleted record can be brought back.
const TrashWindow = 30 * 24 * time.Hour

// Trashed finds a trash record by its own id, or by the id of the record that it
// holds (the last one deleted, when there are several).
func (t Tenant) Trashed(ctx context.Context, id string) (record.Raw, error) {
	if !validKey(id) {
		return record.Raw{}, table.ErrNotFound
	}
	if rec, err := t.Get(ctx, datatypeTrash, id); err == nil {
		return rec, nil
	}
	page, err := t.Find(ctx, datatypeTrash, Find{
		Where:   filter.Equal("data.item", id),
		Options: ListOptions{PageSize: 1, Sort: "sk", Desc: true},
	})
	if err != nil {
		return record.Raw{}, err
	}
	if len(page.Data) == 0 {
		return record.Raw{}, table.ErrNotFound
	}
	return page.Data[0], nil
}

// Restore brings the record of a trash record back, with its id and state;
// ErrTaken when its name or another unique value is taken meanwhile.
func (x *Tx) Restore(trash record.Raw) {
	rec, err := decode(filter.Get(trash.Data, "data"))
	if err != nil {
		x.failed = err
		return
	}
	x.steps = append(x.steps, &step{action: restore, rec: rec, trash: trash.SK})
}

// History lists the versions of a record, newest first, as they were after each
// write; none for collections that keep no history.
func (t Tenant) History(ctx context.Context, datatype, id string, limit int) ([]table.Doc, error) {
	if !validKey(datatype) || !validKey(id) {
		return nil, table.ErrNotFound
	}
	docs := []table.Doc{}
	cursor := ""
	for {
		page, err := t.table.Query(ctx, table.Query{
			Part: datatypeHistory, Prefix: historyPrefix(datatype, id), Desc: true, Limit: limit, Cursor: cursor, Consistent: true,
		})
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if docText(item.Doc, "sourceId") == id && docText(item.Doc, "sourceDatatype") == datatype && len(docs) < limit {
				docs = append(docs, item.Doc)
			}
		}
		cursor = page.Cursor
		if cursor == "" || len(docs) >= limit {
			return docs, nil
		}
	}
}

// Version returns the copy that history keeps of one version of a record.
func (t Tenant) Version(ctx context.Context, datatype, id string, version int64) (record.Raw, error) {
	if !validKey(datatype) || !validKey(id) {
		return record.Raw{}, table.ErrNotFound
	}
	return t.Get(ctx, datatypeHistory, historyKey(datatype, id, version).Sort)
}
