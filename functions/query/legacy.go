package query

import (
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

// queryIn is the older query: several collections joined into flat rows. With a
// collection instead of collections it is a find or an aggregate.
type queryIn struct {
	subject
	Collections json.RawMessage `json:"collections,omitempty" doc:"collection → fields to return, [\"*\"] for all; the first is the root"`
	Links       json.RawMessage `json:"links,omitempty" doc:"linked collection → {its field: \"other.field\"}"`
	Filter      json.RawMessage `json:"filter,omitempty" doc:"collection → filter"`
	Sort        json.RawMessage `json:"sort,omitempty" doc:"collection → {field: 1 or -1}"`
	Pagination  pagination      `json:"pagination"`
	Pipeline    json.RawMessage `json:"pipeline,omitempty"`
	Options     findOptions     `json:"options"`
}

type pagination struct {
	Limit int `json:"limit"`
	Skip  int `json:"skip"`
}

// Limits of the older query.
const (
	collectionsMax = 5
	nestedMax      = 1000 // rows nested in one root row, per collection
)

func (s service) query(ctx context.Context, who auth.Principal, in queryIn) (json.RawMessage, error) {
	switch {
	case in.Collection != "" && len(in.Pipeline) > 0:
		return s.aggregate(ctx, who, aggregateIn{in.subject, in.Pipeline})
	case in.Collection != "" && len(in.Collections) == 0:
		options := in.Options
		if len(in.Sort) > 0 {
			options.Sort = in.Sort
		}
		options.Limit, options.Skip = max(options.Limit, in.Pagination.Limit), max(options.Skip, in.Pagination.Skip)
		return s.find(ctx, who, findIn{in.subject, in.Filter, options})
	case in.OrgID != "" && in.OrgID != who.Org.String():
		return nil, auth.ErrOrgMismatch
	}
	parts, err := in.parts()
	if err != nil {
		return nil, err
	}
	return s.joined(ctx, who, parts, in.Pagination)
}

// part is one collection of the older query.
type part struct {
	name   string
	fields [][2]string // name in the row, path in the record; none for all
	filter json.RawMessage
	order  aggregate.Order
	links  []link
}

// link says that a field equals a field of another collection.
type link struct{ own, other, field string }

func (in queryIn) parts() ([]part, error) {
	members, ok := aggregate.Members(in.Collections)
	if !ok || len(members) == 0 {
		return nil, ErrQuery.WithMessage("Invalid query format: must have required property 'collections', an object")
	}
	if len(members) > collectionsMax {
		return nil, ErrQuery.WithMessage("Invalid query format: .collections must have at most 5 properties")
	}
	var filters, sorts, links map[string]json.RawMessage
	for name, into := range map[string]*map[string]json.RawMessage{"filter": &filters, "sort": &sorts, "links": &links} {
		text := map[string]json.RawMessage{"filter": in.Filter, "sort": in.Sort, "links": in.Links}[name]
		if len(text) > 0 && json.Unmarshal(text, into) != nil {
			return nil, ErrQuery.WithMessage("Invalid query format: ." + name + " must be an object of collections")
		}
		for collection := range *into {
			if !slices.ContainsFunc(members, func(m aggregate.Member) bool { return m.Name == collection }) {
				return nil, ErrQuery.WithMessage("Invalid query format: .collections must have required property '" + collection + "'")
			}
		}
	}
	parts := make([]part, len(members))
	for i, m := range members {
		var err error
		if parts[i], err = newPart(m, filters[m.Name], sorts[m.Name]); err != nil {
			return nil, err
		}
		if i == 0 {
			continue
		}
		if parts[i].links, err = newLinks(m.Name, links[m.Name], parts[:i]); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func newPart(m aggregate.Member, query, sort json.RawMessage) (part, error) {
	p := part{name: m.Name}
	var fields []string
	if json.Unmarshal(m.Value, &fields) != nil || len(fields) == 0 {
		return p, ErrQuery.WithMessage("Invalid query format: .collections." + m.Name + " must be a list of fields")
	}
	if !slices.Contains(fields, "*") {
		for _, f := range fields {
			p.fields = append(p.fields, [2]string{f, repository.AttributePath(f)})
		}
	}
	var err error
	if p.filter, err = resolved(query); err != nil {
		return p, err
	}
	p.order, err = aggregate.ParseOrder(sort)
	for i := range p.order {
		p.order[i].Path = repository.AttributePath(p.order[i].Path)
	}
	return p, err
}

// resolved completes bare fields of a filter to fields of the payload.
func resolved(query json.RawMessage) (json.RawMessage, error) {
	if len(query) == 0 {
		return nil, nil
	}
	if _, err := filter.Parse(query); err != nil {
		return nil, err
	}
	value, err := decode(query)
	if err != nil {
		return nil, filter.ErrInvalid
	}
	return json.Marshal(completed(value))
}

func completed(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	whole := make(map[string]any, len(object))
	for name, operand := range object {
		if !strings.HasPrefix(name, "$") {
			whole[repository.AttributePath(name)] = operand
			continue
		}
		if list, isList := operand.([]any); isList {
			for i := range list {
				list[i] = completed(list[i])
			}
		}
		whole[name] = operand
	}
	return whole
}

// newLinks reads {"field": "other.field"}, where other comes earlier.
func newLinks(name string, text json.RawMessage, earlier []part) ([]link, error) {
	var fields map[string]string
	if json.Unmarshal(text, &fields) != nil || len(fields) == 0 {
		return nil, ErrQuery.WithMessage("Invalid query format: .links must have required property '" + name + "'")
	}
	list := make([]link, 0, len(fields))
	for own, target := range fields {
		other, field, ok := strings.Cut(target, ".")
		if !ok || !slices.ContainsFunc(earlier, func(p part) bool { return p.name == other }) {
			return nil, ErrQuery.WithMessage("Invalid query format: the link " + name + "." + own + " must name a field of an earlier collection")
		}
		list = append(list, link{repository.AttributePath(own), other, repository.AttributePath(field)})
	}
	slices.SortFunc(list, func(a, b link) int { return strings.Compare(a.own, b.own) })
	return list, nil
}

// joined reads the root's page and joins the other collections to it.
func (s service) joined(ctx context.Context, who auth.Principal, parts []part, p pagination) (json.RawMessage, error) {
	root := parts[0]
	size := min(p.Limit, repository.PageSizeMax)
	if size <= 0 {
		size = repository.PageSizeDefault
	}
	query := repository.Find{Filter: root.filter, Options: repository.ListOptions{PageSize: size, Skip: max(p.Skip, 0), NoCount: true}}
	found, err := s.first(ctx, who, root, query)
	if err != nil {
		return nil, err
	}
	rows := make([]flat, len(found))
	for i, doc := range found {
		rows[i] = flat{docs: map[string][]table.Doc{root.name: {doc}}}
	}
	for _, p := range parts[1:] {
		if err := s.join(ctx, who, p, rows); err != nil {
			return nil, err
		}
	}
	texts := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		if texts[i], err = row.encode(parts); err != nil {
			return nil, err
		}
	}
	return list(texts)
}

func (s service) first(ctx context.Context, who auth.Principal, root part, query repository.Find) ([]table.Doc, error) {
	switch len(root.order) {
	case 0:
	case 1:
		query.Options.Sort, query.Options.Desc = root.order[0].Path, root.order[0].Desc
	default:
		found, err := s.ordered(ctx, who, root.name, query, root.order)
		return found.Docs, err
	}
	found, err := s.records.As(who).Find(ctx, root.name, query)
	return found.Docs, err
}
