package monitoring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// errRange refuses a range that no series is kept for.
var errRange = fault.New(fault.Invalid, "invalid_range", "The range must be one of 1h, 24h, 7d or 30d.")

type service struct {
	now    func() time.Time
	health *health
	rollup table.Tenant // of the platform's own org
	public bool
}

// keepFor is how long roll-ups are kept: the longest range and a day.
const keepFor = 31 * 24 * time.Hour

// hourLayout names the hour of a roll-up item; such texts sort by time.
const hourLayout = "2006-01-02T15"

// Counters of a roll-up item.
const (
	signIns   = "signIns"
	customers = "customers"
	companies = "companies"
)

func (s service) consumers() []event.Consumer {
	return []event.Consumer{
		event.On("activity-sign-in", "user.login", "counts sign-ins per hour", s.count("activity-sign-in", signIns)),
		event.On("activity-customer", "contact.registered", "counts new customers per hour", s.count("activity-customer", customers)),
		event.On("activity-company", "org-create", "counts new organisations per hour", s.count("activity-company", companies)),
	}
}

// count adds the event to the platform's and the org's counter of its hour, once.
func (s service) count(consumer, counter string) func(context.Context, event.Envelope) error {
	return func(ctx context.Context, e event.Envelope) error {
		hour := e.OccurredAt.UTC().Format(hourLayout)
		increment := func(part string) table.Op {
			return table.Modify{
				Key: table.Key{Part: part, Sort: hour}, Upsert: true,
				Add:     []table.Increment{{Path: table.At(counter), By: 1}},
				Expires: s.now().Add(keepFor),
			}
		}
		err := event.Once(ctx, s.rollup, consumer, e, s.now(), increment("activity"), increment(partOf(e.Org)))
		if err != nil {
			return fmt.Errorf("count %s: %w", e.Name, err)
		}
		return nil
	}
}

func partOf(id org.ID) string { return "activity-" + id.String() }

type rangeIn struct {
	Range string `query:"range" doc:"1h, 24h (default), 7d or 30d"`
	Org   string `query:"orgId" doc:"only this organisation"`
}

// series is counts over time with their sum.
type series struct {
	Range      string           `json:"range"`
	Resolution string           `json:"resolution"`
	Totals     map[string]int64 `json:"totals"`
	Points     []point          `json:"points"`
}

// point is the counts of one hour.
type point struct {
	T         record.Time `json:"t"`
	SignIns   int64       `json:"signIns"`
	Customers int64       `json:"customers"`
	Companies int64       `json:"companies"`
}

func (s service) userActivity(ctx context.Context, _ auth.Principal, in rangeIn) (series, error) {
	return s.series(ctx, in, signIns, customers)
}

func (s service) companyCreation(ctx context.Context, _ auth.Principal, in rangeIn) (series, error) {
	return s.series(ctx, in, companies)
}

func (s service) series(ctx context.Context, in rangeIn, counters ...string) (series, error) {
	length, ok := map[string]time.Duration{"1h": time.Hour, "": 24 * time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}[in.Range]
	if !ok {
		return series{}, errRange
	}
	part := "activity"
	if in.Org != "" {
		id, err := org.Parse(strings.ToLower(in.Org))
		if err != nil {
			return series{}, err
		}
		part = partOf(id)
	}
	out := series{Range: in.Range, Resolution: "1h", Totals: map[string]int64{}, Points: []point{}}
	for _, c := range counters {
		out.Totals[c] = 0
	}
	err := s.fill(ctx, &out, table.Query{Part: part, From: s.now().UTC().Add(-length).Format(hourLayout)})
	return out, err
}

// fill reads at most 31 days of hours: fewer than a page.
func (s service) fill(ctx context.Context, out *series, q table.Query) error {
	page, err := s.rollup.Query(ctx, q)
	if err != nil {
		return fmt.Errorf("read activity: %w", err)
	}
	var wrong []error
	for _, item := range page.Items {
		var p point
		t, err := time.Parse(hourLayout, item.Sort)
		wrong = append(wrong, err, item.Doc.Decode(&p))
		p.T = record.At(t)
		out.Points = append(out.Points, p)
		for name, n := range map[string]int64{signIns: p.SignIns, customers: p.Customers, companies: p.Companies} {
			if _, asked := out.Totals[name]; asked {
				out.Totals[name] += n
			}
		}
	}
	return errors.Join(wrong...)
}
