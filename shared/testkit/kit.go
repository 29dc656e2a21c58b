// Package testkit runs modules in memory for their tests: the real route table,
// repository and table engine, a stopped clock, a recording mailbox and a bus
// that delivers at once. Tests speak HTTP to it and assert on answers, records
// and events.
package testkit

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
	"github.com/appmint/appengine/shared/usage"
)

// Kit is a running set of modules.
type Kit struct {
	T       testing.TB
	Clock   *Clock
	Deps    app.Deps
	Modules []app.Module
	Mail    *Mailbox

	engine *embedded.Engine
	mux    *api.Mux

	mu        sync.Mutex
	cursor    string
	published []event.Envelope
}

// New builds the modules over an empty in-memory table.
func New(t testing.TB, builds ...app.New) *Kit {
	t.Helper()
	k := &Kit{T: t, Clock: NewClock(), Mail: &Mailbox{}}
	engine, err := embedded.OpenMemory(embedded.Options{Now: k.Clock.Now})
	if err != nil {
		t.Fatalf("open table: %v", err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	k.engine = engine
	k.Deps = Deps(t, engine, k.Clock.Now)
	k.Deps.Mail = k.Mail
	k.Build(builds...)
	return k
}

// Deps are dependencies over any table, for tests that need no whole kit.
func Deps(t testing.TB, tab table.Table, now func() time.Time) app.Deps {
	t.Helper()
	key, err := auth.GenerateKey()
	if err != nil {
		t.Fatalf("generate key: %v", err)
	}
	random := func(b []byte) { _, _ = rand.Read(b) }
	ids := app.NewIDs(now, rand.Reader)
	meter := usage.NewMeter(usage.MeterOptions{Table: tab, Now: now})
	return app.Deps{
		Now: now, NewID: ids, Random: random, Table: tab, Mail: &Mailbox{},
		Log:      slog.New(slog.DiscardHandler),
		Records:  repository.New(repository.Options{Table: tab, Now: now, NewID: ids, Random: random}),
		Tokens:   auth.NewTokens(auth.TokenOptions{Issuer: "test", Keys: auth.FixedKeys{key}, Now: now, Random: random}),
		Meter:    meter,
		Recorder: usage.NewRecorder(tab, meter.Catalogue(), 0),
		// Hashing takes no time worth mentioning in tests.
		Passwords: auth.NewPasswords(auth.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, random, 0),
		Settings:  app.Settings{PublicURL: "http://localhost"},
	}
}

// Build replaces the modules, over the table as it is: how a test restarts a
// function, or changes Deps before it starts.
func (k *Kit) Build(builds ...app.New) {
	k.T.Helper()
	k.Modules = nil
	var routes []api.Route
	for _, build := range builds {
		m := build(k.Deps)
		k.Modules = append(k.Modules, m)
		routes = append(routes, m.Routes...)
	}
	mux, err := api.NewMux(routes, k.Deps.Log, k.Clock.Now, nil)
	if err != nil {
		k.T.Fatalf("build modules: %v", err)
	}
	k.mux = mux
}

// Events settles the bus and returns every event published since the last call
// of Events, oldest first.
func (k *Kit) Events() []event.Envelope {
	k.T.Helper()
	k.Settle()
	k.mu.Lock()
	defer k.mu.Unlock()
	events := k.published
	k.published = nil
	return events
}

// EventNames is Events reduced to names.
func (k *Kit) EventNames() []string {
	k.T.Helper()
	events := k.Events()
	names := make([]string, 0, len(events))
	for _, e := range events {
		names = append(names, e.Name)
	}
	return names
}

// settleMax bounds how many rounds of events may cause events.
const settleMax = 100

// Settle publishes what was written and delivers it to the modules' consumers,
// until nothing new comes of it. Every event is delivered twice, since consumers
// must not mind.
func (k *Kit) Settle() {
	k.T.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	for range settleMax {
		changes, next, err := k.engine.Changes(k.T.Context(), k.cursor, 1000)
		if err != nil {
			k.T.Fatalf("read changes: %v", err)
		}
		k.cursor = next
		if len(changes) == 0 {
			return
		}
		for _, c := range changes {
			k.publish(c)
		}
	}
	k.T.Fatal("events keep causing events")
}

func (k *Kit) publish(c table.Change) {
	events, err := repository.EnvelopeOf(c)
	if err != nil {
		k.T.Fatalf("envelope of %v: %v", c.Key, err)
	}
	k.published = append(k.published, events...)
	for _, e := range slices.Concat(events, events) {
		for _, m := range k.Modules {
			k.deliver(m, e)
		}
	}
}

func (k *Kit) deliver(m app.Module, e event.Envelope) {
	ctx := auth.With(k.T.Context(), auth.Platform(e.Org))
	for _, c := range m.Consumers {
		if c.Event != e.Name {
			continue
		}
		if err := c.Handle(ctx, e); err != nil {
			k.T.Errorf("consumer %s of %s: %v", c.Name, e.Name, err)
		}
	}
}

// Mailbox records messages instead of sending them.
type Mailbox struct {
	mu   sync.Mutex
	sent []mail.Message
}

// Send implements mail.Sender.
func (m *Mailbox) Send(_ context.Context, message mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, message)
	return nil
}

// Sent returns every message so far, oldest first.
func (m *Mailbox) Sent() []mail.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.sent)
}

// Clock stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a fixed instant.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 4, 10, 8, 20, 11, 0, time.UTC)} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
