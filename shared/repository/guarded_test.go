package repository_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

const account = `{"email":"ann@acme.example","firstName":"Ann","lastName":"A","password":"$argon2id$secret"}`

func TestSecretsAreStrippedAndKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.create("user", account)
	if !strings.Contains(string(user.Data), "argon2id") {
		t.Fatalf("a module cannot read what it stored: %s", user.Data)
	}
	g := w.repo.As(owner())
	doc, err := g.Get(t.Context(), "user", user.SK)
	if err != nil || strings.Contains(string(doc), "argon2id") {
		t.Errorf("get: %s, %v", doc, err)
	}
	for _, e := range w.events() {
		text, err := json.Marshal(e)
		if err != nil || strings.Contains(string(text), "argon2id") {
			t.Errorf("event: %s, %v", text, err)
		}
	}
	for _, query := range []string{`{"data.password":{"$regex":"^.a"}}`, `{"$or":[{"$not":{"data.password":"x"}}]}`, `{"data":{"$elemMatch":{"password":1}}}`} {
		if _, err := g.Find(t.Context(), "user", repository.Find{Filter: []byte(query)}); !errors.Is(err, filter.ErrInvalid) {
			t.Errorf("%s: got %v, want %v", query, err, filter.ErrInvalid)
		}
	}
}

func TestGenericUpdatesNeitherSetNorLoseSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	who := w.create("customer", `{"email":"jane@x.example","firstName":"Jane","lastName":"D","password":"$argon2id$secret"}`)
	g := w.repo.As(owner())
	for _, data := range []string{`{"email":"jane@x.example","firstName":"J","lastName":"D"}`, `{"email":"jane@x.example","firstName":"J","lastName":"D","password":"mine"}`} {
		if _, err := g.Update(t.Context(), "customer", who.SK, repository.Revision{Data: json.RawMessage(data)}); err != nil {
			t.Fatal(err)
		}
		stored, err := w.tenant().Get(t.Context(), "customer", who.SK)
		if err != nil || filter.Text(stored.Data, "password") != "$argon2id$secret" {
			t.Errorf("after %s: %s, %v", data, stored.Data, err)
		}
	}
}

func TestCredentialsAreForAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.create("apikey", `{"name":"key","keyHash":"h4sh","scopes":["read"]}`)
	if _, err := w.repo.As(staff()).Get(t.Context(), "apikey", key.SK); !errors.Is(err, auth.ErrForbidden) {
		t.Errorf("staff: got %v, want %v", err, auth.ErrForbidden)
	}
	doc, err := w.repo.As(owner()).Get(t.Context(), "apikey", key.SK)
	if err != nil || strings.Contains(string(doc), "h4sh") {
		t.Errorf("owner: %s, %v", doc, err)
	}
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"notes_of","schema":{}}`)
	jane, john := customer("customer-1", "jane@x.example"), customer("customer-2", "john@x.example")
	app := auth.Principal{Kind: auth.App, Org: acme, Home: acme, ID: "app-1", Verbs: auth.Verbs(auth.Read)}
	guest := auth.Principal{Kind: auth.Guest, Org: acme, Home: acme, ID: "guest-1", Verbs: auth.Verbs(auth.Read)}
	owned := func(r *record.Raw) { r.Owner = &record.Owner{Datatype: "customer", ID: "customer-1"} }
	ticket := w.create("address", `{"street1":"x"}`, owned)
	note := w.create("notes_of", `{}`)
	janes := w.create("notes_of", `{}`, owned)
	category := w.create("category", `{"name":"lamps"}`)
	for _, c := range []struct {
		who  auth.Principal
		rec  record.Raw
		want error
	}{
		{jane, ticket, nil},
		{john, ticket, table.ErrNotFound},
		{app, ticket, table.ErrNotFound},
		{guest, ticket, auth.ErrForbidden},
		{jane, note, table.ErrNotFound},
		{app, note, nil},
		{app, janes, table.ErrNotFound},
		{jane, janes, nil},
		{jane, category, nil},
		{app, category, nil},
		{guest, category, auth.ErrForbidden},
		{staff(), janes, nil},
	} {
		_, err := w.repo.As(c.who).Get(t.Context(), c.rec.Datatype, c.rec.SK)
		if !errors.Is(err, c.want) {
			t.Errorf("%s %s reads %s: got %v, want %v", c.who.Kind, c.who.ID, c.rec.Datatype, err, c.want)
		}
		page, err := w.repo.As(c.who).Find(t.Context(), c.rec.Datatype, repository.Find{Filter: []byte(`{"sk":"` + c.rec.SK + `"}`)})
		if (err == nil && page.Total == 1) != (c.want == nil) {
			t.Errorf("%s %s finds %d of %s (%v), want %v", c.who.Kind, c.who.ID, page.Total, c.rec.Datatype, err, c.want)
		}
	}
}

func TestMarksOverVerbs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wallet := w.create("wallet", `{}`)
	g := w.repo.As(owner())
	if _, err := g.Update(t.Context(), "wallet", wallet.SK, repository.Revision{Data: []byte(`{}`)}); !errors.Is(err, repository.ErrReserved) {
		t.Errorf("money: got %v, want %v", err, repository.ErrReserved)
	}
	if _, err := g.Delete(t.Context(), "wallet", wallet.SK); !errors.Is(err, repository.ErrReserved) {
		t.Errorf("money: got %v, want %v", err, repository.ErrReserved)
	}
	if _, err := g.Create(t.Context(), record.Raw{Datatype: "setting", Data: []byte(`{"name":"main"}`)}); err != nil {
		t.Errorf("an admin's setting: %v", err)
	}
}

func TestEnvelopesFitTheBus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"large","schema":{}}`)
	w.events()
	rec := w.create("large", `{"text":"`+strings.Repeat("x", 150<<10)+`"}`)
	rec.Data = json.RawMessage(`{"text":"` + strings.Repeat("y", 150<<10) + `"}`)
	rec, err := w.try(func(x *repository.Tx) { x.Update(rec) })
	if err != nil {
		t.Fatal(err)
	}
	rec.Data = json.RawMessage(`{"text":"` + strings.Repeat("y", 270<<10) + `"}`)
	if _, err := w.try(func(x *repository.Tx) { x.Update(rec) }); err != nil {
		t.Fatal(err)
	}
	events := w.events()
	if len(events) != 3 || events[0].Truncated || events[1].Truncated || events[1].Previous != nil || !events[2].Truncated {
		t.Fatalf("truncation: %d events", len(events))
	}
	if want := `{"datatype":"large","pk":"` + rec.SK + `","sk":"` + rec.SK + `","version":2}`; string(events[2].Data) != want {
		t.Errorf("got %s, want %s", events[2].Data, want)
	}
}

