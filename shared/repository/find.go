package repository

import (
	"context"
	"encoding/json"

	"golang.org/x/sync/errgroup"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// Find is a filter with its options.
type Find struct {
	Filter  json.RawMessage // Mongo-style document; nil means everything
	Options ListOptions
	// Where is ANDed with Filter: a condition made in Go.
	Where *filter.Filter
}

// ListOptions are the DataOptions of the wire, already checked.
type ListOptions struct {
	Page     int    // 1-based; less means 1
	PageSize int    // 1…1000; 0 means 50
	Skip     int    // records to skip, when set instead of Page
	Sort     string // dotted path; "" means modifydate, descending
	Desc     bool
	NoCount  bool
	Random   bool           // a random order instead of Sort
	States   []record.State // one of them, when set
}

// The sizes of a page.
const (
	PageSizeDefault = 50
	PageSizeMax     = 1000
)

// Page is one page of records with the exact total of the filter.
type Page struct {
	Data  []record.Raw
	Total int
	More  bool
	Plan  Plan
}

// DocPage is a Page whose records are left as JSON.
type DocPage struct {
	Docs  []table.Doc
	Total int // -1 when NoCount left it unknown
	More  bool
	Plan  Plan
}

// Plan says how a query was answered.
type Plan struct {
	Access string `json:"access"` // ids, unique, index, order or scan
	Index  string `json:"index,omitempty"`
	Path   string `json:"path,omitempty"` // the field that the index holds
	Read   int    `json:"read"`           // items looked at
}

// The budget of one query.
const (
	readItemsMax = 20_000
	readBytesMax = 32 << 20
)

// Find returns one page of a collection. It fails with collection.ErrUnknown,
// filter.ErrInvalid, ErrSort or ErrTooBroad.
func (t Tenant) Find(ctx context.Context, datatype string, find Find) (Page, error) {
	docs, err := t.FindDocs(ctx, datatype, find)
	if err != nil {
		return Page{}, err
	}
	page := Page{Data: make([]record.Raw, len(docs.Docs)), Total: docs.Total, More: docs.More, Plan: docs.Plan}
	for i, doc := range docs.Docs {
		if page.Data[i], err = decode(doc); err != nil {
			return Page{}, err
		}
	}
	return page, nil
}

// FindDocs is Find without decoding the records.
func (t Tenant) FindDocs(ctx context.Context, datatype string, find Find) (DocPage, error) {
	d, err := t.Collection(ctx, datatype)
	if err != nil {
		return DocPage{}, err
	}
	parsed, err := filter.Parse(find.Filter)
	if err != nil {
		return DocPage{}, err
	}
	q, err := newQuery(t, d, filter.And(parsed, find.Where), find.Options)
	if err != nil {
		return DocPage{}, err
	}
	return q.run(ctx)
}

// query is one Find while it runs.
type query struct {
	tenant  Tenant
	d       *collection.Definition
	filter  *filter.Filter
	options ListOptions
	size    int
	skip    int
	sort    []string
	plan    Plan
	bytes   int
}

func newQuery(t Tenant, d *collection.Definition, f *filter.Filter, o ListOptions) (*query, error) {
	if len(o.States) > 0 {
		names := make([]string, len(o.States))
		for i, s := range o.States {
			names[i] = string(s)
		}
		f = filter.And(f, filter.OneOf("state", names...))
	}
	q := &query{tenant: t, d: d, filter: f, options: o, size: o.PageSize, skip: o.Skip}
	if q.size <= 0 {
		q.size = PageSizeDefault
	}
	q.size = min(q.size, PageSizeMax)
	if q.skip <= 0 && o.Page > 1 {
		q.skip = min(o.Page-1, 1<<30) * q.size
	}
	if q.options.Sort == "" {
		q.options.Sort, q.options.Desc = "modifydate", true
	}
	var err error
	q.sort, err = sortPath(q.options.Sort)
	return q, err
}

// run answers from an ordering index when there is no filter, and by gathering
// all matches otherwise.
func (q *query) run(ctx context.Context) (DocPage, error) {
	slot := q.d.OrderSlotOf(q.options.Sort)
	if q.filter.Empty() && slot != "" && !q.options.Random {
		return q.ordered(ctx, slot)
	}
	return q.gathered(ctx)
}

// ordered reads one page off an ordering index, and the counters meanwhile.
func (q *query) ordered(ctx context.Context, slot string) (DocPage, error) {
	q.plan = Plan{Access: "order", Index: slot, Path: q.options.Sort}
	page := DocPage{Total: -1}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error {
		docs, more, err := q.slice(inner, slot)
		page.Docs, page.More = docs, more
		return err
	})
	if !q.options.NoCount {
		group.Go(func() error {
			total, err := q.tenant.total(inner, q.d.Name)
			page.Total = total
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return DocPage{}, err
	}
	if page.Total >= 0 {
		page.More = q.skip+q.size < page.Total
	}
	page.Plan = q.plan
	return page, nil
}

// slice reads the records from skip to skip+size in the order of an index; more
// says that others follow.
func (q *query) slice(ctx context.Context, slot string) (docs []table.Doc, more bool, err error) {
	want := q.skip + q.size
	if q.options.NoCount {
		want++
	}
	if q.skip > readItemsMax {
		return nil, false, ErrTooBroad.WithMessage("That page is too far from the beginning. Narrow the list by a filter.")
	}
	at, cursor := 0, ""
	for {
		page, err := q.tenant.table.Query(ctx, table.Query{Part: q.d.Name, Index: slot, Desc: q.options.Desc, Limit: want - at, Cursor: cursor})
		if err != nil {
			return nil, false, err
		}
		q.plan.Read += page.Read
		for _, item := range page.Items {
			if !isRecord(item.Doc, q.d.Name) {
				continue
			}
			if at >= q.skip && len(docs) < q.size {
				docs = append(docs, item.Doc)
			}
			at++
		}
		cursor = page.Cursor
		if cursor == "" || at >= want {
			return docs, at > q.skip+q.size || cursor != "" && !q.options.NoCount, nil
		}
	}
}

// gathered finds every match within the budget, sorts them and cuts the page.
func (q *query) gathered(ctx context.Context) (DocPage, error) {
	docs, err := q.gather(ctx)
	if err != nil {
		return DocPage{}, err
	}
	q.arrange(docs)
	page := DocPage{Total: len(docs), Plan: q.plan}
	from := min(q.skip, len(docs))
	to := min(from+q.size, len(docs))
	page.Docs, page.More = docs[from:to], to < len(docs)
	return page, nil
}
