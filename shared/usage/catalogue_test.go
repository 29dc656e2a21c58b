package usage_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/usage"
)

func TestMostPrecisePriceWins(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.meter.Catalogue()
	prices := []usage.Price{
		{Endpoint: "/a/{x...}", Cost: 1, Active: true},
		{Endpoint: "/a/{x}/c", Cost: 2, Active: true},
		{Endpoint: "/a/b/c", Cost: 3, Active: true},
		{Endpoint: "/a/b/c", Method: "post", Cost: 4, Active: true},
		{Endpoint: "/a/{x}/{y}", Cost: 5, Active: true},
		{Endpoint: "/free", Cost: 6},
	}
	if _, err := c.Put(t.Context(), prices...); err != nil {
		t.Fatal(err)
	}
	for call, want := range map[string]usage.Micros{
		"GET /a/b/c": 3, "POST /a/b/c": 4, "GET /a/z/c": 2, "GET /a/z/z": 5, "GET /a/q": 1, "GET /a": 0, "GET /free": 0, "GET /other": 0,
	} {
		method, path, _ := strings.Cut(call, " ")
		if got, err := c.Cost(t.Context(), method, path); err != nil || got != want {
			t.Errorf("%s costs %d, %v; want %d", call, got, err, want)
		}
	}
}

func TestPriceChangesTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := f.meter.Catalogue()
	elsewhere := usage.NewCatalogue(f.table, f.clock.now)
	cost := func(c *usage.Catalogue) usage.Micros {
		t.Helper()
		got, err := c.Cost(t.Context(), "POST", "/automation/flows/execute")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := cost(c); got != usage.TokenMicros || cost(elsewhere) != got {
		t.Errorf("default cost = %d, want one token", got)
	}
	if err := c.Remove(t.Context(), "/automation/flows/execute", ""); err != nil || cost(c) != 0 {
		t.Errorf("after removal: %v, cost %d", err, cost(c))
	}
	if err := c.Remove(t.Context(), "/automation/flows/execute", ""); !errors.Is(err, usage.ErrNoPrice) {
		t.Errorf("second removal: %v, want ErrNoPrice", err)
	}
	f.clock.forward(5 * time.Second)
	if got := cost(elsewhere); got != 0 {
		t.Errorf("five seconds later elsewhere: %d, want 0", got)
	}
	for _, p := range []usage.Price{{Endpoint: "/x", Cost: -1}, {Endpoint: "x", Cost: 1}} {
		if _, err := c.Put(t.Context(), p); err == nil {
			t.Errorf("%+v was stored", p)
		}
	}
}

func TestMoneyIsDecimalOnTheWireOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]usage.Micros{"0": 0, "19.99": 19_990_000, "0.0000005": 1, "0.0000004": 0, "-1.5": -1_500_000} {
		var got usage.Micros
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{`"a"`, "1e9", "99999999999", "true"} {
		var got usage.Tokens
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s was read as %d", text, got)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		want := usage.Micros(rapid.Int64Range(-1e13, 1e13).Draw(r, "micros"))
		text, err := json.Marshal(want)
		if err != nil {
			r.Fatal(err)
		}
		var got usage.Micros
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			r.Fatalf("%s = %d, %v; want %d", text, got, err, want)
		}
	})
}

func TestExemptCalls(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]bool{
		"OPTIONS /crm": true, "GET /health": true, "GET /monitoring/health": true, "GET /discover": true, "GET /discover.md": true,
		"GET /discover/crm": true, "GET /.well-known/jwks.json": true, "GET /documentation/x": true, "GET /api/health": true,
		"GET /discovery": false, "GET /monitoring/usage": false, "GET /": false, "GET /health/x": false, "POST /crm": false,
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := usage.Exempt(method, path); got != want {
			t.Errorf("%s exempt = %v, want %v", call, got, want)
		}
	}
}

func FuzzMicros(f *testing.F) {
	f.Add("1.5")
	f.Fuzz(func(t *testing.T, text string) {
		var got usage.Micros
		if err := got.UnmarshalJSON([]byte(text)); err != nil {
			return
		}
		if _, err := json.Marshal(got); err != nil {
			t.Errorf("%q cannot be written back: %v", text, err)
		}
	})
}
