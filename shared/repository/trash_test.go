package repository_test

import (
	"errors"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

func TestTrashGoesByAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.repo.As(owner())
	kept, lost := w.create("post", `{"title":"kept"}`), w.create("post", `{"title":"lost"}`)
	for _, rec := range []record.Raw{kept, lost} {
		if _, err := g.Delete(t.Context(), "post", rec.SK); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Advance(repository.TrashWindow - time.Hour)
	if n := w.total("trash"); n != 2 {
		t.Errorf("trash within the window: got %d, want 2", n)
	}
	if _, err := g.RestoreTrash(t.Context(), kept.SK); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	page := w.find("trash", "", repository.ListOptions{})
	if page.Total != 0 || len(page.Data) != 0 {
		t.Errorf("trash after the window: %+v", page)
	}
	if _, err := g.RestoreTrash(t.Context(), lost.SK); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("restore after the window: got %v, want %v", err, table.ErrNotFound)
	}
	w.clock.Advance(2 * repository.TrashWindow)
	if _, err := g.Get(t.Context(), "post", kept.SK); err != nil {
		t.Errorf("restored record: %v", err)
	}
	if n := w.total("post"); n != 1 {
		t.Errorf("posts: got %d, want 1", n)
	}
	if _, err := w.repo.As(staff(auth.RolePublisher)).Find(t.Context(), "trash", repository.Find{}); err != nil {
		t.Errorf("staff lists the trash: %v", err)
	}
}
