package usage_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// clock stands still unless it is told to go on.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 4, 10, 8, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) forward(d time.Duration) { c.at.Add(int64(d)) }

// counting counts the writes that reach the table.
type counting struct {
	table.Table
	writes atomic.Int64
}

func (c *counting) Write(ctx context.Context, op table.Op) (table.Item, error) {
	c.writes.Add(1)
	return c.Table.Write(ctx, op)
}

type fixture struct {
	clock  *clock
	table  *counting
	meter  *usage.Meter
	tenant table.Tenant
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	c := newClock()
	tb := &counting{Table: newTable(t, c)}
	return fixture{
		clock: c, table: tb, tenant: table.Of(tb, "acme"),
		meter: usage.NewMeter(usage.MeterOptions{Table: tb, Now: c.now}),
	}
}

func (f fixture) take(t *testing.T, l usage.Limits, subjects ...usage.Subject) usage.Decision {
	t.Helper()
	d, err := f.meter.Take(t.Context(), f.tenant, l, subjects...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func key(w usage.Windows) usage.Subject {
	return usage.Subject{Kind: usage.ByKey, ID: "a", Limit: w}
}

func ip(id string, perMinute int64) usage.Subject {
	return usage.Subject{Kind: usage.ByIP, ID: id, Limit: usage.Windows{Minute: perMinute}}
}

// Exactly as many calls run as the limit allows, from however many processes.
func TestLimitIsExactUnderConcurrency(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var meters [5]*usage.Meter
	for i := range meters {
		meters[i] = usage.NewMeter(usage.MeterOptions{Table: f.table, Now: f.clock.now})
	}
	var allowed atomic.Int64
	var group sync.WaitGroup
	for i := range 1000 {
		group.Go(func() {
			d, err := meters[i%len(meters)].Take(t.Context(), f.tenant, usage.Limits{}, ip("192.0.2.1", 100))
			if err != nil {
				t.Error(err)
			}
			if d.Allowed {
				allowed.Add(1)
			}
		})
	}
	group.Wait()
	calls, err := f.meter.Calls(t.Context(), f.tenant)
	if err != nil {
		t.Fatal(err)
	}
	if allowed.Load() != 100 || calls.Month != 100 || calls.Refused != 900 {
		t.Errorf("%d allowed, %d counted, %d refused; want 100, 100, 900", allowed.Load(), calls.Month, calls.Refused)
	}
}

func TestOneWritePerCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	limits := usage.Limits{Org: usage.Windows{Minute: 1000}}
	f.take(t, limits, key(usage.KeyWindows())) // creates the item
	for _, wait := range []time.Duration{0, 0, time.Minute, 0, time.Hour, 25 * time.Hour, 40 * 24 * time.Hour} {
		f.clock.forward(wait)
		before := f.table.writes.Load()
		f.take(t, limits, key(usage.KeyWindows()))
		if got := f.table.writes.Load() - before; got != 1 {
			t.Errorf("after %s: %d writes, want 1", wait, got)
		}
	}
}

func TestRefusalSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.clock.forward(20 * time.Second)
	limits := usage.Limits{Org: usage.Windows{Minute: 10}}
	for want := int64(2); want >= 0; want-- {
		d := f.take(t, limits, ip("192.0.2.1", 3))
		if !d.Allowed || d.Remaining != want || d.Limit != 3 || d.Scope != "ip" {
			t.Errorf("decision = %+v, want %d remaining of 3", d, want)
		}
	}
	reset := time.Date(2026, 4, 10, 8, 1, 0, 0, time.UTC)
	for range 2 { // the second time from memory
		want := usage.Decision{Limit: 3, Reset: reset, Scope: "ip", RetryAfter: 40 * time.Second}
		if diff := cmp.Diff(f.take(t, limits, ip("192.0.2.1", 3)), want); diff != "" {
			t.Errorf("decision (-got +want):\n%s", diff)
		}
	}
	if !f.take(t, limits, ip("192.0.2.2", 3)).Allowed {
		t.Error("another address is refused as well")
	}
	f.clock.forward(40 * time.Second)
	if !f.take(t, limits, ip("192.0.2.1", 3)).Allowed {
		t.Error("still refused in the next minute")
	}
}

func TestLongerWindowsOutliveShorterOnes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	limit := usage.Windows{Minute: 2, Hour: 3, Day: 4}
	allowed := func() int {
		n := 0
		for range 5 {
			if f.take(t, usage.Limits{}, key(limit)).Allowed {
				n++
			}
		}
		return n
	}
	for i, step := range []struct {
		wait time.Duration
		want int
	}{{0, 2}, {time.Minute, 1}, {time.Minute, 0}, {time.Hour, 1}, {time.Hour, 0}, {24 * time.Hour, 2}} {
		f.clock.forward(step.wait)
		if got := allowed(); got != step.want {
			t.Errorf("step %d: %d allowed, want %d", i, got, step.want)
		}
	}
}

func TestOrgLimitHoldsForAllSubjectsTogether(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	limits := usage.Limits{Org: usage.Windows{Minute: 5}}
	allowed := 0
	for i := range 10 {
		if f.take(t, limits, ip(fmt.Sprint("192.0.2.", i), 100)).Allowed {
			allowed++
		}
	}
	if allowed != 5 {
		t.Errorf("%d allowed, want 5", allowed)
	}
}

func TestRaisedLimitTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.take(t, usage.Limits{}, ip("192.0.2.1", 1))
	if f.take(t, usage.Limits{}, ip("192.0.2.1", 1)).Allowed {
		t.Fatal("the limit does not hold")
	}
	if !f.take(t, usage.Limits{}, ip("192.0.2.1", 2)).Allowed {
		t.Error("the raised limit does not count")
	}
}

func TestUnlimitedIsCountedOnly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	plan := usage.PlanOf(usage.Unlimited)
	for range 300 {
		d := f.take(t, plan.Limits, usage.Subject{Kind: usage.ByApp, ID: "a", Limit: plan.App})
		if !d.Allowed || d.Limit != 0 {
			t.Fatalf("decision = %+v", d)
		}
	}
	if calls, _ := f.meter.Calls(t.Context(), f.tenant); calls.Month != 300 || calls.All != 300 {
		t.Errorf("counted %+v, want 300", calls)
	}
}

func TestMonthsAreKeptApart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 3 {
		f.take(t, usage.Limits{})
	}
	f.clock.forward(30 * 24 * time.Hour) // the 10th of May
	if calls, _ := f.meter.Calls(t.Context(), f.tenant); calls != (usage.Calls{LastMonth: 3, All: 3}) {
		t.Errorf("before the first call of the month: %+v", calls)
	}
	f.take(t, usage.Limits{})
	if calls, _ := f.meter.Calls(t.Context(), f.tenant); calls != (usage.Calls{Month: 1, LastMonth: 3, All: 4, Minute: 1, Hour: 1, Day: 1}) {
		t.Errorf("after it: %+v", calls)
	}
}

// A clock that is a little slow must not open a window that is over.
func TestSlowClockCountsInTheOpenWindow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.clock.forward(59 * time.Second)
	slow := newClock()
	slow.at.Store(f.clock.at.Load())
	late := usage.NewMeter(usage.MeterOptions{Table: f.table, Now: slow.now})
	f.take(t, usage.Limits{}, ip("192.0.2.1", 2))
	f.clock.forward(2 * time.Second)
	f.take(t, usage.Limits{}, ip("192.0.2.1", 2))
	if d, err := late.Take(t.Context(), f.tenant, usage.Limits{}, ip("192.0.2.1", 2)); err != nil || !d.Allowed || d.Remaining != 0 {
		t.Errorf("decision of the slow one = %+v, %v", d, err)
	}
	if f.take(t, usage.Limits{}, ip("192.0.2.1", 2)).Allowed {
		t.Error("the window was opened again")
	}
}

// Whoever calls from very many addresses must not make the item grow for ever.
func TestCrowdIsBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i := range 800 {
		f.take(t, usage.Limits{}, ip(fmt.Sprint(i), 1_000_000))
	}
	item, err := f.tenant.Get(t.Context(), table.Key{Part: "meter", Sort: "0"})
	if err != nil {
		t.Fatal(err)
	}
	if got := len(item.Doc); got > 16<<10 {
		t.Errorf("the item has %d bytes", got)
	}
}

func TestShardsShareTheLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	limits := usage.Limits{Org: usage.Windows{Minute: 40}, Shards: 4}
	allowed := int64(0)
	for i := range 1000 {
		if f.take(t, limits, ip(fmt.Sprint(i), 10)).Allowed {
			allowed++
		}
	}
	calls, _ := f.meter.Calls(t.Context(), f.tenant)
	if allowed != 40 || calls.Month != 40 || calls.Refused != 960 {
		t.Errorf("%d allowed, counted %+v; want 40", allowed, calls)
	}
}

// Counts agree with a model whatever the clock and the limits do.
func TestMeterModel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	orgs := 0
	rapid.Check(t, func(r *rapid.T) {
		orgs++
		f.tenant = table.Of(f.table, org.ID(fmt.Sprint("org-", orgs)))
		limit := usage.Windows{
			Minute: rapid.Int64Range(0, 4).Draw(r, "minute"), Hour: rapid.Int64Range(0, 6).Draw(r, "hour"), Day: rapid.Int64Range(0, 8).Draw(r, "day"),
		}
		used := map[string]int64{}
		for range rapid.IntRange(1, 40).Draw(r, "calls") {
			f.clock.forward(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 30, 60, 1800, 40000}).Draw(r, "wait")) * time.Second)
			at := f.clock.now()
			names := []string{at.Format("minute 200601021504"), at.Format("hour 2006010215"), at.Format("day 20060102")}
			want := true
			for i, l := range []int64{limit.Minute, limit.Hour, limit.Day} {
				want = want && (l == 0 || used[names[i]] < l)
			}
			if got := f.take(t, usage.Limits{}, key(limit)).Allowed; got != want {
				r.Fatalf("at %s: allowed = %v, want %v", at, got, want)
			}
			for _, name := range names {
				if want {
					used[name]++
				}
			}
		}
	})
}

func BenchmarkTake(b *testing.B) {
	c := newClock()
	tb := newTable(b, c)
	meter := usage.NewMeter(usage.MeterOptions{Table: tb, Now: c.now, Plan: usage.Unlimited})
	tenant := table.Of(tb, "acme")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := meter.Take(b.Context(), tenant, usage.Limits{}, ip("192.0.2.1", 0)); err != nil {
				b.Error(err)
			}
		}
	})
}
