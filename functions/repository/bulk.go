package repository

import (
	"context"
	"encoding/json"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
)

// bulkMax bounds one bulk creation, in rows.
const bulkMax = 500

// bulkBody is a list of rows, with how to read them: mapping renames columns
// (column → field), upsertKey is a field by which existing records are updated.
type bulkBody struct {
	Rows      []json.RawMessage `json:"rows"`
	Mapping   map[string]string `json:"mapping"`
	UpsertKey string            `json:"upsertKey"`
}

// bulkOut is what became of the rows.
type bulkOut struct {
	Total   int          `json:"total"`
	Created int          `json:"created"`
	Updated int          `json:"updated"`
	Failed  int          `json:"failed"`
	Errors  []rowProblem `json:"errors"`
}

// rowProblem is one row that was refused; rows count from 1.
type rowProblem struct {
	Row     int    `json:"row"`
	Message string `json:"message"`
	Reason  string `json:"reason"`
}

// bulkCreate stores rows one by one: what is wrong with one does not touch the
// others.
func (s service) bulkCreate(ctx context.Context, who auth.Principal, in bodyIn) (bulkOut, error) {
	var body bulkBody
	if json.Unmarshal(in.Body, &body.Rows) != nil {
		if err := readJSON(in.Body, &body); err != nil {
			return bulkOut{}, err
		}
	}
	if len(body.Rows) == 0 || len(body.Rows) > bulkMax {
		return bulkOut{}, ErrInput.WithMessage("Send 1 to 500 rows.")
	}
	if _, err := s.records.Tenant(who.Org).Collection(ctx, in.Datatype); err != nil {
		return bulkOut{}, err
	}
	out := bulkOut{Total: len(body.Rows), Errors: []rowProblem{}}
	for i, row := range body.Rows {
		updated, err := s.bulkRow(ctx, who, in.Datatype, body, row)
		f, known := fault.From(err)
		switch {
		case err == nil && updated:
			out.Updated++
		case err == nil:
			out.Created++
		case known:
			out.Failed++
			out.Errors = append(out.Errors, rowProblem{i + 1, f.Message, f.Reason})
		default:
			return out, err
		}
	}
	return out, nil
}

func (s service) bulkRow(ctx context.Context, who auth.Principal, datatype string, body bulkBody, row json.RawMessage) (updated bool, err error) {
	var m model
	if isModel(row) {
		if m, err = readModel(row); err != nil {
			return false, err
		}
	} else {
		m.Data = row
	}
	if m.Data, err = renamed(m.Data, body.Mapping); err != nil {
		return false, err
	}
	if body.UpsertKey != "" {
		id, err := s.existing(ctx, who, datatype, body.UpsertKey, m.Data)
		if err != nil {
			return false, err
		}
		if id != "" {
			_, err := s.as(who).Update(ctx, datatype, id, repository.Revision{Data: m.Data})
			return true, err
		}
	}
	m.Datatype = datatype
	_, err = s.as(who).Add(ctx, m.raw())
	return false, err
}

// existing finds the record with the row's value of the upsert key.
func (s service) existing(ctx context.Context, who auth.Principal, datatype, key string, data json.RawMessage) (id string, err error) {
	path := repository.AttributePath(key)
	value := filter.Get(data, key)
	if value == nil {
		return "", nil
	}
	query, err := json.Marshal(map[string]json.RawMessage{path: value})
	if err != nil {
		return "", err
	}
	page, err := s.as(who).Find(ctx, datatype, repository.Find{Filter: query, Options: repository.ListOptions{PageSize: 1}})
	if err != nil || len(page.Docs) == 0 {
		return "", err
	}
	return filter.Text(page.Docs[0], "sk"), nil
}

func renamed(data json.RawMessage, mapping map[string]string) (json.RawMessage, error) {
	if len(mapping) == 0 {
		return data, nil
	}
	var columns map[string]json.RawMessage
	if err := readJSON(data, &columns); err != nil {
		return nil, err
	}
	fields := make(map[string]json.RawMessage, len(columns))
	for column, value := range columns {
		if field, ok := mapping[column]; ok {
			column = field
		}
		if column != "" {
			fields[column] = value
		}
	}
	return json.Marshal(fields)
}
