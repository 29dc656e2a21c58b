package usage

import (
	"context"
	"encoding/json"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	metering "github.com/appmint/appengine/shared/usage"
)

var errDate = fault.New(fault.Invalid, "invalid_date", "That is not a date. Dates look like 2026-04-10 or 2026-04-10T08:20:11Z.")

// between reads a range; it begins with the month and ends now unless given. A
// date without time ends with its day.
func (s *service) between(fromText, toText string) (from, to time.Time, err error) {
	now := s.deps.Now().UTC()
	from, _ = metering.MonthOf(now)
	to = now.Add(time.Second)
	if fromText != "" {
		at, ok := record.ParseTime(fromText)
		if !ok {
			return from, to, errDate
		}
		from = at.Time
	}
	if toText != "" {
		at, ok := record.ParseTime(toText)
		if !ok {
			return from, to, errDate
		}
		to = at.Time
		if len(toText) == len(time.DateOnly) {
			to = to.Add(24*time.Hour - time.Millisecond)
		}
	}
	return from, to, nil
}

type statsIn struct {
	From    string `query:"from" doc:"ISO date; the month's first day unless given"`
	To      string `query:"to" doc:"ISO date; now unless given"`
	GroupBy string `query:"groupBy" enum:"day,feature,route,user"`
}

type totals struct {
	Requests   int64           `json:"requests"`
	Failed     int64           `json:"failed"`
	BytesIn    int64           `json:"bytesIn"`
	BytesOut   int64           `json:"bytesOut"`
	TokenCost  metering.Tokens `json:"tokenCost"`
	DollarCost metering.Micros `json:"dollarCost"`
}

// group is one line of a grouping; exactly one of its names is set.
type group struct {
	Date       string          `json:"date,omitempty"`
	Feature    string          `json:"feature,omitempty"`
	Route      string          `json:"route,omitempty"`
	User       string          `json:"user,omitempty"`
	Requests   int64           `json:"requests"`
	Failed     int64           `json:"failed"`
	TokenCost  metering.Tokens `json:"tokenCost"`
	DollarCost metering.Micros `json:"dollarCost"`
}

type stats struct {
	From      record.Time `json:"from"`
	To        record.Time `json:"to"`
	Totals    totals      `json:"totals"`
	ByFeature []group     `json:"byFeature"`
	ByDay     []group     `json:"byDay"`
	ByRoute   []group     `json:"byRoute,omitempty"`
	ByUser    []group     `json:"byUser,omitempty"`
}

func groups(lines []metering.Line, name func(*group, string)) []group {
	list := make([]group, len(lines))
	for i, l := range lines {
		list[i] = group{Requests: l.Calls, Failed: l.Failed, TokenCost: metering.Tokens(l.Cost), DollarCost: l.Cost}
		name(&list[i], l.Name)
	}
	return list
}

// stats sums up the calls that are over; the one that asks is not among them.
func (s *service) stats(ctx context.Context, who auth.Principal, in statsIn) (stats, error) {
	from, to, err := s.between(in.From, in.To)
	if err != nil {
		return stats{}, err
	}
	reports := metering.ReportsOf(table.Of(s.deps.Table, who.Org))
	report, err := reports.Report(ctx, from, to)
	if err != nil {
		return stats{}, err
	}
	t := report.Totals
	out := stats{
		From: record.At(from), To: record.At(to),
		Totals: totals{
			Requests: t.Calls, Failed: t.Failed, BytesIn: t.BytesIn, BytesOut: t.BytesOut,
			TokenCost: metering.Tokens(t.Cost), DollarCost: t.Cost,
		},
		ByFeature: groups(report.Features, func(g *group, name string) { g.Feature = name }),
		ByDay:     groups(report.Days, func(g *group, name string) { g.Date = name }),
	}
	switch in.GroupBy {
	case "route":
		lines, err := reports.ByRoute(ctx, from, to)
		out.ByRoute = groups(lines, func(g *group, name string) { g.Route = name })
		return out, err
	case "user":
		lines, err := reports.ByUser(ctx, from, to)
		out.ByUser = groups(lines, func(g *group, name string) { g.User = name })
		return out, err
	}
	return out, nil
}

type historyIn struct {
	Type string `query:"type"`
	From string `query:"from" doc:"ISO date; the month's first day unless given"`
	To   string `query:"to" doc:"ISO date; now unless given"`
	Page int    `query:"p" min:"1"`
	Size int    `query:"ps" min:"1" max:"200"`
}

type historyTypeIn struct {
	Type string `path:"type"`
	From string `query:"from" doc:"ISO date; the month's first day unless given"`
	To   string `query:"to" doc:"ISO date; now unless given"`
	Page int    `query:"p" min:"1"`
	Size int    `query:"ps" min:"1" max:"200"`
}

type historyPage struct {
	Data       []json.RawMessage `json:"data"`
	Total      int               `json:"total"`
	Page       int               `json:"page"`
	PageSize   int               `json:"pageSize"`
	HasNext    bool              `json:"hasNext"`
	TotalPages int               `json:"totalPages"`
}

func (s *service) historyOf(ctx context.Context, who auth.Principal, in historyTypeIn) (historyPage, error) {
	return s.history(ctx, who, historyIn(in))
}

func (s *service) history(ctx context.Context, who auth.Principal, in historyIn) (historyPage, error) {
	from, to, err := s.between(in.From, in.To)
	if err != nil {
		return historyPage{}, err
	}
	page, size := max(1, in.Page), in.Size
	if size == 0 {
		size = 50
	}
	found, err := metering.ReportsOf(table.Of(s.deps.Table, who.Org)).History(ctx, in.Type, from, to, page, size)
	if err != nil {
		return historyPage{}, err
	}
	out := historyPage{
		Data: make([]json.RawMessage, len(found.Entries)), Total: found.Total, Page: page, PageSize: size,
		HasNext: page*size < found.Total, TotalPages: (found.Total + size - 1) / size,
	}
	for i, doc := range found.Entries {
		out.Data[i] = json.RawMessage(doc)
	}
	return out, nil
}
