package repository_test

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table/embedded"
	"github.com/appmint/appengine/shared/table/tabletest"
	"github.com/appmint/appengine/shared/testkit"
)

// world is a repository over an empty engine, with a clock that stands still.
type world struct {
	t      testing.TB
	clock  *testkit.Clock
	engine *embedded.Engine
	calls  *tabletest.Counter
	repo   *repository.Repository
	cursor string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: testkit.NewClock()}
	engine, err := embedded.OpenMemory(embedded.Options{Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	w.engine, w.calls = engine, tabletest.Counting(engine)
	w.repo = repository.New(repository.Options{
		Table: w.calls, Now: w.clock.Now, NewID: app.NewIDs(w.clock.Now, rand.Reader),
		Random: func(b []byte) { _, _ = rand.Read(b) },
	})
	return w
}

const acme org.ID = "acme"

func (w *world) tenant() repository.Tenant { return w.repo.Tenant(acme) }

func staff(roles ...auth.Role) auth.Principal {
	return auth.Principal{
		Kind: auth.User, Org: acme, Home: acme, ID: "user-1", Email: "ann@acme.example", Name: "Ann",
		Roles: roles, Verbs: auth.VerbsOf(append(roles, auth.RoleUser)),
	}
}

func owner() auth.Principal { return staff(auth.RoleOwner) }

func customer(id, email string) auth.Principal {
	return auth.Principal{
		Kind: auth.Customer, Org: acme, Home: acme, ID: id, Email: email,
		Roles: []auth.Role{auth.RoleCustomer}, Verbs: auth.VerbsOf([]auth.Role{auth.RoleCustomer}),
	}
}

// create stores one record through a Tenant.
func (w *world) create(datatype, data string, more ...func(*record.Raw)) record.Raw {
	w.t.Helper()
	rec := record.Raw{Datatype: datatype, Data: json.RawMessage(data)}
	for _, m := range more {
		m(&rec)
	}
	stored, err := w.try(func(x *repository.Tx) { x.Create(rec) })
	if err != nil {
		w.t.Fatalf("create %s %s: %v", datatype, data, err)
	}
	return stored
}

func (w *world) try(add func(*repository.Tx)) (record.Raw, error) {
	w.t.Helper()
	tx := w.tenant().Begin(owner())
	add(tx)
	stored, err := tx.Commit(w.t.Context())
	if err != nil {
		return record.Raw{}, err
	}
	return stored[0], nil
}

// define makes a run-time collection.
func (w *world) define(data string) { w.t.Helper(); w.create("collection", data) }

// events returns what was announced since the last call.
func (w *world) events() []event.Envelope {
	w.t.Helper()
	var all []event.Envelope
	for {
		changes, next, err := w.engine.Changes(w.t.Context(), w.cursor, 500)
		if err != nil {
			w.t.Fatal(err)
		}
		w.cursor = next
		if len(changes) == 0 {
			return all
		}
		for _, c := range changes {
			envelopes, err := repository.EnvelopeOf(c)
			if err != nil {
				w.t.Fatal(err)
			}
			all = append(all, envelopes...)
		}
	}
}

func names(events []event.Envelope) []string {
	list := make([]string, 0, len(events))
	for _, e := range events {
		list = append(list, e.Name)
	}
	return list
}

func (w *world) find(datatype, filter string, o repository.ListOptions) repository.Page {
	w.t.Helper()
	page, err := w.tenant().Find(w.t.Context(), datatype, repository.Find{Filter: json.RawMessage(filter), Options: o})
	if err != nil {
		w.t.Fatalf("find %s %s: %v", datatype, filter, err)
	}
	return page
}

func ids(page repository.Page) []string {
	list := make([]string, 0, len(page.Data))
	for _, r := range page.Data {
		list = append(list, r.SK)
	}
	return list
}

func (w *world) total(datatype string) int {
	w.t.Helper()
	n, err := w.tenant().Total(w.t.Context(), datatype)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// fresh is a name that nothing else has.
func (w *world) fresh() string {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return "n" + hex.EncodeToString(b[:])
}
