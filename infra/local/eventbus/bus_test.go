package eventbus_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/eventbus"
)

type inbox struct{ events []string }

func (i *inbox) deliver(_ context.Context, event []byte) error {
	i.events = append(i.events, string(event))
	return nil
}

func newBus() *eventbus.Bus {
	return eventbus.New(eventbus.Config{
		Account: "000000000000", Region: "us-east-1",
		Now:   func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) },
		NewID: func() string { return "id-1" },
	})
}

func entry(detail string) eventbus.Entry {
	return eventbus.Entry{Source: "app", DetailType: "T", Detail: json.RawMessage(detail), Resources: []string{"arn:x"}}
}

// The verified cases of the pattern language, through the bus as a whole.
func TestVerifiedPatterns(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/patterns.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Name    string          `json:"name"`
			Pattern json.RawMessage `json:"pattern"`
			Detail  json.RawMessage `json:"detail"`
			Match   bool            `json:"match"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(source, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 33 {
		t.Fatalf("got %d cases, want all of them", len(file.Cases))
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			bus, in := newBus(), &inbox{}
			rule := eventbus.Rule{Name: "r", Pattern: c.Pattern, Targets: []eventbus.Target{{ID: "t", Deliver: in.deliver}}}
			if err := bus.Add(rule); err != nil {
				t.Fatal(err)
			}
			if _, err := bus.Put(t.Context(), []eventbus.Entry{entry(string(c.Detail))}); err != nil {
				t.Fatal(err)
			}
			if got := len(in.events) == 1; got != c.Match {
				t.Errorf("%s on %s = %v, want %v", c.Pattern, c.Detail, got, c.Match)
			}
		})
	}
}

func TestPutBuildsTheEnvelope(t *testing.T) {
	t.Parallel()
	bus, in := newBus(), &inbox{}
	if err := bus.Add(eventbus.Rule{
		Name: "r", Pattern: []byte(`{"source":["app"]}`),
		Targets: []eventbus.Target{
			{ID: "all", Deliver: in.deliver},
			{ID: "part", InputPath: "$.detail.a", Deliver: in.deliver},
			{ID: "missing", InputPath: "$.detail.a.b.c", Deliver: in.deliver},
			{ID: "constant", Input: json.RawMessage(`{"k":1}`), Deliver: in.deliver},
		},
	}); err != nil {
		t.Fatal(err)
	}
	results, err := bus.Put(t.Context(), []eventbus.Entry{entry(`{"a":{"b":1}}`)})
	if err != nil || results[0].EventID != "id-1" {
		t.Fatalf("Put = %v, %v", results, err)
	}
	want := []string{
		`{"version":"0","id":"id-1","detail-type":"T","source":"app","account":"000000000000",` +
			`"time":"2026-01-02T03:04:05Z","region":"us-east-1","resources":["arn:x"],"detail":{"a":{"b":1}}}`,
		`{"b":1}`, `null`, `{"k":1}`,
	}
	if diff := cmp.Diff(want, in.events); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestPutAnswersEachEntry(t *testing.T) {
	t.Parallel()
	bus := newBus()
	results, err := bus.Put(t.Context(), []eventbus.Entry{
		entry(`{}`),
		{DetailType: "T", Detail: json.RawMessage(`{}`)},
		{Source: "aws.x", DetailType: "T", Detail: json.RawMessage(`{}`)},
		{Source: "app", Detail: json.RawMessage(`{}`)},
		entry(`[]`),
		entry(`{`),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(results))
	for _, result := range results {
		got = append(got, result.ErrorCode)
	}
	want := []string{"", "InvalidArgument", "NotAuthorizedForSourceException", "InvalidArgument", "MalformedDetail", "MalformedDetail"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

func TestPutRefusesTooMuch(t *testing.T) {
	t.Parallel()
	bus := newBus()
	if _, err := bus.Put(t.Context(), make([]eventbus.Entry, 11)); err == nil {
		t.Error("eleven entries were accepted")
	}
	if _, err := bus.Put(t.Context(), nil); err == nil {
		t.Error("no entries were accepted")
	}
	large := entry(`{"a":"` + strings.Repeat("x", eventbus.MaxPutBytes) + `"}`)
	if _, err := bus.Put(t.Context(), []eventbus.Entry{large}); err == nil {
		t.Error("more than 256 KB were accepted")
	}
}

func TestRefusedDeliveryGoesToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	bus, in := newBus(), &inbox{}
	down := errors.New("disk full")
	refuses := func(context.Context, []byte) error { return down }
	var cause error
	dead := func(ctx context.Context, event []byte, err error) error {
		cause = err
		return in.deliver(ctx, event)
	}
	if err := bus.Add(eventbus.Rule{Name: "r", Pattern: []byte(`{"source":["app"]}`), Targets: []eventbus.Target{
		{ID: "kept", Deliver: refuses, DeadLetter: dead},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Put(t.Context(), []eventbus.Entry{entry(`{}`)}); err != nil {
		t.Fatalf("Put = %v, want the dead-letter queue to take it", err)
	}
	if len(in.events) != 1 || !errors.Is(cause, down) {
		t.Errorf("dead letters %v because of %v", in.events, cause)
	}
	if err := bus.Add(eventbus.Rule{Name: "lost", Pattern: []byte(`{"source":["app"]}`), Targets: []eventbus.Target{
		{ID: "t", Deliver: refuses},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.Put(t.Context(), []eventbus.Entry{entry(`{}`)}); !errors.Is(err, down) {
		t.Errorf("Put = %v, want %v", err, down)
	}
}

func TestAddRefusesMalformedRules(t *testing.T) {
	t.Parallel()
	in := &inbox{}
	tests := []struct {
		name string
		rule eventbus.Rule
		want string
	}{
		{"pattern", eventbus.Rule{Name: "bad", Pattern: []byte(`{"a":"x"}`)}, "rule bad: a: want an array"},
		{"path", eventbus.Rule{Name: "bad", Pattern: []byte(`{"a":["x"]}`), Targets: []eventbus.Target{
			{ID: "t", InputPath: "detail", Deliver: in.deliver},
		}}, "input path"},
		{"nobody", eventbus.Rule{Name: "bad", Pattern: []byte(`{"a":["x"]}`), Targets: []eventbus.Target{{ID: "t"}}}, "nobody"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := newBus().Add(test.rule)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Add = %v, want %q", err, test.want)
			}
		})
	}
}

// The live tail hangs on this hook, also when no rule matches.
func TestWatchSeesEveryEvent(t *testing.T) {
	t.Parallel()
	var seen []string
	bus := eventbus.New(eventbus.Config{
		Now: time.Now, NewID: func() string { return "1" },
		Watch: func(event []byte) { seen = append(seen, string(event)) },
	})
	if _, err := bus.Put(t.Context(), []eventbus.Entry{entry(`{}`), entry(`{"b":1}`)}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 2 {
		t.Errorf("watched %d events, want 2", len(seen))
	}
}
