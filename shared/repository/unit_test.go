package repository_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
)

// A unit's writes commit together; one that is refused takes the others along.
func TestUnitIsAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"things"}`)
	id := w.create("things", `{"n":1,"password":"hush"}`).SK
	w.create("tag", `{"name":"lamps"}`)
	w.events()
	unit := w.repo.As(owner()).Unit()
	raise := func(whole map[string]any) (bool, error) {
		whole["data"].(map[string]any)["n"], whole["version"] = 2, 9
		return true, nil
	}
	if matched, err := unit.Edit(t.Context(), "things", id, nil, raise); !matched || err != nil {
		t.Fatal(matched, err)
	}
	if err := unit.Insert(t.Context(), record.Raw{Datatype: "tag", Data: json.RawMessage(`{"name":"lamps"}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := unit.Commit(t.Context()); !errors.Is(err, repository.ErrTaken) || len(w.events()) > 0 {
		t.Fatalf("got %v, want %v and nothing written", err, repository.ErrTaken)
	}
	unit = w.repo.As(owner()).Unit()
	if _, err := unit.Edit(t.Context(), "things", id, nil, raise); err != nil {
		t.Fatal(err)
	}
	docs, err := unit.Commit(t.Context())
	if err != nil || filter.Get(docs[0], "data", "password") != nil || string(filter.Get(docs[0], "version")) != "1" {
		t.Errorf("answer: %s, %v", docs, err)
	}
	stored, err := w.tenant().Get(t.Context(), "things", id)
	if err != nil || filter.Text(stored.Data, "password") != "hush" {
		t.Errorf("stored: %s, %v", stored.Data, err)
	}
}

func TestUnitChecksAsGuardedDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"things"}`)
	id := w.create("things", `{"n":1}`).SK
	nothing := func(map[string]any) (bool, error) { return false, nil }
	unit := w.repo.As(staff(auth.RolePublisher)).Unit()
	if _, err := unit.Delete(t.Context(), "things", id, nil, true); !errors.Is(err, auth.ErrForbidden) {
		t.Errorf("hard delete: got %v, want %v", err, auth.ErrForbidden)
	}
	if matched, err := unit.Edit(t.Context(), "things", id, filter.Equal("sk", "other"), nothing); matched || err != nil {
		t.Errorf("no match: got %v, %v", matched, err)
	}
	if _, err := w.repo.As(staff()).Unit().Edit(t.Context(), "things", id, nil, nothing); !errors.Is(err, auth.ErrForbidden) {
		t.Errorf("edit: got %v, want %v", err, auth.ErrForbidden)
	}
	if docs, err := unit.Commit(t.Context()); docs != nil || err != nil {
		t.Errorf("nothing to do: got %v, %v", docs, err)
	}
}

func TestAllShowsWhatFindShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.define(`{"name":"things"}`)
	w.create("things", `{"n":1,"password":"hush"}`)
	w.create("things", `{"n":2}`, func(r *record.Raw) { r.RequiredRole = &record.RequiredRole{Read: []string{"Boss"}} })
	for _, test := range []struct {
		who  auth.Principal
		want int
	}{{owner(), 2}, {staff(), 1}} {
		docs, err := w.repo.As(test.who).All(t.Context(), "things", repository.Find{})
		if err != nil || len(docs) != test.want || filter.Get(docs[0], "data", "password") != nil {
			t.Errorf("%v: got %s, %v", test.who.Roles, docs, err)
		}
	}
	_, err := w.repo.As(owner()).All(t.Context(), "things", repository.Find{Filter: json.RawMessage(`{"data.password":"hush"}`)})
	if !errors.Is(err, filter.ErrInvalid) {
		t.Errorf("secret: got %v, want %v", err, filter.ErrInvalid)
	}
	if diff := cmp.Diff([]string{"password", ""}, []string{repository.Hidden("things", "n", "password"), repository.Hidden("things", "n")}); diff != "" {
		t.Error(diff)
	}
}
