package repository_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/testkit"
)

func TestBulkCreate(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	got := c.Call("POST", "/repository/bulk-create/tag", []any{
		object{"name": "one"}, newRecord("tag", object{"name": "two"}), object{"name": "one"}, object{"name": "x"},
	}).Want(http.StatusOK).Map()
	if got["total"] != 4.0 || got["created"] != 2.0 || got["failed"] != 2.0 {
		t.Errorf("bulk: %v", got)
	}
	got = c.Call("POST", "/repository/bulk-create/tag", object{
		"rows": []any{object{"Label": "one", "title": "One"}, object{"Label": "three"}}, "mapping": object{"Label": "name"}, "upsertKey": "name",
	}).Want(http.StatusOK).Map()
	if got["updated"] != 1.0 || got["created"] != 1.0 {
		t.Errorf("upsert: %v", got)
	}
	c.Call("POST", "/repository/bulk-create/tag", []any{}).Refused(http.StatusBadRequest, "invalid_input")
	c.Call("POST", "/repository/bulk-create/nosuch", []any{object{}}).Refused(http.StatusNotFound, "unknown_datatype")
	events := k.Events()
	if len(events) != 4 || events[0].Source != "import" {
		t.Errorf("events: %v", events)
	}
}

func TestTimedData(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	ids := make([]string, 0, 3)
	for _, name := range []string{"one", "two", "three"} {
		ids = append(ids, create(c, "tag", object{"name": name}))
		k.Clock.Advance(time.Hour)
	}
	got := list(t, c.Call("GET", "/repository/find-timed-data/tag?from=2026-04-10T09:00:00Z&to=2026-04-11", nil))
	if diff := cmp.Diff(ids[1:], idsOf(got)); diff != "" {
		t.Errorf("span (-want +got):\n%s", diff)
	}
	c.Call("GET", "/repository/find-timed-data/tag?from=noon", nil).Refused(http.StatusBadRequest, "invalid_input")
	if got := list(t, c.Call("GET", "/repository/activities/get/tag/"+ids[0], nil)); got.Total != 0 {
		t.Errorf("activities: %+v", got)
	}
	list(t, c.Call("GET", "/repository/activities/get?author=x&type=view", nil))
}

// An index added to a collection in use answers once the event is handled.
func TestIndexesAddedLater(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	create(c, "collection", object{"name": "books"})
	create(c, "books", object{"genre": "it"})
	c.Call("POST", "/repository/update-partial/collection/books", object{"data.schema": object{"properties": object{"genre": object{"type": "string", "indexed": true}}}}).Want(http.StatusOK)
	k.Clock.Advance(time.Minute)
	k.Settle()
	got := c.Call("GET", "/repository/collection/books", nil).Want(http.StatusOK)
	if data := got.Map()["data"].(object); data["pendingSlots"] != nil || got.String("data", "slots", "by3") != "data.genre" {
		t.Errorf("definition: %s", got.Body)
	}
	if found := list(t, c.Call("POST", "/repository/find/books", `{"query":{"data.genre":"it"}}`)); found.Total != 1 {
		t.Errorf("find: %+v", found)
	}
}
