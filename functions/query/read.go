package query

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// findIn is a filter with how to answer it.
type findIn struct {
	subject
	Filter  json.RawMessage `json:"filter" doc:"a Mongo-style filter; payload fields begin with data."`
	Options findOptions     `json:"options"`
}

type findOptions struct {
	Sort       json.RawMessage `json:"sort" doc:"{field: 1 or -1}; newest changes first unless given"`
	Limit      int             `json:"limit" doc:"50 unless given, 1000 at most"`
	Skip       int             `json:"skip"`
	Projection json.RawMessage `json:"projection" doc:"{path: 1} or {path: 0}"`
	Count      bool            `json:"count" doc:"answers {data, total, hasNext}"`
}

// page is one answer of find with its total.
type page struct {
	Data    json.RawMessage `json:"data"`
	Total   int             `json:"total"`
	HasNext bool            `json:"hasNext"`
}

func (s service) find(ctx context.Context, who auth.Principal, in findIn) (json.RawMessage, error) {
	found, err := s.fetch(ctx, who, in)
	if err != nil {
		return nil, err
	}
	docs, err := projected(in.Options.Projection, found.Docs)
	if err != nil {
		return nil, err
	}
	text, err := list(docs)
	if err != nil || !in.Options.Count {
		return text, err
	}
	return json.Marshal(page{Data: text, Total: found.Total, HasNext: found.More})
}

func (s service) findOne(ctx context.Context, who auth.Principal, in findIn) (json.RawMessage, error) {
	in.Options.Limit, in.Options.Count = 1, false
	text, err := s.find(ctx, who, in)
	if err != nil || string(text) == "[]" {
		return json.RawMessage("null"), err
	}
	return text[1 : len(text)-1], nil
}

// fetch answers the page that a find asks for.
func (s service) fetch(ctx context.Context, who auth.Principal, in findIn) (repository.DocPage, error) {
	if err := in.check(who); err != nil {
		return repository.DocPage{}, err
	}
	order, err := aggregate.ParseOrder(in.Options.Sort)
	if err != nil {
		return repository.DocPage{}, err
	}
	limit := min(in.Options.Limit, repository.PageSizeMax)
	if limit <= 0 {
		limit = repository.PageSizeDefault
	}
	query := repository.Find{Filter: in.Filter, Options: repository.ListOptions{
		PageSize: limit, Skip: max(in.Options.Skip, 0), NoCount: !in.Options.Count,
	}}
	if len(order) > 1 {
		return s.ordered(ctx, who, in.Collection, query, order)
	}
	if len(order) == 1 {
		query.Options.Sort, query.Options.Desc = order[0].Path, order[0].Desc
	}
	return s.records.As(who).Find(ctx, in.Collection, query)
}

// ordered sorts by several fields, which no index does.
func (s service) ordered(ctx context.Context, who auth.Principal, datatype string, query repository.Find, order aggregate.Order) (repository.DocPage, error) {
	if err := askable(datatype, order); err != nil {
		return repository.DocPage{}, err
	}
	docs, err := s.records.As(who).All(ctx, datatype, query)
	if err != nil {
		return repository.DocPage{}, err
	}
	aggregate.Docs(order, docs)
	from := min(query.Options.Skip, len(docs))
	to := min(from+query.Options.PageSize, len(docs))
	return repository.DocPage{Docs: docs[from:to], Total: len(docs), More: to < len(docs)}, nil
}

// askable refuses to sort by secrets.
func askable(datatype string, order aggregate.Order) error {
	for _, f := range order {
		if name := repository.Hidden(datatype, strings.Split(f.Path, ".")...); name != "" {
			return filter.ErrInvalid.WithMessage("The field " + name + " cannot be asked about.")
		}
	}
	return nil
}

// projected cuts documents down to the fields asked for; the id always stays.
func projected(projection json.RawMessage, docs []table.Doc) ([]table.Doc, error) {
	if len(projection) == 0 || string(projection) == "null" || string(projection) == "{}" {
		return docs, nil
	}
	p, err := aggregate.ParseProjection(projection, "sk")
	if err != nil {
		return nil, err
	}
	cut := make([]table.Doc, len(docs))
	for i, doc := range docs {
		text, err := p.Apply(doc)
		if err != nil {
			return nil, err
		}
		cut[i] = text
	}
	return cut, nil
}

type countIn struct {
	subject
	Filter json.RawMessage `json:"filter"`
}

// count is exact.
func (s service) count(ctx context.Context, who auth.Principal, in countIn) (int, error) {
	if err := in.check(who); err != nil {
		return 0, err
	}
	found, err := s.records.As(who).Find(ctx, in.Collection, repository.Find{Filter: in.Filter, Options: repository.ListOptions{PageSize: 1}})
	return found.Total, err
}

type distinctIn struct {
	subject
	Field  string          `json:"field"`
	Key    string          `json:"key" doc:"another name of field"`
	Filter json.RawMessage `json:"filter"`
}

// distinct lists the values of a field, those inside lists one by one, in order.
func (s service) distinct(ctx context.Context, who auth.Principal, in distinctIn) (json.RawMessage, error) {
	if err := in.check(who); err != nil {
		return nil, err
	}
	field := cmp.Or(in.Field, in.Key)
	if field == "" {
		return nil, ErrQuery.WithMessage("Invalid query format: must have required property 'field'")
	}
	if err := askable(in.Collection, aggregate.Order{{Path: field}}); err != nil {
		return nil, err
	}
	docs, err := s.records.As(who).All(ctx, in.Collection, repository.Find{Filter: in.Filter})
	if err != nil {
		return nil, err
	}
	values, err := aggregate.Distinct(field, docs)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(values, func(a, b json.RawMessage) int { return filter.Compare(a, b) })
	return list(values)
}
