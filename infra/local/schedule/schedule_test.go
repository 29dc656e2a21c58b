package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/schedule"
)

func parse(t testing.TB, source, zone string) schedule.Expression {
	t.Helper()
	e, err := schedule.Parse(source, zone)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func moment(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Each case lists the times that follow the first.
func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, source, zone, times string }{
		{"rate counts from the start", "rate(5 minutes)", "", "2026-01-01T00:00:00Z 2026-01-01T00:05:00Z 2026-01-01T00:10:00Z"},
		{"rate of a day", "rate(1 day)", "", "2026-01-01T00:00:00Z 2026-01-02T00:00:00Z"},
		{"hourly", "cron(0 * * * ? *)", "", "2026-01-01T00:30:00Z 2026-01-01T01:00:00Z 2026-01-01T02:00:00Z"},
		{"weekdays by name", "cron(0 18 ? * MON-FRI *)", "", "2026-01-02T18:00:00Z 2026-01-05T18:00:00Z"},
		{"weekdays by number", "cron(0 18 ? * 2-6 *)", "", "2026-01-02T18:00:00Z 2026-01-05T18:00:00Z"},
		{"Sunday is one", "cron(0 0 ? * 1 *)", "", "2026-01-01T00:00:00Z 2026-01-04T00:00:00Z 2026-01-11T00:00:00Z"},
		{"Saturday is seven", "cron(0 0 ? * 7 *)", "", "2026-01-01T00:00:00Z 2026-01-03T00:00:00Z"},
		{"list of weekdays", "cron(0 0 ? * 1,WED,7 *)", "", "2026-01-01T00:00:00Z 2026-01-03T00:00:00Z 2026-01-04T00:00:00Z 2026-01-07T00:00:00Z"},
		{"third Friday", "cron(0 0 ? * 6#3 *)", "", "2026-01-01T00:00:00Z 2026-01-16T00:00:00Z 2026-02-20T00:00:00Z"},
		{"last Friday", "cron(0 0 ? * 6L *)", "", "2026-01-01T00:00:00Z 2026-01-30T00:00:00Z 2026-02-27T00:00:00Z"},
		{"last day of the month", "cron(0 0 L * ? *)", "", "2026-01-31T00:00:00Z 2026-02-28T00:00:00Z"},
		{"nearest weekday", "cron(0 0 3W * ? *)", "", "2026-01-01T00:00:00Z 2026-01-02T00:00:00Z 2026-02-03T00:00:00Z"},
		{"steps and years", "cron(0/20 8 1 JAN ? 2027)", "", "2026-01-01T08:00:00Z 2027-01-01T08:00:00Z 2027-01-01T08:20:00Z 2027-01-01T08:40:00Z -"},
		{"zone", "cron(0 9 * * ? *)", "America/New_York", "2026-01-01T00:00:00Z 2026-01-01T14:00:00Z"},
		{"skipped hour is skipped", "cron(30 2 * * ? *)", "America/New_York", "2026-03-07T07:30:00Z 2026-03-09T06:30:00Z"},
		{"doubled hour counts once", "cron(30 1 * * ? *)", "America/New_York", "2026-10-31T05:30:00Z 2026-11-01T05:30:00Z 2026-11-02T06:30:00Z"},
		{"day of 23 hours", "cron(0 9 * * ? *)", "Europe/Berlin", "2026-03-28T08:00:00Z 2026-03-29T07:00:00Z"},
		{"day of 25 hours", "cron(0 9 * * ? *)", "Europe/Berlin", "2026-10-24T07:00:00Z 2026-10-25T08:00:00Z"},
		{"at", "at(2026-07-01T12:00:00)", "Europe/Berlin", "2026-01-01T00:00:00Z 2026-07-01T10:00:00Z -"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := parse(t, test.source, test.zone)
			times := strings.Fields(test.times)
			start := moment(t, times[0])
			at := start
			for _, want := range times[1:] {
				next := e.Next(at, start)
				got := "-"
				if !next.IsZero() {
					got = next.UTC().Format(time.RFC3339)
				}
				if got != want {
					t.Fatalf("after %v comes %s, want %s", at, got, want)
				}
				at = next
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, source := range []string{
		"", "every day", "rate(5)", "rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(999999999999999999999 days)", "rate(5 minutes",
		"cron(* * * * *)", "cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(? 0 * * ? *)", "cron(0 0 ? * 0 *)", "cron(0 0 ? * 8 *)",
		"cron(0 0 ? * MON-9 *)", "cron(0 0 ? * %% *)", "cron(99 0 * * ? *)", "at(2026-01-01)", "at(2026-13-01T00:00:00)", "soon(1)",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			if _, err := schedule.Parse(source, ""); err == nil {
				t.Errorf("Parse(%q) succeeded", source)
			}
		})
	}
	if _, err := schedule.Parse("rate(1 day)", "Mars/Olympus"); err == nil {
		t.Error("Parse accepted a zone that there is not")
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// A week over the change to summer time, with a stopped clock.
func TestLoopFiresOverTheChangeOfClocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The bubble's clock begins at 2000-01-01; the zone changed on 2000-03-26.
		time.Sleep(time.Until(moment(t, "2000-03-25T00:00:00Z")))
		loop := schedule.New(time.Now, quiet())
		var fired []string
		note := func(_ context.Context, at time.Time) error {
			if !at.Equal(time.Now()) {
				t.Errorf("fired for %v at %v", at, time.Now())
			}
			fired = append(fired, at.UTC().Format(time.RFC3339))
			return errors.New("logged and no reason to stop")
		}
		add := func(e schedule.Entry) {
			if err := loop.Add(e); err != nil {
				t.Fatal(err)
			}
		}
		add(schedule.Entry{Name: "skipped", Expression: parse(t, "cron(30 2 * * ? *)", "Europe/Berlin"), Fire: note})
		add(schedule.Entry{Name: "bounded", Expression: parse(t, "rate(12 hours)", ""), Start: moment(t, "2000-03-26T00:00:00Z"), End: moment(t, "2000-03-27T00:00:00Z"), Fire: note})
		add(schedule.Entry{Name: "removed", Expression: parse(t, "rate(1 minute)", ""), Fire: note})
		if !loop.Remove("removed") || loop.Remove("removed") {
			t.Error("Remove does not tell whether the schedule was there")
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { loop.Run(ctx); close(done) }()
		time.Sleep(3*24*time.Hour - time.Hour)
		if _, ok := loop.Upcoming()["bounded"]; ok {
			t.Error("a schedule is there after its end")
		}
		cancel()
		<-done
		want := []string{"2000-03-25T01:30:00Z", "2000-03-26T12:00:00Z", "2000-03-27T00:00:00Z", "2000-03-27T00:30:00Z"}
		if diff := cmp.Diff(want, fired); diff != "" {
			t.Errorf("fired (-want +got):\n%s", diff)
		}
	})
}

func TestMissedTimesAreMadeUpForOnce(t *testing.T) {
	t.Parallel()
	now := moment(t, "2026-01-01T00:00:00Z")
	loop := schedule.New(func() time.Time { return now }, quiet())
	fired := 0
	if err := loop.Add(schedule.Entry{
		Name: "s", Expression: parse(t, "rate(1 minute)", ""),
		Fire: func(context.Context, time.Time) error { fired++; return nil },
	}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	loop.FireDue(t.Context())
	loop.FireDue(t.Context())
	if got, want := loop.Upcoming()["s"], now.Add(time.Minute); fired != 1 || !got.Equal(want) {
		t.Errorf("fired %d times, next at %v; want once, next at %v", fired, got, want)
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	loop := schedule.New(time.Now, quiet())
	fire := func(context.Context, time.Time) error { return nil }
	for name, e := range map[string]schedule.Entry{
		"no name":   {Expression: parse(t, "rate(1 day)", ""), Fire: fire},
		"no target": {Name: "s", Expression: parse(t, "rate(1 day)", "")},
		"past":      {Name: "s", Expression: parse(t, "at(2001-01-01T00:00:00)", ""), Fire: fire},
		"ended":     {Name: "s", Expression: parse(t, "rate(1 day)", ""), End: moment(t, "2001-01-01T00:00:00Z"), Fire: fire},
	} {
		if err := loop.Add(e); err == nil {
			t.Errorf("Add accepted a schedule with %s", name)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	at := moment(t, "2026-01-01T00:00:00Z")
	tests := []struct {
		name                     string
		origin                   schedule.Origin
		source, resource, detail string
	}{
		{"rule", schedule.Origin{Name: "n", Account: "1", Region: "r"}, "aws.events", "arn:aws:events:r:1:rule/n", `{}`},
		{"scheduler", schedule.Origin{Name: "n", Account: "1", Region: "r", Scheduler: true}, "aws.scheduler", "arn:aws:scheduler:r:1:schedule/default/n", `"{}"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source, err := test.origin.Event(at)
			if err != nil {
				t.Fatal(err)
			}
			var event struct {
				DetailType string          `json:"detail-type"`
				Source     string          `json:"source"`
				Time       string          `json:"time"`
				Resources  []string        `json:"resources"`
				Detail     json.RawMessage `json:"detail"`
			}
			if err := json.Unmarshal(source, &event); err != nil {
				t.Fatal(err)
			}
			if event.DetailType != "Scheduled Event" || event.Source != test.source || event.Time != "2026-01-01T00:00:00Z" ||
				event.Resources[0] != test.resource || string(event.Detail) != test.detail {
				t.Errorf("event = %s", source)
			}
		})
	}
	input := schedule.Origin{Name: "n", Scheduler: true, Input: json.RawMessage(`{"at":"<aws.scheduler.scheduled-time>"}`)}
	if got, err := input.Event(at); string(got) != `{"at":"2026-01-01T00:00:00Z"}` || err != nil {
		t.Errorf("input = %s, %v", got, err)
	}
	constant := schedule.Origin{Name: "n", Input: json.RawMessage(`{"a":1}`)}
	if got, err := constant.Event(at); string(got) != `{"a":1}` || err != nil {
		t.Errorf("input = %s, %v", got, err)
	}
}
