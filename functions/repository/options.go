package repository

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// The largest pages.
const (
	getMax  = 200
	postMax = repository.PageSizeMax
)

// listIn are the query parameters of lists.
type listIn struct {
	P        int    `query:"p" doc:"page, from 1"`
	PS       int    `query:"ps" doc:"page size, 50 unless given, 200 at most"`
	S        string `query:"s" doc:"field to sort by: modifydate unless given; payload fields begin with data."`
	ST       string `query:"st" doc:"asc or desc"`
	Page     int    `query:"page"`
	PageSize int    `query:"pageSize"`
	Limit    int    `query:"limit"`
	Offset   int    `query:"offset"`
	Sort     string `query:"sort"`
	SortType string `query:"sortType"`
	Count    string `query:"count" doc:"false leaves the total out"`
	State    string `query:"modelState"`
}

func (in listIn) options() (listOptions, error) {
	o := listOptions{
		Page: flexInt(max(in.P, in.Page)), PageSize: flexInt(max(in.PS, in.PageSize, in.Limit)), Skip: flexInt(in.Offset),
		SortType: first(in.ST, in.SortType), max: getMax, noCount: in.Count == "false",
	}
	if in.State != "" {
		o.ModelState = texts{in.State}
	}
	return o, o.sortBy(first(in.S, in.Sort))
}

func first(list ...string) string {
	for _, text := range list {
		if text != "" {
			return text
		}
	}
	return ""
}

// flexInt is a number that some clients write as a text.
type flexInt int

// UnmarshalJSON accepts numbers, numeric texts and null; anything else is zero.
func (n *flexInt) UnmarshalJSON(text []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(text), `" `), 64)
	if err != nil || f < 0 || f > 1<<30 {
		f = 0
	}
	*n = flexInt(f)
	return nil
}

// texts is a text or a list of them.
type texts []string

// UnmarshalJSON accepts both.
func (t *texts) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		if one != "" {
			*t = texts{one}
		}
		return nil
	}
	var many []string
	if json.Unmarshal(text, &many) == nil {
		*t = many
	}
	return nil
}

// listOptions are the DataOptions of a body, or of the query string.
type listOptions struct {
	Page          flexInt         `json:"page"`
	PageSize      flexInt         `json:"pageSize"`
	Limit         flexInt         `json:"limit"`
	Skip          flexInt         `json:"skip"`
	Sort          json.RawMessage `json:"sort"`
	SortType      any             `json:"sortType"`
	ModelState    texts           `json:"modelState"`
	IncludeFields texts           `json:"includeFields"`
	Select        texts           `json:"select"`
	ExcludeFields texts           `json:"excludeFields"`
	MaskFields    texts           `json:"maskFields"`
	Random        bool            `json:"random"`

	max     int
	noCount bool
	sort    string
	desc    *bool
}

// sortBy reads a field, "-field", or {"field": -1}.
func (o *listOptions) sortBy(text string) error {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		d := json.NewDecoder(strings.NewReader(text))
		_, _ = d.Token() // the brace
		name, err := d.Token()
		field, ok := name.(string)
		if err != nil || !ok {
			return repository.ErrSort
		}
		var direction any
		if d.Decode(&direction) == nil {
			down := descending(direction)
			o.desc = &down
		}
		text = field
	}
	if rest, down := strings.CutPrefix(text, "-"); down {
		text, o.desc = rest, &down
	}
	o.sort = text
	return nil
}

// descending reads 1, -1, "asc" and "desc"; nothing means descending.
func descending(direction any) bool {
	switch d := direction.(type) {
	case float64:
		return d < 0
	case string:
		d = strings.ToLower(strings.TrimSpace(d))
		return d != "asc" && d != "ascending" && d != "1"
	}
	return true
}

// checked turns the wire's options into the repository's.
func (o *listOptions) checked() (repository.ListOptions, error) {
	if len(o.Sort) > 0 && string(o.Sort) != "null" {
		var text string
		if json.Unmarshal(o.Sort, &text) != nil {
			text = string(o.Sort)
		}
		if err := o.sortBy(text); err != nil {
			return repository.ListOptions{}, err
		}
	}
	size := int(max(o.PageSize, o.Limit))
	if size <= 0 {
		size = repository.PageSizeDefault
	}
	checked := repository.ListOptions{
		Page: max(int(o.Page), 1), PageSize: min(size, o.max), Skip: int(o.Skip),
		Sort: o.sort, Desc: descending(o.SortType), NoCount: o.noCount, Random: o.Random,
	}
	if o.desc != nil {
		checked.Desc = *o.desc
	}
	for _, s := range o.ModelState {
		checked.States = append(checked.States, record.State(s))
	}
	return checked, nil
}

// listOut is the list DTO.
type listOut struct {
	Data       []table.Doc `json:"data"`
	Total      *int        `json:"total,omitempty"`
	Page       int         `json:"page"`
	PageSize   int         `json:"pageSize"`
	HasNext    bool        `json:"hasNext"`
	TotalPages *int        `json:"totalPages,omitempty"`
	Datatype   string      `json:"datatype"`
	Sort       string      `json:"sort"`
	SortType   string      `json:"sortType"`
}

// AppendJSON implements api.Appender: the records are JSON already.
func (l listOut) AppendJSON(to []byte) ([]byte, error) {
	docs := l.Data
	l.Data = nil
	rest, err := json.Marshal(l)
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller says what was encoded
	}
	size := len(rest)
	for _, doc := range docs {
		size += len(doc) + 1
	}
	to = append(slices.Grow(to, size), `{"data":[`...)
	for i, doc := range docs {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, doc...)
	}
	to = append(to, ']')
	return append(to, bytes.TrimPrefix(rest, []byte(`{"data":null`))...), nil
}

func (o *listOptions) answer(datatype string, asked repository.ListOptions, page repository.DocPage) (listOut, error) {
	out := listOut{
		Data: page.Docs, Page: asked.Page, PageSize: asked.PageSize, HasNext: page.More,
		Datatype: datatype, Sort: first(asked.Sort, "modifydate"), SortType: "asc",
	}
	if asked.Desc || asked.Sort == "" {
		out.SortType = "desc"
	}
	if out.Data == nil {
		out.Data = []table.Doc{}
	}
	if !asked.NoCount && page.Total >= 0 {
		pages := (page.Total + asked.PageSize - 1) / asked.PageSize
		out.Total, out.TotalPages = &page.Total, &pages
	}
	return out, o.project(out.Data)
}

func (o *listOptions) project(docs []table.Doc) error {
	include := append(append([]string{}, o.IncludeFields...), o.Select...)
	if len(include)+len(o.ExcludeFields)+len(o.MaskFields) == 0 {
		return nil
	}
	p := projection{include: include, exclude: o.ExcludeFields, mask: o.MaskFields}
	for i, doc := range docs {
		var err error
		if docs[i], err = p.apply(doc); err != nil {
			return err
		}
	}
	return nil
}

func readJSON(text []byte, into any) error {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return ErrInput.WithMessage("The request body has the wrong shape.")
	}
	return nil
}
