package repository

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// The budget of a question to all collections.
const (
	acrossReadMax = 50_000 // items looked at, about; a collection begun is finished
	acrossWidth   = 8      // collections asked at once
)

// AcrossPage is a page of records of any collections. Skipped are the
// collections that were left out since the question would read too much.
type AcrossPage struct {
	DocPage
	Skipped []string
}

// Across asks every collection that has records and that the principal may read;
// ask returns what to ask one, alternatives of which each is answered by itself;
// none leaves it out. Trash, history and
// published copies are not asked. Of one alternative's matches the first thousand
// in the order of the options are considered.
func (g Guarded) Across(ctx context.Context, ask func(*collection.Definition) []*filter.Filter, o ListOptions) (AcrossPage, error) {
	names, err := g.tenant.inUse(ctx)
	if err != nil {
		return AcrossPage{}, err
	}
	parts := make([]DocPage, len(names))
	skipped := make([]bool, len(names))
	var read atomic.Int64
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(acrossWidth)
	for i, name := range names {
		group.Go(func() error {
			if read.Load() > acrossReadMax {
				skipped[i] = true
				return nil
			}
			var err error
			parts[i], err = g.askOne(inner, name, ask, o)
			read.Add(int64(parts[i].Plan.Read))
			if errors.Is(err, ErrTooBroad) {
				read.Add(readItemsMax)
				skipped[i] = true
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return AcrossPage{}, err
	}
	page := AcrossPage{Skipped: []string{}}
	var docs []table.Doc
	for i, part := range parts {
		docs = append(docs, part.Docs...)
		page.Total += part.Total
		if skipped[i] {
			page.Skipped = append(page.Skipped, names[i])
		}
	}
	q, err := newQuery(g.tenant, &collection.Definition{}, nil, o)
	if err != nil {
		return AcrossPage{}, err
	}
	q.arrange(docs)
	from := min(q.skip, len(docs))
	to := min(from+q.size, len(docs))
	page.Docs, page.More = docs[from:to], to < len(docs)
	return page, nil
}

// askOne asks one collection; what the principal may not read has no matches.
func (g Guarded) askOne(ctx context.Context, name string, ask func(*collection.Definition) []*filter.Filter, o ListOptions) (DocPage, error) {
	d, err := g.readable(ctx, name)
	if f, known := fault.From(err); known && f.Kind != fault.Unavailable {
		return DocPage{}, nil // not for this principal, or dropped meanwhile
	}
	if err != nil {
		return DocPage{}, err
	}
	o.Page, o.Skip, o.PageSize, o.NoCount = 1, 0, PageSizeMax, false
	var all DocPage
	seen := map[string]bool{}
	for _, where := range ask(d) {
		page, err := g.Find(ctx, name, Find{Where: where, Options: o})
		if err != nil {
			return all, err
		}
		all.Total += page.Total
		all.Plan.Read += page.Plan.Read
		for _, doc := range page.Docs {
			if id := docText(doc, "sk"); !seen[id] {
				seen[id] = true
				all.Docs = append(all.Docs, doc)
			} else {
				all.Total--
			}
		}
	}
	return all, nil
}

// inUse lists the collections that have records, sorted, by their counters.
func (t Tenant) inUse(ctx context.Context) ([]string, error) {
	sums := map[string]int{}
	read := table.Query{Part: partCount}
	for {
		page, err := t.table.Query(ctx, read)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			name, _, _ := strings.Cut(item.Sort, "#")
			n, err := strconv.Atoi(string(filter.Get(item.Doc, "n")))
			if err == nil && validKey(name) && !isStore(name) {
				sums[name] += n
			}
		}
		if page.Cursor == "" {
			break
		}
		read.Cursor = page.Cursor
	}
	names := make([]string, 0, len(sums))
	for name, n := range sums {
		if n > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Related lists the records of any collection that refer to a record: that it
// owns, or that hold its id, name or another key of it in a field declared to
// point at its collection.
func (g Guarded) Related(ctx context.Context, datatype, id string, o ListOptions) (AcrossPage, error) {
	d, err := g.readable(ctx, datatype)
	if err != nil {
		return AcrossPage{}, err
	}
	doc, err := g.find(ctx, d, id)
	if err != nil {
		return AcrossPage{}, err
	}
	return g.Across(ctx, func(other *collection.Definition) []*filter.Filter {
		return pointing(other, datatype, doc)
	}, o)
}

// pointing are the conditions under which records of a collection refer to doc:
// each by itself where indexes answer them, and else together, in one scan.
func pointing(other *collection.Definition, datatype string, doc table.Doc) []*filter.Filter {
	choice := []*filter.Filter{filter.Equal("owner.id", docText(doc, "sk"))}
	secret, scan := secretsOf(datatype), false
	for _, ref := range other.References() {
		path := strings.Split(keyPath(ref.Key), ".")
		if ref.Target != datatype || slices.Contains(secret, path[len(path)-1]) {
			continue
		}
		if value := docText(doc, path...); value != "" {
			choice = append(choice, filter.Equal(ref.Path, value))
			scan = scan || !strings.HasPrefix(other.SlotOf(ref.Path), "by")
		}
	}
	if scan {
		return []*filter.Filter{filter.Or(choice...)}
	}
	return choice
}

// keyPath is the field of the target that a reference holds.
func keyPath(key string) string {
	if key == "" {
		return "sk"
	}
	return attributePath(key)
}
