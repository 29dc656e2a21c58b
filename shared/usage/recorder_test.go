package usage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

func (f fixture) recorder() *usage.Recorder {
	return usage.NewRecorder(f.table, f.meter.Catalogue(), 0)
}

func (f fixture) reports() usage.Reports { return usage.ReportsOf(f.tenant) }

func (f fixture) entry(request string) usage.Entry {
	return usage.Entry{
		Org: "acme", RequestID: request, At: f.clock.now(), Email: "ada@example.com", Method: "POST", Path: "/crm/tickets/1",
		Route: "POST /crm/tickets/{id}", Duration: 12 * time.Millisecond, BytesIn: 100, BytesOut: 1000,
	}
}

func (f fixture) record(t *testing.T, entries ...usage.Entry) {
	t.Helper()
	if err := f.recorder().RecordAll(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

func TestEntryIsARecord(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(t, f.entry("r1"))
	history, err := f.reports().History(t.Context(), "", f.clock.now(), f.clock.now().Add(time.Hour), 1, 10)
	if err != nil || history.Total != 1 {
		t.Fatalf("history = %+v, %v", history, err)
	}
	var got map[string]any
	if err := json.Unmarshal(history.Entries[0], &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"email": "ada@example.com", "route": "POST /crm/tickets/{id}", "pillar": "crm", "feature": "crm", "type": "api-calls",
		"status": "success", "durationMs": 12.0, "bytesIn": 100.0, "bytesOut": 1000.0, "tokenCost": 0.0, "dollarCost": 0.0,
	}
	if diff := cmp.Diff(got["data"], any(want)); diff != "" {
		t.Errorf("data (-got +want):\n%s", diff)
	}
	if got["datatype"] != "usage" || got["sk"] != got["pk"] || got["version"] != 1.0 {
		t.Errorf("envelope = %v", got)
	}
}

// Delivery is at least once; counting is once.
func TestRepeatedEntriesCountOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(t, f.entry("r1"), f.entry("r1"))
	f.record(t, f.entry("r2"), f.entry("r1"), f.entry("r3"))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := f.recorder().Record(t.Context(), f.entry("r4")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	report, err := f.reports().Report(t.Context(), f.clock.now(), f.clock.now())
	if err != nil || report.Totals.Calls != 4 || report.Totals.BytesIn != 400 {
		t.Errorf("totals = %+v, %v; want 4 calls", report.Totals, err)
	}
}

func TestSuccessfulCallsOfPricedEndpointsCost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if _, err := f.meter.Catalogue().Put(t.Context(), usage.Price{Endpoint: "/crm/tickets/{id}", Cost: 25_000, Active: true}); err != nil {
		t.Fatal(err)
	}
	failed := f.entry("r2")
	failed.Failed = true
	f.record(t, f.entry("r1"), failed)
	report, _ := f.reports().Report(t.Context(), f.clock.now(), f.clock.now())
	want := usage.Line{Calls: 2, Failed: 1, BytesIn: 200, BytesOut: 2000, Cost: 25_000}
	if diff := cmp.Diff(report.Totals, want); diff != "" {
		t.Errorf("totals (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(report.Features, []usage.Line{{Name: "crm", Calls: 2, Failed: 1, Cost: 25_000}}); diff != "" {
		t.Errorf("features (-got +want):\n%s", diff)
	}
}

func TestReportsGroupAndRespectTheRange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.clock.now()
	f.record(t, f.entry("r1"))
	f.clock.forward(24 * time.Hour)
	second, third := f.entry("r2"), f.entry("r3")
	second.Email, third.Route = "bob@example.com", "GET /x"
	third.Type, third.Units = "ai-tokens", map[string]int64{"ai-tokens": 812}
	f.record(t, second, third)
	report, err := f.reports().Report(t.Context(), first, f.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	days := make([]string, 0, 2)
	for _, d := range report.Days {
		days = append(days, fmt.Sprint(d.Name, " ", d.Calls))
	}
	if diff := cmp.Diff(days, []string{"2026-04-10 1", "2026-04-11 2"}); diff != "" {
		t.Errorf("days (-got +want):\n%s", diff)
	}
	if got := report.Units["ai-tokens"].Used; got != 812 {
		t.Errorf("ai-tokens = %d, want 812", got)
	}
	users, _ := f.reports().ByUser(t.Context(), f.clock.now(), f.clock.now())
	if len(users) != 2 || users[0].Name != "ada@example.com" {
		t.Errorf("users of the second day = %+v", users)
	}
	routes, _ := f.reports().ByRoute(t.Context(), first, f.clock.now())
	if len(routes) != 2 || routes[0].Calls != 2 {
		t.Errorf("routes = %+v", routes)
	}
	tokens, _ := f.reports().History(t.Context(), "ai-tokens", first, f.clock.now().Add(time.Second), 1, 10)
	if tokens.Total != 1 {
		t.Errorf("%d entries of ai-tokens, want 1", tokens.Total)
	}
	if _, err := f.reports().Report(t.Context(), f.clock.now(), first); !errors.Is(err, usage.ErrRange) {
		t.Errorf("backwards: %v, want ErrRange", err)
	}
}

func TestHistoryPagesNewestFirst(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	from := f.clock.now()
	for i := range 7 {
		f.record(t, f.entry(fmt.Sprint("r", i)))
		f.clock.forward(time.Second)
	}
	sizes := []int{}
	for page := 1; page <= 4; page++ {
		h, err := f.reports().History(t.Context(), "", from, f.clock.now(), page, 3)
		if err != nil || h.Total != 7 {
			t.Fatalf("page %d: %d, %v", page, h.Total, err)
		}
		sizes = append(sizes, len(h.Entries))
	}
	if diff := cmp.Diff(sizes, []int{3, 3, 1, 0}); diff != "" {
		t.Errorf("pages (-got +want):\n%s", diff)
	}
	if _, err := f.reports().History(t.Context(), "", from, f.clock.now(), 1000, 50); !errors.Is(err, usage.ErrTooFar) {
		t.Errorf("far page: %v, want ErrTooFar", err)
	}
}

func TestEntriesOfOneOrgStayThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.record(t, f.entry("r1"))
	other := usage.ReportsOf(table.Of(f.table, "acme-corp"))
	report, _ := other.Report(t.Context(), f.clock.now(), f.clock.now())
	if report.Totals.Calls != 0 {
		t.Errorf("another org sees %d calls", report.Totals.Calls)
	}
}

func TestIncompleteEntriesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	if err := f.recorder().Record(t.Context(), usage.Entry{Route: "GET /x"}); err == nil {
		t.Error("an entry of no org was taken")
	}
}
