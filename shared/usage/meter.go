package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/cache"
	"github.com/appmint/appengine/shared/table"
)

const (
	// takeTries bounds how often a count loses against others; each loss means
	// that a window was turned over meanwhile.
	takeTries = 8
	// crowd is how many subjects a minute's map holds before addresses and
	// persons share buckets: whoever calls from a million addresses must not
	// make the item grow without bound.
	crowd   = 500
	buckets = 256
	// blockedFor is how long a process refuses a subject without asking again.
	blockedFor = 10 * time.Second
	seenMax    = 10_000
	seenFor    = 400 * 24 * time.Hour
)

// MeterOptions are the parts of a Meter.
type MeterOptions struct {
	Table table.Table
	Now   func() time.Time
	// Plan, when set, is every org's plan whatever its record says: Unlimited
	// on a laptop and in benchmarks.
	Plan string
}

// Meter counts calls. It is safe for concurrent use.
type Meter struct {
	o         MeterOptions
	catalogue *Catalogue
	seen      *cache.Cache[string, glimpse]
	blocked   *cache.Cache[string, Decision]
}

// glimpse is what this process last saw of a counter item: enough to write the
// right change at the first try.
type glimpse struct {
	windows windows
	crowded bool
}

// NewMeter builds a meter.
func NewMeter(o MeterOptions) *Meter {
	return &Meter{
		o: o, catalogue: NewCatalogue(o.Table, o.Now),
		seen:    cache.New[string, glimpse](seenMax, seenFor, o.Now),
		blocked: cache.New[string, Decision](seenMax, blockedFor, o.Now),
	}
}

// Catalogue returns the prices of endpoints.
func (m *Meter) Catalogue() *Catalogue { return m.catalogue }

// Plan returns the plan in force for an org whose record names one.
func (m *Meter) Plan(name string) Plan {
	if m.o.Plan != "" {
		name = m.o.Plan
	}
	return PlanOf(name)
}

// Take counts one call of the org and of each subject and decides whether it
// may run. Counting and deciding is one conditional write: of any number of
// concurrent calls against a limit of n exactly n are let through. A refused
// call is counted apart from the others. The item is chosen by the first
// subject when the org's counter is spread over several.
func (m *Meter) Take(ctx context.Context, t table.Tenant, limits Limits, subjects ...Subject) (Decision, error) {
	call, name := m.take(t, limits, subjects)
	if d, ok := m.stillBlocked(name, call); ok {
		return d, m.countRefusal(ctx, t, call)
	}
	known, _ := m.seen.Get(name)
	before := known.windows
	if before == (windows{}) {
		before = call.now
	}
	call.now = call.now.reconcile(before)
	op := call.next(before)
	for range takeTries {
		item, err := t.Write(ctx, op)
		var refused *table.Refused
		switch {
		case err == nil:
			return m.allowed(name, call, item)
		case !errors.As(err, &refused):
			return Decision{}, fmt.Errorf("count call: %w", err)
		case refused.Old == nil:
			if op, err = call.first(); err != nil {
				return Decision{}, err
			}
			continue
		}
		c, err := counterOf(*refused.Old)
		if err != nil {
			return Decision{}, err
		}
		m.saw(name, c)
		call.now = call.now.reconcile(c.windows)
		if worst, full := exhausted(call.measures(c.at(call.now))); full {
			return m.refused(ctx, t, name, call, worst)
		}
		op = call.next(c.windows)
	}
	return Decision{}, table.ErrBusy
}

func (m *Meter) take(t table.Tenant, limits Limits, subjects []Subject) (call take, name string) {
	shards, shard := max(1, limits.Shards), 0
	if shards > 1 && len(subjects) > 0 {
		sum := subjects[0].sum()
		shard = int(sum[8]) % shards
	}
	call = take{key: counterKey(shard), now: windowsAt(m.o.Now()), limits: limits.Org.divided(int64(shards))}
	name = string(t.Org()) + table.Separator + call.key.Sort
	known, _ := m.seen.Get(name)
	for _, s := range subjects {
		field := s.field()
		if known.crowded && !s.durable() {
			field = fmt.Sprintf("~%02x", int(s.sum()[0])%buckets)
		}
		call.subjects = append(call.subjects, counted{Subject: s, field: field})
	}
	return call, name
}

