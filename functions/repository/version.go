package repository

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type historyIn struct {
	listIn
	recordIn
}

func (s service) history(ctx context.Context, who auth.Principal, in historyIn) ([]table.Doc, error) {
	o, err := in.options()
	if err != nil {
		return nil, err
	}
	asked, err := o.checked()
	if err != nil {
		return nil, err
	}
	docs, err := s.as(who).History(ctx, in.Datatype, in.ID, asked.Page*asked.PageSize)
	if err != nil {
		return nil, err
	}
	return docs[min((asked.Page-1)*asked.PageSize, len(docs)):], nil
}

// restoring says which version to restore: by number, by the id of the history
// record, or by a whole history record.
type restoring struct {
	Version        *int64 `json:"version"`
	HistoryID      string `json:"historyId"`
	SK             string `json:"sk"`
	ID             string `json:"id"`
	Datatype       string `json:"datatype"`
	SourceDatatype string `json:"sourceDatatype"`
	SourceID       string `json:"sourceId"`
}

func (r restoring) version() (int64, error) {
	if r.Version != nil {
		return *r.Version, nil
	}
	if i := strings.LastIndex(r.HistoryID, "-v"); i >= 0 {
		if n, err := strconv.ParseInt(r.HistoryID[i+2:], 10, 64); err == nil {
			return n, nil
		}
	}
	return 0, ErrInput.WithMessage("Say which version to restore.")
}

func (s service) restoreVersion(ctx context.Context, who auth.Principal, in updateIn) (table.Doc, error) {
	var r restoring
	if err := readJSON(in.Body, &r); err != nil {
		return nil, err
	}
	version, err := r.version()
	if err != nil {
		return nil, err
	}
	return s.as(who).RestoreVersion(ctx, in.Datatype, in.ID, version)
}

func (s service) restoreVersionBody(ctx context.Context, who auth.Principal, in rawIn) (table.Doc, error) {
	var r restoring
	if err := readJSON(in.Body, &r); err != nil {
		return nil, err
	}
	version, err := r.version()
	if err != nil {
		return nil, err
	}
	datatype, id := first(r.SourceDatatype, r.Datatype), first(r.SourceID, r.ID, r.SK)
	if datatype == "" || id == "" {
		return nil, ErrInput.WithMessage("Say which record to restore.")
	}
	return s.as(who).RestoreVersion(ctx, datatype, id, version)
}

func (s service) restoreTrash(ctx context.Context, who auth.Principal, in idIn) (table.Doc, error) {
	return s.as(who).RestoreTrash(ctx, in.ID)
}

// restored is what a restore of many records answers.
type restored struct {
	Data   []table.Doc `json:"data"`
	Total  int         `json:"total"`
	Errors []problem   `json:"errors,omitempty"`
}

// restoreTrashMany takes ids, or one trash record.
func (s service) restoreTrashMany(ctx context.Context, who auth.Principal, in rawIn) (restored, error) {
	var body struct {
		IDs []string `json:"ids"`
		SK  string   `json:"sk"`
		ID  string   `json:"id"`
	}
	if err := readJSON(in.Body, &body); err != nil {
		return restored{}, err
	}
	if id := first(body.SK, body.ID); id != "" {
		body.IDs = append(body.IDs, id)
	}
	if len(body.IDs) == 0 || len(body.IDs) > removeMax {
		return restored{}, ErrInput.WithMessage("Name the ids of 1 to 500 records.")
	}
	out := restored{Data: []table.Doc{}}
	for _, id := range body.IDs {
		doc, err := s.as(who).RestoreTrash(ctx, id)
		f, known := fault.From(err)
		switch {
		case err == nil:
			out.Data = append(out.Data, doc)
		case known:
			out.Errors = append(out.Errors, problem{id, f.Reason, f.Message})
		default:
			return out, err
		}
	}
	out.Total = len(out.Data)
	return out, nil
}

func (s service) publish(ctx context.Context, who auth.Principal, in recordIn) (table.Doc, error) {
	return s.as(who).Publish(ctx, in.Datatype, in.ID, true)
}

func (s service) publishBody(ctx context.Context, who auth.Principal, in rawIn) (table.Doc, error) {
	r, err := named(in.Body)
	if err != nil {
		return nil, err
	}
	return s.publish(ctx, who, r)
}

func (s service) unpublish(ctx context.Context, who auth.Principal, in recordIn) (table.Doc, error) {
	doc, err := s.as(who).Get(ctx, in.Datatype, in.ID)
	if err != nil {
		return nil, err
	}
	if filter.Text(doc, "state") != string(record.Published) {
		return nil, repository.ErrState.WithMessage("The record is not published.")
	}
	return s.as(who).Publish(ctx, in.Datatype, in.ID, false)
}

func (s service) unpublishBody(ctx context.Context, who auth.Principal, in rawIn) (table.Doc, error) {
	r, err := named(in.Body)
	if err != nil {
		return nil, err
	}
	return s.unpublish(ctx, who, r)
}

// named reads which record a body is about.
func named(body json.RawMessage) (recordIn, error) {
	var t target
	if err := readJSON(body, &t); err != nil {
		return recordIn{}, err
	}
	in := recordIn{Datatype: t.Datatype, ID: first(t.ID, t.SK)}
	if in.Datatype == "" || in.ID == "" {
		return in, ErrInput.WithMessage("Say which record: datatype and id.")
	}
	return in, nil
}
