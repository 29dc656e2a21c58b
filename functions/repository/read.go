package repository

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type recordIn struct {
	Datatype string `path:"datatype"`
	ID       string `path:"id"`
}

type idIn struct {
	ID string `path:"id"`
}

func (s service) get(ctx context.Context, who auth.Principal, in recordIn) (table.Doc, error) {
	return s.as(who).Get(ctx, in.Datatype, in.ID)
}

func (s service) getAny(ctx context.Context, who auth.Principal, in idIn) (table.Doc, error) {
	return s.as(who).GetAny(ctx, in.ID)
}

func (s service) findAnyID(ctx context.Context, who auth.Principal, in recordIn) (table.Doc, error) {
	return s.as(who).FindAny(ctx, in.Datatype, in.ID)
}

// pageIn is a list with an optional filter in the query string.
type pageIn struct {
	listIn
	Datatype string `path:"datatype"`
	Query    string `query:"query" doc:"a filter, as JSON"`
}

func (s service) list(ctx context.Context, who auth.Principal, in pageIn) (listOut, error) {
	o, err := in.options()
	if err != nil {
		return listOut{}, err
	}
	return s.page(ctx, who, in.Datatype, repository.Find{Filter: json.RawMessage(in.Query)}, &o)
}

// page runs one list, whatever route asked for it.
func (s service) page(ctx context.Context, who auth.Principal, datatype string, find repository.Find, o *listOptions) (listOut, error) {
	var err error
	if find.Options, err = o.checked(); err != nil {
		return listOut{}, err
	}
	page, err := s.as(who).Find(ctx, datatype, find)
	if err != nil {
		return listOut{}, err
	}
	return o.answer(datatype, find.Options, page)
}

type bodyIn struct {
	Datatype string          `path:"datatype"`
	Body     json.RawMessage `body:"json"`
}

// findBody are the two keys that find reads.
type findBody struct {
	Query   json.RawMessage `json:"query"`
	Options listOptions     `json:"options"`
}

func (s service) find(ctx context.Context, who auth.Principal, in bodyIn) (listOut, error) {
	var body findBody
	if err := readJSON(in.Body, &body); err != nil {
		return listOut{}, err
	}
	body.Options.max = postMax
	return s.page(ctx, who, in.Datatype, repository.Find{Filter: body.Query}, &body.Options)
}

type attributeIn struct {
	listIn
	Datatype  string `path:"datatype"`
	Attribute string `path:"attribute"`
	Value     string `path:"attrValue"`
}

// findByAttribute matches loosely; among few matches the exact ones come first.
func (s service) findByAttribute(ctx context.Context, who auth.Principal, in attributeIn) (listOut, error) {
	o, err := in.options()
	if err != nil {
		return listOut{}, err
	}
	asked, err := o.checked()
	if err != nil {
		return listOut{}, err
	}
	path := repository.AttributePath(in.Attribute)
	find := repository.Find{Where: filter.Contains(in.Value, path), Options: asked}
	find.Options.Page, find.Options.PageSize, find.Options.Skip = 1, repository.PageSizeMax, 0
	page, err := s.as(who).Find(ctx, in.Datatype, find)
	if err != nil {
		return listOut{}, err
	}
	if page.More {
		find.Options = asked
		if page, err = s.as(who).Find(ctx, in.Datatype, find); err != nil {
			return listOut{}, err
		}
		return o.answer(in.Datatype, asked, page)
	}
	exact := filter.EqualFold(path, in.Value)
	slices.SortStableFunc(page.Docs, func(a, b table.Doc) int { return rank(exact, a) - rank(exact, b) })
	from := asked.Skip
	if from == 0 {
		from = (asked.Page - 1) * asked.PageSize
	}
	from = min(from, len(page.Docs))
	to := min(from+asked.PageSize, len(page.Docs))
	page.Docs, page.More = page.Docs[from:to], to < page.Total
	return o.answer(in.Datatype, asked, page)
}

func rank(exact *filter.Filter, doc table.Doc) int {
	if exact.Match(doc) {
		return 0
	}
	return 1
}

type searchIn struct {
	listIn
	Datatype string `path:"datatype"`
	Keyword  string `query:"keyword"`
}