// What is hidden while it lives stays hidden in the trash.
func TestTrashHidesWhatWasHidden(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"salaries","requiredRole":{"read":["Publisher"]},"schema":{}}`)
	secret := w.create("salaries", `{"n":1}`)
	marked := w.create("tag", `{"name":"mine"}`, func(r *record.Raw) { r.RequiredRole = &record.RequiredRole{Read: []string{"Publisher"}} })
	plain := w.create("tag", `{"name":"all"}`)
	for _, rec := range []record.Raw{secret, marked, plain} {
		if _, err := w.try(func(x *repository.Tx) { x.Delete(rec) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		who  auth.Principal
		want int
	}{{owner(), 3}, {staff(auth.RolePublisher), 3}, {staff(auth.RolePowerUser), 1}} {
		page, err := w.repo.As(c.who).Find(t.Context(), "trash", repository.Find{})
		if err != nil || page.Total != c.want {
			t.Errorf("%v: %d records (%v), want %d", c.who.Roles, page.Total, err, c.want)
		}
	}
	if _, err := w.repo.As(staff(auth.RolePowerUser)).RestoreTrash(t.Context(), marked.SK); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("restore of a hidden record: got %v, want %v", err, table.ErrNotFound)
	}
	if _, err := w.repo.As(customer("customer-1", "jane@x.example")).Find(t.Context(), "trash", repository.Find{}); !errors.Is(err, auth.ErrForbidden) {
		t.Errorf("customer: got %v, want %v", err, auth.ErrForbidden)
	}
}

// A customer who signs up with a staff member's address owns nothing of theirs.
func TestAddressesDoNotMakeOwners(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"memos","schema":{}}`)
	memo := w.create("memos", `{}`)
	impostor := customer("customer-9", memo.Author)
	if _, err := w.repo.As(impostor).Get(t.Context(), "memos", memo.SK); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("got %v, want %v", err, table.ErrNotFound)
	}
}

func TestPlainWritesDoNotApprove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tag := w.create("tag", `{"name":"lamps"}`)
	doc, err := w.repo.As(staff(auth.RolePowerUser)).Update(t.Context(), "tag", tag.SK, repository.Revision{State: record.Approved})
	if err != nil || filter.Text(doc, "state") != "new" {
		t.Errorf("got %s, %v", doc, err)
	}
}

// Items that modules keep beside the collections are no records, whatever a
// collection is called.
func TestOnlyRecordsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"inner","schema":{}}`)
	put := table.Put{Item: table.Item{Key: table.Key{Part: "inner", Sort: "a"}, Doc: table.Doc(`{"hash":"x","sk":"a"}`)}}
	if _, err := w.tenant().Table().Write(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	g := w.repo.As(owner())
	if _, err := g.Get(t.Context(), "inner", "a"); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("get: got %v, want %v", err, table.ErrNotFound)
	}
	for _, query := range []string{"", `{"hash":"x"}`, `{"sk":"a"}`} {
		page, err := g.Find(t.Context(), "inner", repository.Find{Filter: []byte(query)})
		if err != nil || len(page.Docs) != 0 {
			t.Errorf("find %s: %d, %v", query, len(page.Docs), err)
		}
	}
}
