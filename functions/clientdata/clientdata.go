// Package clientdata is the module in which a customer sees and keeps what is
// the customer's own: profile, orders, addresses, tickets, messages,
// notifications and wishlist. Who that is comes from the token alone.
package clientdata

import (
	"context"
	"encoding/json"
	"time"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := service{records: deps.Records, now: deps.Now}
	return app.Module{
		Name:    "clientdata",
		Summary: "What is a customer's own: profile, orders, addresses, tickets, messages, notifications and wishlist.",
		Routes:  s.routes(),
	}
}

type service struct {
	records *repository.Repository
	now     func() time.Time
}

func (s service) as(who auth.Principal) repository.Guarded { return s.records.As(who) }

// listIn are the query parameters of lists.
type listIn struct {
	P  int    `query:"p" doc:"page, from 1"`
	PS int    `query:"ps" doc:"page size, 50 unless given, 200 at most"`
	S  string `query:"s" doc:"field to sort by: modifydate unless given; payload fields begin with data."`
	ST string `query:"st" enum:"asc,desc" doc:"desc unless given"`
}

const pageMax = 200

// listOut is the list DTO.
type listOut struct {
	Data       []table.Doc `json:"data"`
	Total      int         `json:"total"`
	Page       int         `json:"page"`
	PageSize   int         `json:"pageSize"`
	HasNext    bool        `json:"hasNext"`
	TotalPages int         `json:"totalPages"`
	Datatype   string      `json:"datatype"`
}

// list is one page of the customer's own records of a collection, whether or not
// others' are public.
func (s service) list(ctx context.Context, who auth.Principal, datatype string, in listIn, where *filter.Filter) (listOut, error) {
	o := repository.ListOptions{Page: max(in.P, 1), PageSize: in.PS, Sort: in.S, Desc: in.ST != "asc"}
	if o.PageSize <= 0 {
		o.PageSize = repository.PageSizeDefault
	}
	o.PageSize = min(o.PageSize, pageMax)
	page, err := s.as(who).Find(ctx, datatype, repository.Find{Where: filter.And(where, own(who)), Options: o})
	if err != nil {
		return listOut{}, err
	}
	if page.Docs == nil {
		page.Docs = []table.Doc{}
	}
	return listOut{
		Data: page.Docs, Total: page.Total, Page: o.Page, PageSize: o.PageSize, HasNext: page.More,
		TotalPages: (page.Total + o.PageSize - 1) / o.PageSize, Datatype: datatype,
	}, nil
}

// own are the records that the customer owns.
func own(who auth.Principal) *filter.Filter { return filter.Equal("owner.id", who.ID) }

// one is one of the customer's own records.
func (s service) one(ctx context.Context, who auth.Principal, datatype, id string) (table.Doc, error) {
	doc, err := s.as(who).FindAny(ctx, datatype, id)
	if err != nil {
		return nil, err
	}
	if !own(who).Match(doc) {
		return nil, table.ErrNotFound
	}
	return doc, nil
}

// add stores a new record of the customer's own.
func (s service) add(ctx context.Context, who auth.Principal, datatype string, data any) (record.Raw, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return record.Raw{}, err
	}
	tx := s.records.Tenant(who.Org).Begin(who)
	tx.Create(record.Raw{Datatype: datatype, Data: text})
	stored, err := tx.Commit(ctx)
	if err != nil {
		return record.Raw{}, err
	}
	return stored[0], nil
}
