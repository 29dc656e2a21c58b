package repository_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

func TestCreateFillsTheEnvelope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.create("tag", `{"name":"Lamps"}`)
	if got.SK == "" || got.PK != got.SK || got.Version != 0 || got.State != record.New || got.Name != "lamps" {
		t.Errorf("envelope: %+v", got)
	}
	if got.Author != "ann@acme.example" || got.CreatedBy != got.Author || !got.CreateDate.Equal(w.clock.Now()) {
		t.Errorf("origin: %+v", got)
	}
	loaded, err := w.tenant().Get(t.Context(), "tag", got.SK)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, loaded); diff != "" {
		t.Errorf("loaded (-created +loaded):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"collection-create"}, names(w.events())); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestUpdateRaisesTheVersionAndRefusesStaleOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create("tag", `{"name":"lamps"}`)
	second := first
	second.Data = json.RawMessage(`{"name":"bulbs"}`)
	stored, err := w.try(func(x *repository.Tx) { x.Update(second) })
	if err != nil || stored.Version != 1 || stored.Name != "bulbs" {
		t.Fatalf("update: %+v, %v", stored, err)
	}
	_, err = w.try(func(x *repository.Tx) { x.Update(second) })
	f, _ := fault.From(err)
	if !errors.Is(err, repository.ErrVersion) || f.Extra["currentVersion"] != int64(1) {
		t.Errorf("stale update: got %v %v, want %v with currentVersion 1", err, f, repository.ErrVersion)
	}
	events := w.events()
	if diff := cmp.Diff([]string{"collection-create", "collection-update"}, names(events)); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"data.name", "name"}, events[1].Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if len(events[1].Previous) == 0 || events[1].Version != 1 || events[1].RecordID != first.SK {
		t.Errorf("envelope: %+v", events[1])
	}
}

func TestUniqueValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"books","schema":{"properties":{"isbn":{"type":"string","unique":true},"n":{"type":"number"}}}}`)
	first := w.create("books", `{"isbn":"A-1"}`)
	w.create("books", `{"n":1}`) // absent is no value
	w.create("books", `{"n":2}`)
	_, err := w.try(func(x *repository.Tx) {
		x.Create(record.Raw{Datatype: "books", Data: json.RawMessage(`{"isbn":"a-1"}`)})
	})
	f, _ := fault.From(err)
	if !errors.Is(err, repository.ErrTaken) || f.Extra["field"] != "data.isbn" {
		t.Fatalf("second with the same isbn: got %v", err)
	}
	first.Data = json.RawMessage(`{"isbn":"A-2"}`)
	first, err = w.try(func(x *repository.Tx) { x.Update(first) })
	if err != nil {
		t.Fatal(err)
	}
	other := w.create("books", `{"isbn":"A-1"}`) // freed by the update
	found, err := w.tenant().Lookup(t.Context(), "books", "isbn", "a-1")
	if err != nil || found.SK != other.SK {
		t.Errorf("lookup: got %v, %v; want %v", found.SK, err, other.SK)
	}
	if _, err = w.try(func(x *repository.Tx) { x.Delete(first) }); err != nil {
		t.Fatal(err)
	}
	taker := w.create("books", `{"isbn":"A-2"}`) // freed by the deletion
	trash, err := w.tenant().Trashed(t.Context(), first.SK)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.try(func(x *repository.Tx) { x.Restore(trash) }); !errors.Is(err, repository.ErrTaken) {
		t.Errorf("restore with a taken isbn: got %v, want %v", err, repository.ErrTaken)
	}
	if _, err = w.try(func(x *repository.Tx) { x.Purge(taker) }); err != nil {
		t.Fatal(err)
	}
	if _, err = w.try(func(x *repository.Tx) { x.Restore(trash) }); err != nil {
		t.Errorf("restore: %v", err)
	}
	if got := w.total("books"); got != 4 {
		t.Errorf("total: got %d, want 4", got)
	}
}

// One step may take the value that another step of the same transaction frees.
func TestUniqueValueMovesWithinOneTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.create("tag", `{"name":"lamps"}`)
	_, err := w.try(func(x *repository.Tx) {
		x.Delete(first)
		x.Create(record.Raw{Datatype: "tag", Data: json.RawMessage(`{"name":"lamps"}`)})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.total("tag"); got != 1 {
		t.Errorf("total: got %d, want 1", got)
	}
}

func TestScopedUniqueness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("page", `{"site":"one","name":"home","slug":"home"}`)
	w.create("page", `{"site":"two","name":"home","slug":"home"}`)
	_, err := w.try(func(x *repository.Tx) {
		x.Create(record.Raw{Datatype: "page", Data: json.RawMessage(`{"site":"two","name":"other","slug":"home"}`)})
	})
	if f, _ := fault.From(err); !errors.Is(err, repository.ErrTaken) || f.Extra["field"] != "data.slug" {
		t.Errorf("got %v, want %v for data.slug", err, repository.ErrTaken)
	}
}

func TestDerivedNamesAreNotUnique(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.create("post", `{"title":"Hello World"}`), w.create("post", `{"title":"Hello World","slug":"other"}`)
	if a.Name != "hello-world" || b.Name != a.Name {
		t.Errorf("names: got %q and %q", a.Name, b.Name)
	}
	explicit := func(r *record.Raw) { r.Name = "Chosen Name" }
	if got := w.create("post", `{"title":"x one"}`, explicit); got.Name != "chosen-name" {
		t.Errorf("explicit name: got %q", got.Name)
	}
	_, err := w.try(func(x *repository.Tx) {
		x.Create(record.Raw{Datatype: "post", Name: "chosen-name", Data: json.RawMessage(`{"title":"x two"}`)})
	})
	if !errors.Is(err, repository.ErrTaken) {
		t.Errorf("second with the same name: got %v, want %v", err, repository.ErrTaken)
	}
}

func TestTrashAndRestore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.create("tag", `{"name":"lamps"}`)
	w.events()
	if _, err := w.try(func(x *repository.Tx) { x.Delete(rec); x.Emit("tag.gone", map[string]string{"why": "test"}) }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.tenant().Get(t.Context(), "tag", rec.SK); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("deleted record: got %v, want %v", err, table.ErrNotFound)
	}
	events := w.events()
	if diff := cmp.Diff([]string{"collection-delete", "tag.gone"}, names(events)); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	if events[0].Datatype != "tag" || events[0].RecordID != rec.SK || string(events[1].Payload) != `{"why":"test"}` {
		t.Errorf("the event is not about the deleted record: %+v", events)
	}
	if w.total("tag") != 0 || w.total("trash") != 1 {
		t.Errorf("totals: tag %d, trash %d", w.total("tag"), w.total("trash"))
	}
	trash, err := w.tenant().Trashed(t.Context(), rec.SK)
	if err != nil {
		t.Fatal(err)
	}
	back, err := w.try(func(x *repository.Tx) { x.Restore(trash) })
	if err != nil || back.SK != rec.SK || back.State != rec.State || back.Version != 1 {
		t.Errorf("restored: %+v, %v", back, err)
	}
	if w.total("tag") != 1 || w.total("trash") != 0 {
		t.Errorf("totals: tag %d, trash %d", w.total("tag"), w.total("trash"))
	}
	events = w.events()
	if diff := cmp.Diff([]string{"collection-update"}, names(events)); diff != "" || !cmp.Equal(events[0].Changed, []string{"state"}) {
		t.Errorf("events of the restore: %+v", events)
	}
}

func TestPurgeAnnouncesTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.create("site", `{"name":"shop"}`)
	w.events()
	if _, err := w.try(func(x *repository.Tx) { x.Purge(rec) }); err != nil {
		t.Fatal(err)
	}
	events := w.events()
	if diff := cmp.Diff([]string{"collection-delete", "site-delete"}, names(events)); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	if events[0].Datatype != "site" || events[0].RecordID != rec.SK || w.total("trash") != 0 {
		t.Errorf("event: %+v, trash %d", events[0], w.total("trash"))
	}
}

func TestHistoryKeepsEveryVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.create("post", `{"title":"one"}`)
	for _, title := range []string{"two", "three"} {
		rec.Data = json.RawMessage(`{"title":"` + title + `"}`)
		var err error
		if rec, err = w.try(func(x *repository.Tx) { x.Update(rec) }); err != nil {
			t.Fatal(err)
		}
	}
	docs, err := w.tenant().History(t.Context(), "post", rec.SK, 10)
	if err != nil || len(docs) != 3 {
		t.Fatalf("history: %d entries, %v", len(docs), err)
	}
	old, err := w.tenant().Version(t.Context(), "post", rec.SK, 1)
	if err != nil || old.SourceDatatype != "post" || old.Version != 1 {
		t.Errorf("version 1: %+v, %v", old, err)
	}
	tag := w.create("tag", `{"name":"lamps"}`)
	if docs, err := w.tenant().History(t.Context(), "tag", tag.SK, 10); err != nil || len(docs) != 0 {
		t.Errorf("history of a tag: %d entries, %v", len(docs), err)
	}
}

func TestATransactionIsAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("tag", `{"name":"lamps"}`)
	w.events()
	_, err := w.try(func(x *repository.Tx) {
		x.Create(record.Raw{Datatype: "tag", Data: json.RawMessage(`{"name":"bulbs"}`)})
		x.Create(record.Raw{Datatype: "tag", Data: json.RawMessage(`{"name":"lamps"}`)})
	})
	if !errors.Is(err, repository.ErrTaken) || w.total("tag") != 1 || len(w.events()) != 0 {
		t.Errorf("got %v, total %d", err, w.total("tag"))
	}
	_, err = w.try(func(x *repository.Tx) {
		for range 60 {
			x.Create(record.Raw{Datatype: "tag", Data: json.RawMessage(`{"name":"` + w.fresh() + `"}`)})
		}
	})
	if !errors.Is(err, repository.ErrTooMany) {
		t.Errorf("60 creates with names: got %v, want %v", err, repository.ErrTooMany)
	}
}

var errStop = errors.New("stop")

func TestChangeRetriesAndStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.create("tag", `{"name":"lamps"}`)
	type tag struct {
		Name string `json:"name"`
	}
	tries := 0
	got, err := repository.Change(t.Context(), w.tenant(), owner(), "tag", rec.SK, func(r *record.Record[tag], _ *repository.Tx) error {
		if tries++; tries == 1 { // somebody else is faster
			if _, err := w.try(func(x *repository.Tx) { x.Update(rec) }); err != nil {
				t.Fatal(err)
			}
		}
		r.Data.Name = "bulbs"
		return nil
	})
	if err != nil || tries != 2 || got.Version != 2 || got.Data.Name != "bulbs" {
		t.Errorf("got %+v after %d tries, %v", got, tries, err)
	}
	_, err = repository.Change(t.Context(), w.tenant(), owner(), "tag", rec.SK, func(*record.Record[tag], *repository.Tx) error { return errStop })
	if !errors.Is(err, errStop) {
		t.Errorf("got %v, want %v", err, errStop)
	}
}

func TestUnknownCollection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.try(func(x *repository.Tx) { x.Create(record.Raw{Datatype: "nosuch"}) }); !errors.Is(err, collection.ErrUnknown) {
		t.Errorf("got %v, want %v", err, collection.ErrUnknown)
	}
	w.define(`{"name":"nosuch"}`)
	w.create("nosuch", `{"a":1}`) // works at once
}
