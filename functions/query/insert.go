package query

import (
	"context"
	"encoding/json"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
)

type insertOneIn struct {
	subject
	Document json.RawMessage `json:"document" doc:"a payload, or a record with it under data"`
}

type insertOneOut struct {
	Acknowledged bool   `json:"acknowledged"`
	InsertedID   string `json:"insertedId"`
}

func (s service) insertOne(ctx context.Context, who auth.Principal, in insertOneIn) (insertOneOut, error) {
	if err := in.check(who); err != nil {
		return insertOneOut{}, err
	}
	id, err := s.insert(ctx, who, in.Collection, in.Document)
	return insertOneOut{err == nil, id}, err
}

// insert stores one new record.
func (s service) insert(ctx context.Context, who auth.Principal, datatype string, document json.RawMessage) (string, error) {
	unit := s.records.As(who).Unit()
	if err := addInsert(ctx, unit, datatype, document); err != nil {
		return "", err
	}
	docs, err := unit.Commit(ctx)
	if err != nil {
		return "", err
	}
	return filter.Text(docs[0], "sk"), nil
}

func addInsert(ctx context.Context, unit *repository.Unit, datatype string, document json.RawMessage) error {
	if err := object("document", document); err != nil {
		return err
	}
	value, err := decode(document)
	whole, ok := value.(map[string]any)
	if err != nil || !ok {
		return ErrQuery.WithMessage("The document cannot be read.")
	}
	rec, err := recordOf(datatype, whole)
	if err != nil {
		return err
	}
	return unit.Insert(ctx, rec)
}

type insertManyIn struct {
	subject
	Documents []json.RawMessage `json:"documents" doc:"1000 at most"`
	Options   orderOptions      `json:"options"`
}

type orderOptions struct {
	Ordered *bool `json:"ordered" doc:"true unless given: the first problem ends the call"`
}

func (o orderOptions) ordered() bool { return o.Ordered == nil || *o.Ordered }

type insertManyOut struct {
	Acknowledged  bool      `json:"acknowledged"`
	InsertedCount int       `json:"insertedCount"`
	InsertedIDs   []*string `json:"insertedIds" doc:"one per document, null where it was not inserted"`
	WriteErrors   []problem `json:"writeErrors,omitempty"`
}

// insertMany stores records one by one: what is wrong with one undoes no other.
func (s service) insertMany(ctx context.Context, who auth.Principal, in insertManyIn) (insertManyOut, error) {
	if err := in.check(who); err != nil {
		return insertManyOut{}, err
	}
	if len(in.Documents) == 0 {
		return insertManyOut{}, ErrQuery.WithMessage("Invalid query format: must have required property 'documents', a list")
	}
	if len(in.Documents) > recordsMax {
		return insertManyOut{}, ErrManyRecords.WithMessage("One call inserts 1000 documents at most.")
	}
	out := insertManyOut{Acknowledged: true, InsertedIDs: make([]*string, len(in.Documents))}
	var first error
	for i, document := range in.Documents {
		err := ctx.Err()
		var id string
		if err == nil {
			id, err = s.insert(ctx, who, in.Collection, document)
		}
		if err == nil {
			out.InsertedCount++
			out.InsertedIDs[i] = &id
			continue
		}
		p, err2 := notWritten(ctx, i, "", err)
		if err2 != nil {
			return out, err2
		}
		out.WriteErrors = append(out.WriteErrors, p)
		if first == nil {
			first = err
		}
		if in.Options.ordered() {
			break
		}
	}
	if out.InsertedCount == 0 {
		return out, first
	}
	return out, nil
}
