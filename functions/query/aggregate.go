package query

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/repository"
)

type aggregateIn struct {
	subject
	Pipeline json.RawMessage `json:"pipeline" doc:"a list of stages; a leading $match uses indexes"`
}

// aggregate runs a pipeline over the records that the caller may see, secrets
// stripped before the first stage.
func (s service) aggregate(ctx context.Context, who auth.Principal, in aggregateIn) (json.RawMessage, error) {
	if err := in.check(who); err != nil {
		return nil, err
	}
	p, err := aggregate.Parse(in.Pipeline)
	if err != nil {
		return nil, err
	}
	docs, err := s.source(ctx, who, in.Collection, p.Head())
	if err != nil {
		return nil, err
	}
	env := aggregate.Env{
		Now: s.now(), Random: s.random,
		Fetch: func(ctx context.Context, datatype string, filter json.RawMessage) ([]json.RawMessage, error) {
			return s.source(ctx, who, datatype, filter)
		},
	}
	var rows []json.RawMessage
	size := 0
	for row, err := range p.Run(ctx, slices.Values(docs), env) {
		if err != nil {
			return nil, err
		}
		text, err := aggregate.Encode(row)
		if err != nil {
			return nil, err
		}
		if size += len(text) + 1; size > resultMax {
			return nil, ErrResult
		}
		rows = append(rows, text)
	}
	return list(rows)
}

// source is every visible record that matches, oldest first.
func (s service) source(ctx context.Context, who auth.Principal, datatype string, filter json.RawMessage) ([]json.RawMessage, error) {
	docs, err := s.records.As(who).All(ctx, datatype, repository.Find{Filter: filter})
	if err != nil {
		return nil, err
	}
	aggregate.Docs(nil, docs)
	texts := make([]json.RawMessage, len(docs))
	for i, doc := range docs {
		texts[i] = json.RawMessage(doc)
	}
	return texts, nil
}
