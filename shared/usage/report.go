package usage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/table"
)

// Bounds of reports.
const (
	// RangeMax is the longest range of a report.
	RangeMax = 400 * 24 * time.Hour
	// HistoryMax is how far into the history pages reach.
	HistoryMax  = 10_000
	reportPages = 50
)

// The faults of reports.
var (
	// ErrRange refuses a range that ends before it begins or is too long.
	ErrRange = fault.New(fault.Invalid, "invalid_range", "The range must end after it begins and span 400 days at the most.")
	// ErrTooFar refuses a page beyond HistoryMax entries.
	ErrTooFar = fault.New(fault.Invalid, "page_too_far", "Only the newest 10,000 entries of a range can be paged through. Please choose a shorter range.")
)

// Line is one group of a report.
type Line struct {
	Name     string // the day, feature, route or user; "" for the totals
	Calls    int64
	Failed   int64
	BytesIn  int64
	BytesOut int64
	Cost     Micros
}

func (l *Line) add(counts map[string]int64, prefix string) {
	l.Calls += counts[prefix+countCalls]
	l.Failed += counts[prefix+countFailed]
	l.BytesIn += counts[prefix+countIn]
	l.BytesOut += counts[prefix+countOut]
	l.Cost += Micros(counts[prefix+countCost])
}

// Report is what an org used in a range of whole days, UTC.
type Report struct {
	Totals   Line
	Days     []Line
	Features []Line
	Units    map[string]Unit // by type, besides APICalls
}

// Unit is how much of one type was used.
type Unit struct {
	Used int64
	Cost Micros
}

// Reports reads what the Recorder wrote.
type Reports struct{ tenant table.Tenant }

// ReportsOf opens an org's reports.
func ReportsOf(t table.Tenant) Reports { return Reports{tenant: t} }

// Report sums the days that the range touches.
func (r Reports) Report(ctx context.Context, from, to time.Time) (Report, error) {
	report := Report{Units: map[string]Unit{}}
	features := map[string]*Line{}
	err := r.each(ctx, dayPart, from, to, func(day string, counts map[string]int64) {
		line := Line{Name: day}
		line.add(counts, "")
		report.Days = append(report.Days, line)
		report.Totals.add(counts, "")
		for name := range counts {
			group, rest, _ := strings.Cut(name, "|")
			rest, what, _ := strings.Cut(rest, "|")
			switch {
			case group+"|" == featurePre && what == countCalls:
				lineOf(features, rest).add(counts, featurePre+rest+"|")
			case group+"|" == unitPre:
				report.Units[rest] = report.Units[rest].plus(what, counts[name])
			}
		}
	})
	report.Features = sorted(features)
	return report, err
}

func (u Unit) plus(what string, by int64) Unit {
	if what == countCost {
		u.Cost += Micros(by)
	} else {
		u.Used += by
	}
	return u
}

// ByRoute and ByUser sum the range by route or by user, the most called first.
func (r Reports) ByRoute(ctx context.Context, from, to time.Time) ([]Line, error) {
	return r.grouped(ctx, routePart, from, to)
}

// ByUser sums the range by user, the most calling first.
func (r Reports) ByUser(ctx context.Context, from, to time.Time) ([]Line, error) {
	return r.grouped(ctx, userPart, from, to)
}

func (r Reports) grouped(ctx context.Context, part string, from, to time.Time) ([]Line, error) {
	lines := map[string]*Line{}
	err := r.each(ctx, part, from, to, func(sort string, counts map[string]int64) {
		_, name, _ := strings.Cut(sort, "/")
		lineOf(lines, name).add(counts, "")
	})
	return sorted(lines), err
}

func lineOf(lines map[string]*Line, name string) *Line {
	if lines[name] == nil {
		lines[name] = &Line{Name: name}
	}
	return lines[name]
}

func sorted(lines map[string]*Line) []Line {
	list := make([]Line, 0, len(lines))
	for _, l := range lines {
		list = append(list, *l)
	}
	slices.SortFunc(list, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// afterDay sorts behind every "<day>/…".
const afterDay = "0"

func (r Reports) each(ctx context.Context, part string, from, to time.Time, do func(sort string, counts map[string]int64)) error {
	if to.Before(from) || to.Sub(from) > RangeMax {
		return ErrRange
	}
	query := table.Query{Part: part, From: from.UTC().Format(dayLayout), To: to.UTC().Format(dayLayout) + afterDay}
	for range reportPages {
		page, err := r.tenant.Query(ctx, query)
		if err != nil {
			return fmt.Errorf("read usage counters: %w", err)
		}
		for _, item := range page.Items {
			var counts map[string]int64
			if err := item.Doc.Decode(&counts); err != nil {
				return err
			}
			do(item.Sort, counts)
		}
		if page.Cursor == "" {
			return nil
		}
		query.Cursor = page.Cursor
	}
	return ErrRange.WithMessage("There is too much in that range. Please choose a shorter one.")
}

// History is one page of entries, newest first.
type History struct {
	Entries []table.Doc // usage records
	Total   int
}

// History returns a page (from 1) of the entries from an instant to before
// another; kind "" means every type.
func (r Reports) History(ctx context.Context, kind string, from, to time.Time, page, size int) (History, error) {
	if !from.Before(to) || to.Sub(from) > RangeMax {
		return History{}, ErrRange
	}
	if page*size > HistoryMax {
		return History{}, ErrTooFar
	}
	query := table.Query{Part: entryPart, From: bound(from), To: bound(to), Desc: true}
	if kind != "" {
		query.Filter = table.Compare{Path: table.At("data.type"), Op: table.Equal, Value: kind}
	}
	history := History{Entries: []table.Doc{}}
	skip := (page - 1) * size
	for range reportPages {
		found, err := r.tenant.Query(ctx, query)
		if err != nil {
			return History{}, fmt.Errorf("read usage entries: %w", err)
		}
		for i, item := range found.Items {
			if at := history.Total + i; at >= skip && at < skip+size {
				history.Entries = append(history.Entries, item.Doc)
			}
		}
		history.Total += found.Count
		query.CountOnly = history.Total >= skip+size // the rest is counted, not fetched
		if found.Cursor == "" {
			break
		}
		query.Cursor = found.Cursor
	}
	return history, nil
}

// bound is the sort key below every entry of an instant and after.
func bound(at time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(at)) // fails past the year 10889 only
	return entryPart + "-" + id.String()
}
