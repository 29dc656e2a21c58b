package repository_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/testkit"
)

func TestIfMatchGuardsUpdates(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	tag := c.Call("GET", "/repository/get/post/"+id, nil).Want(http.StatusOK).Header.Get("Etag")
	if tag != `"0"` {
		t.Fatalf("ETag: got %q, want %q", tag, `"0"`)
	}
	body := object{"data": object{"title": "two"}}
	got := c.Call("POST", "/repository/update/post/"+id, body, "If-Match", tag).Want(http.StatusOK).Header.Get("Etag")
	if got != `"1"` {
		t.Errorf("ETag of the update: got %q", got)
	}
	full := object{"sk": id, "datatype": "post", "data": object{"title": "two"}}
	for path, body := range map[string]object{
		"update/post/" + id: body, "update/" + id: body, "update/post": full, "update": full,
		"update-partial/post/" + id: {"data.title": "two"},
	} {
		c.Call("POST", "/repository/"+path, body, "If-Match", tag).Refused(http.StatusConflict, "version_conflict")
	}
	c.Call("POST", "/repository/update/post/"+id, object{"version": 1, "data": object{}}, "If-Match", tag).Refused(http.StatusConflict, "version_conflict")
	c.Call("POST", "/repository/update-partial/post/"+id, object{"version": 1, "data.title": "x"}, "If-Match", tag).Refused(http.StatusConflict, "version_conflict")
	c.Call("POST", "/repository/update/post/"+id, body, "If-Match", "abc").Refused(http.StatusBadRequest, "invalid_etag")
	c.Call("POST", "/repository/update-partial/post/"+id, object{"data.title": "three"}, "If-Match", `"1"`).Want(http.StatusOK)
}

func TestIdempotencyKeyOnWrites(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	body := newRecord("post", object{"title": "one"})
	first := c.Call("PUT", "/repository/create", body, "Idempotency-Key", "k1").Want(http.StatusCreated)
	again := c.Call("PUT", "/repository/create", body, "Idempotency-Key", "k1").Want(http.StatusCreated)
	if diff := cmp.Diff(string(first.Body), string(again.Body)); diff != "" {
		t.Errorf("replay (-first +again):\n%s", diff)
	}
	c.Call("PUT", "/repository/create", newRecord("post", object{"title": "two"}), "Idempotency-Key", "k1").Refused(http.StatusConflict, "idempotency_conflict")
	path := "/repository/delete/post/" + first.String("sk")
	c.Call("DELETE", path, nil, "Idempotency-Key", "k2").Want(http.StatusOK)
	c.Call("DELETE", path, nil, "Idempotency-Key", "k2").Want(http.StatusOK)
	c.Call("DELETE", path, nil).Refused(http.StatusNotFound, "not_found")
	if diff := cmp.Diff([]string{"collection-create", "collection-delete"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	other := k.Owner("globex").Call("PUT", "/repository/create", body, "Idempotency-Key", "k1").Want(http.StatusCreated)
	if other.String("sk") == first.String("sk") {
		t.Error("another org got the answer")
	}
}