func (s service) searchGet(ctx context.Context, who auth.Principal, in searchIn) (listOut, error) {
	o, err := in.options()
	if err != nil {
		return listOut{}, err
	}
	o.max = postMax
	return s.search(ctx, who, in.Datatype, in.Keyword, nil, &o)
}

// searchBody is flat, or has options of its own.
type searchBody struct {
	listOptions
	Keyword string          `json:"keyword"`
	Query   json.RawMessage `json:"query"`
	Options *listOptions    `json:"options"`
}

func (s service) searchPost(ctx context.Context, who auth.Principal, in bodyIn) (listOut, error) {
	var body searchBody
	if err := readJSON(in.Body, &body); err != nil {
		return listOut{}, err
	}
	options := &body.listOptions
	if body.Options != nil {
		options = body.Options
	}
	options.max = postMax
	var text string
	if json.Unmarshal(body.Query, &text) == nil && text != "" {
		body.Keyword, body.Query = first(body.Keyword, text), nil
	}
	return s.search(ctx, who, in.Datatype, body.Keyword, body.Query, options)
}

func (s service) search(ctx context.Context, who auth.Principal, datatype, keyword string, query json.RawMessage, o *listOptions) (listOut, error) {
	d, err := s.records.Tenant(who.Org).Collection(ctx, datatype)
	if err != nil {
		return listOut{}, err
	}
	return s.page(ctx, who, datatype, repository.Find{Filter: query, Where: holding(d, keyword)}, o)
}

// holding is the condition of containing every word of a keyword.
func holding(d *collection.Definition, keyword string) *filter.Filter {
	var where *filter.Filter
	for word := range strings.FieldsSeq(keyword) {
		where = filter.And(where, filter.Contains(word, searched(d)...))
	}
	return where
}

// searched are the fields that a keyword is looked for in.
func searched(d *collection.Definition) []string {
	return append([]string{
		"name", "data.name", "data.title", "data.description", "data.email", "data.username", "data.firstName",
		"data.lastName", "data.phone", "data.sku", "data.number", "data.code", "data.subject", "data.summary",
		"data.content", "data.text", "data.keywords", "data.tags",
	}, d.Search...)
}

type uniqueIn struct {
	Datatype string `path:"datatype"`
	Field    string `path:"field"`
	Value    string `path:"value"`
	Except   string `query:"id" doc:"a record that does not count"`
	Filter   string `query:"filter" doc:"narrows the records, as JSON"`
}

func (s service) isUnique(ctx context.Context, who auth.Principal, in uniqueIn) (bool, error) {
	return s.as(who).IsUnique(ctx, in.Datatype, in.Field, in.Value, repository.Find{Filter: json.RawMessage(in.Filter)}, in.Except)
}

type uniqueForIn struct {
	uniqueIn
	ID string `path:"id"`
}

func (s service) isUniqueFor(ctx context.Context, who auth.Principal, in uniqueForIn) (bool, error) {
	in.Except = in.ID
	return s.isUnique(ctx, who, in.uniqueIn)
}

type collectionsIn struct {
	Schema string `query:"schema" doc:"false leaves the schemas out"`
}

// collections lists the org's own definitions and then the built-in ones.
func (s service) collections(ctx context.Context, who auth.Principal, in collectionsIn) (listOut, error) {
	own, err := s.as(who).Find(ctx, "collection", repository.Find{Options: repository.ListOptions{PageSize: repository.PageSizeMax}})
	if err != nil {
		return listOut{}, err
	}
	docs := own.Docs
	for _, name := range collection.BuiltinNames() {
		if doc, ok := collection.BuiltinRecord(name, in.Schema != "false"); ok {
			docs = append(docs, doc)
		}
	}
	total, pages := len(docs), 1
	return listOut{
		Data: docs, Total: &total, Page: 1, PageSize: total, TotalPages: &pages,
		Datatype: "collection", Sort: "name", SortType: "asc",
	}, nil
}

type nameIn struct {
	Name string `path:"name"`
}

func (s service) collection(ctx context.Context, who auth.Principal, in nameIn) (table.Doc, error) {
	return s.as(who).Get(ctx, "collection", in.Name)
}
