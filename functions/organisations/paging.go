package organisations

import (
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
)

// pagingIn are the query parameters of every list.
type pagingIn struct {
	Page int    `query:"p" min:"1"`
	Size int    `query:"ps" min:"1" max:"200"`
	Sort string `query:"s" maxLen:"100" doc:"field to sort by"`
	Type string `query:"st" enum:"asc,desc,1,-1"`
}

const pageSize = 50

func (in pagingIn) page() (number, size int) {
	number, size = max(1, in.Page), in.Size
	if size == 0 {
		size = pageSize
	}
	return number, size
}

// descending is the default order.
func (in pagingIn) descending() bool { return in.Type != "asc" && in.Type != "1" }

func (in pagingIn) options() repository.ListOptions {
	number, size := in.page()
	return repository.ListOptions{Page: number, PageSize: size, Sort: in.Sort, Desc: in.Sort == "" || in.descending()}
}

// page is one page of a list, with the exact total.
type page[T any] struct {
	Data       []T  `json:"data"`
	Total      int  `json:"total"`
	Page       int  `json:"page"`
	PageSize   int  `json:"pageSize"`
	HasNext    bool `json:"hasNext"`
	TotalPages int  `json:"totalPages"`
}

func pageOf[T any](in pagingIn, data []T, total int) page[T] {
	number, size := in.page()
	return page[T]{
		Data: data, Total: total, Page: number, PageSize: size,
		HasNext: number*size < total, TotalPages: (total + size - 1) / size,
	}
}

// sliced is the page of a list that is whole.
func sliced[T any](in pagingIn, all []T) page[T] {
	number, size := in.page()
	from := min((number-1)*size, len(all))
	return pageOf(in, all[from:min(from+size, len(all))], len(all))
}

// recordsOf are found records without what never leaves the server.
func recordsOf(found repository.Page) ([]*account.Record, error) {
	list := make([]*account.Record, 0, len(found.Data))
	for _, raw := range found.Data {
		rec, err := record.Typed[account.Fields](raw)
		if err != nil {
			return nil, err
		}
		list = append(list, account.Presented(rec))
	}
	return list, nil
}

// first is the first text that is not blank.
func first(texts ...string) string {
	for _, text := range texts {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return ""
}