func (w Windows) divided(shards int64) Windows {
	each := func(limit int64) int64 { return (limit + shards - 1) / shards }
	return Windows{Minute: each(w.Minute), Hour: each(w.Hour), Day: each(w.Day)}
}

func (m *Meter) saw(name string, c counter) {
	m.seen.Set(name, glimpse{windows: c.windows, crowded: len(c.Minutes) >= crowd})
}

func (m *Meter) allowed(name string, call take, item table.Item) (Decision, error) {
	c, err := counterOf(item)
	if err != nil {
		return Decision{}, err
	}
	m.saw(name, c)
	return tightest(call.measures(c)), nil
}

func (m *Meter) refused(ctx context.Context, t table.Tenant, name string, call take, worst measure) (Decision, error) {
	now := m.o.Now()
	d := Decision{Limit: worst.limit, Reset: worst.reset, Scope: worst.scope, RetryAfter: max(time.Second, worst.reset.Sub(now))}
	until := now.Add(blockedFor)
	if worst.reset.Before(until) {
		until = worst.reset
	}
	m.blocked.SetUntil(blockName(name, call, worst.scope), d, until)
	return d, m.countRefusal(ctx, t, call)
}

func (m *Meter) countRefusal(ctx context.Context, t table.Tenant, call take) error {
	_, err := t.Write(ctx, call.refuse())
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return fmt.Errorf("count refused call: %w", err)
	}
	return nil
}

// stillBlocked answers for a subject that was refused a moment ago by a window
// that is not over: counts only grow, so asking again would be in vain.
func (m *Meter) stillBlocked(name string, call take) (Decision, bool) {
	scopes := make([]string, 0, 1+len(call.subjects))
	scopes = append(scopes, "org")
	for _, s := range call.subjects {
		scopes = append(scopes, string(s.Kind))
	}
	for _, scope := range scopes {
		d, ok := m.blocked.Get(blockName(name, call, scope))
		if ok && d.Limit == call.limitIn(scope, d) {
			d.RetryAfter = max(time.Second, d.Reset.Sub(m.o.Now()))
			return d, true
		}
	}
	return Decision{}, false
}

// limitIn returns d's limit if it is one of the scope's limits today; a limit
// that was raised meanwhile must let calls through at once.
func (t take) limitIn(scope string, d Decision) int64 {
	for _, m := range t.measures(counter{windows: t.now}) {
		if m.scope == scope && m.limit == d.Limit {
			return m.limit
		}
	}
	return 0
}

func blockName(name string, call take, scope string) string {
	for _, s := range call.subjects {
		if string(s.Kind) == scope {
			return name + "/" + s.field
		}
	}
	return name
}

// Calls is how many calls an org made.
type Calls struct {
	Month     int64 // let through, of the current calendar month (UTC)
	Refused   int64 // refused, of the current month
	LastMonth int64
	All       int64 // let through, ever
	Minute    int64 // let through, of the current minute; Hour and Day likewise
	Hour      int64
	Day       int64
}

// Calls reads the org's counters. The call that asks has been counted.
func (m *Meter) Calls(ctx context.Context, t table.Tenant) (Calls, error) {
	page, err := t.Query(ctx, table.Query{Part: meterPart, Consistent: true})
	if err != nil {
		return Calls{}, fmt.Errorf("read counters: %w", err)
	}
	now := windowsAt(m.o.Now())
	var sum Calls
	for _, item := range page.Items {
		c, err := counterOf(item)
		if err != nil {
			return Calls{}, err
		}
		sum.add(c, now)
	}
	return sum, nil
}

func (s *Calls) add(c counter, now windows) {
	s.All += c.Calls.All
	now = now.reconcile(c.windows)
	if c.windows == now {
		s.Minute += c.Calls.Minute
	}
	if c.Hour == now.Hour {
		s.Hour += c.Calls.Hour
	}
	if c.Day == now.Day {
		s.Day += c.Calls.Day
	}
	switch c.Month {
	case now.Month:
		s.Month += c.Calls.Month
		s.Refused += c.Refused.Month
		if c.Last.Month == now.Month-1 {
			s.LastMonth += c.Last.Calls
		}
	case now.Month - 1:
		s.LastMonth += c.Calls.Month
	}
}
