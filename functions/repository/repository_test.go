package repository_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/testkit"
)

type object = map[string]any

func newRecord(datatype string, data object) object {
	return object{"datatype": datatype, "isNew": true, "data": data}
}

// make stores one record and returns its id.
func create(c testkit.Client, datatype string, data object) string {
	got := c.Call("PUT", "/repository/create", newRecord(datatype, data))
	return got.Want(http.StatusCreated).String("sk")
}

type page struct {
	Data     []object `json:"data"`
	Total    int      `json:"total"`
	Page     int      `json:"page"`
	PageSize int      `json:"pageSize"`
	HasNext  bool     `json:"hasNext"`
}

func list(t *testing.T, r testkit.Response) page {
	t.Helper()
	var p page
	r.Want(http.StatusOK).Into(&p)
	return p
}

func idsOf(p page) []string {
	list := make([]string, 0, len(p.Data))
	for _, r := range p.Data {
		id, _ := r["sk"].(string)
		list = append(list, id)
	}
	return list
}

func TestAccess(t *testing.T) {
	t.Parallel()
	testkit.New(t, repository.New).ExerciseAccess()
}

func TestCreateReadUpdateDelete(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	made := c.Call("PUT", "/repository/create", object{"datatype": "tag", "isNew": true, "data": object{"name": "Lamps"}, "clientQuery": nil, "pk": "x", "version": 7})
	made.Want(http.StatusCreated)
	id := made.String("sk")
	if m := made.Map(); m["pk"] != id || m["version"] != 0.0 || m["name"] != "lamps" || m["createdate"] != "2026-04-10T08:20:11.000Z" {
		t.Errorf("created: %s", made.Body)
	}
	got := c.Call("GET", "/repository/get/tag/"+id, nil).Want(http.StatusOK)
	if diff := cmp.Diff(made.Map(), got.Map()); diff != "" {
		t.Errorf("get (-created +got):\n%s", diff)
	}
	for _, path := range []string{"get/" + id, "get/tag/lamps", "find-any-id/tag/" + id} {
		if got := c.Call("GET", "/repository/"+path, nil).Want(http.StatusOK).String("sk"); got != id {
			t.Errorf("%s: got %s, want %s", path, got, id)
		}
	}
	updated := c.Call("POST", "/repository/update/tag/"+id, object{"data": object{"name": "bulbs"}, "version": 0, "author": "me"}).Want(http.StatusOK)
	if m := updated.Map(); m["version"] != 1.0 || m["author"] != "owner@acme.example" {
		t.Errorf("updated: %s", updated.Body)
	}
	stale := c.Call("POST", "/repository/update/tag/"+id, object{"data": object{"name": "bulbs"}, "version": 0})
	stale.Refused(http.StatusConflict, "version_conflict")
	if stale.Map()["currentVersion"] != 1.0 {
		t.Errorf("conflict does not say the version: %s", stale.Body)
	}
	deleted := c.Call("DELETE", "/repository/delete/tag/"+id, nil).Want(http.StatusOK)
	if m := deleted.Map(); m["deleted"] != true || m["sk"] != id {
		t.Errorf("deleted: %s", deleted.Body)
	}
	c.Call("GET", "/repository/get/tag/"+id, nil).Refused(http.StatusNotFound, "not_found")
	c.Call("POST", "/repository/update/tag/"+id, object{"data": object{}}).Refused(http.StatusNotFound, "not_found")
	if diff := cmp.Diff([]string{"collection-create", "collection-update", "collection-delete"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	back := c.Call("POST", "/repository/trash-restore/"+id, nil).Want(http.StatusOK)
	if m := back.Map(); m["sk"] != id || m["version"] != 2.0 || m["state"] != "new" {
		t.Errorf("restored: %s", back.Body)
	}
}

func TestUpdateSpellings(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	for i, call := range []struct {
		path string
		body object
	}{
		{"/repository/update/post/" + id, object{"data": object{"title": "two"}}},
		{"/repository/update/" + id, object{"data": object{"title": "two"}}},
		{"/repository/update/post", object{"sk": id, "data": object{"title": "two"}}},
		{"/repository/update", object{"sk": id, "datatype": "post", "data": object{"title": "two"}}},
		{"/repository/update", object{"data": object{"sk": id, "datatype": "post", "data": object{"title": "two"}}}},
		{"/repository/update-partial/post/" + id, object{"data.title": "two", "clientQuery": object{}}},
	} {
		got := c.Call("POST", call.path, call.body).Want(http.StatusOK)
		if m := got.Map(); m["version"] != float64(i+1) || got.String("data", "title") != "two" {
			t.Errorf("%s: %s", call.path, got.Body)
		}
	}
}

func TestPartialUpdate(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	c.Call("PUT", "/repository/create", newRecord("collection", object{"name": "things"})).Want(http.StatusCreated)
	id := create(c, "things", object{"a": 1, "settings": object{"theme": "light", "size": 3}, "rows": []object{{"n": 1}}})
	got := c.Call("POST", "/repository/update-partial/things/"+id, object{
		"data.settings.theme": "dark", "data.rows.0.n": 2, "data.new.deep": true, "version": 0, "author": "x", "unknown": 1,
	}).Want(http.StatusOK)
	want := object{"a": 1.0, "settings": object{"theme": "dark", "size": 3.0}, "rows": []any{object{"n": 2.0}}, "new": object{"deep": true}}
	if diff := cmp.Diff(want, got.Map()["data"]); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	got = c.Call("POST", "/repository/update-partial/things/"+id, object{"data.settings": object{"only": 1}}).Want(http.StatusOK)
	if settings := got.Map()["data"].(object)["settings"]; !cmp.Equal(settings, object{"only": 1.0}) {
		t.Errorf("branch: got %v", settings)
	}
	c.Call("POST", "/repository/update-partial/things/"+id, object{"data.a": 2, "version": 0}).Refused(http.StatusConflict, "version_conflict")
	c.Call("POST", "/repository/update-partial/things/"+id, object{}).Refused(http.StatusBadRequest, "invalid_input")
	c.Call("POST", "/repository/update-partial/things/"+id, object{"data..a": 2}).Refused(http.StatusBadRequest, "invalid_record")
}

func TestCreateGuards(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	refused := c.Call("PUT", "/repository/create", object{"datatype": "metrics", "data": object{}})
	refused.Refused(http.StatusBadRequest, "not_new")
	if want := "Not a new metrics, please use update or set the new property"; refused.String("message") != want {
		t.Errorf("message: got %q, want %q", refused.String("message"), want)
	}
	c.Call("PUT", "/repository/create", newRecord("nosuch", object{})).Refused(http.StatusNotFound, "unknown_datatype")
	c.Call("PUT", "/repository/create", newRecord("user", object{})).Refused(http.StatusForbidden, "reserved_datatype")
	c.Call("PUT", "/repository/create", newRecord("event", object{"name": "x1"})).Refused(http.StatusForbidden, "reserved_datatype")
	c.Call("PUT", "/repository/create", `[`).Want(http.StatusBadRequest)
	c.Call("PUT", "/repository/create", `{"isNew":true}`).Refused(http.StatusBadRequest, "invalid_input")
	bad := c.Call("PUT", "/repository/create", newRecord("subscriber", object{"email": "no mail"}))
	bad.Refused(http.StatusBadRequest, "validation_failed")
	if !strings.Contains(string(bad.Body), `"data.email"`) {
		t.Errorf("details do not name the field: %s", bad.Body)
	}
	create(c, "tag", object{"name": "lamps"})
	k.Clock.Advance(1e9)
	create(c, "tag", object{"name": "bulbs"})
	c.Call("PUT", "/repository/create", newRecord("tag", object{"name": "lamps", "title": "x"})).Refused(http.StatusConflict, "unique_conflict")
	if n := len(k.Events()); n != 2 {
		t.Errorf("events: got %d, want 2", n)
	}
}

func TestIdenticalCreateIsDropped(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	body := newRecord("comment", object{"title": "one", "message": "hello"})
	c.Call("PUT", "/repository/create", body).Want(http.StatusCreated)
	again := c.Call("PUT", "/repository/create", body).Want(http.StatusOK)
	if len(again.Body) != 0 {
		t.Errorf("repeat: got %s, want nothing", again.Body)
	}
	k.Staff("acme", "bob@acme.example", auth.RoleOwner).Call("PUT", "/repository/create", body).Want(http.StatusCreated)
	k.Clock.Advance(11e9)
	c.Call("PUT", "/repository/create", body).Want(http.StatusCreated)
	if n := len(k.Events()); n != 3 {
		t.Errorf("events: got %d, want 3", n)
	}
}

func TestCreateInAPath(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	for path, body := range map[string]object{
		"tag":     {"name": "plain"},
		"mysite":  newRecord("tag", object{"name": "wrapped"}),
		"tag?x=1": {"data": object{"name": "bare"}, "isNew": true},
	} {
		got := c.Call("POST", "/repository/create/"+path, body).Want(http.StatusCreated)
		if got.String("datatype") != "tag" {
			t.Errorf("%s: %s", path, got.Body)
		}
	}
	c.Call("POST", "/repository/create/mysite", object{"name": "x"}).Refused(http.StatusNotFound, "unknown_datatype")
}

func TestFind(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	ids := make([]string, 0, 3)
	for _, name := range []string{"alpha", "beta", "gamma"} {
		ids = append(ids, create(c, "tag", object{"name": name}))
		k.Clock.Advance(1e9)
	}
	newest := slices.Clone(ids)
	slices.Reverse(newest)
	for path, want := range map[string][]string{
		"find/tag":                            newest,
		"find-page-data/tag?p=0&ps=NaN":       newest,
		"find/tag?p=2&ps=2":                   ids[:1],
		"find/tag?p=9":                        {},
		"find/tag?s=data.name&st=asc":         ids,
		"find/tag?sort=-data.name":            newest,
		"find-by-attribute/tag":               newest,
		"find-by-attribute/tag/name/ALPH":     ids[:1],
		"find-by-attribute/tag/name/a?s=name": newest,
		"search/tag?keyword=bet":              ids[1:2],
		"query/tag?query=" + url.QueryEscape(`{"data.name":{"$in":["beta","gamma"]}}`): {ids[2], ids[1]},
	} {
		got := list(t, c.Call("GET", "/repository/"+path, nil))
		if diff := cmp.Diff(want, idsOf(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	got := list(t, c.Call("GET", "/repository/find/tag?ps=2", nil))
	if got.Total != 3 || !got.HasNext || got.PageSize != 2 || got.Page != 1 {
		t.Errorf("page: %+v", got)
	}
	got = list(t, c.Call("POST", "/repository/find/tag", object{"data.name": "beta", "query": object{"data.name": object{"$gte": "beta"}}, "options": object{"sort": object{"data.name": 1}, "pageSize": "1"}}))
	if got.Total != 2 || !cmp.Equal(idsOf(got), ids[1:2]) {
		t.Errorf("find: %+v", got)
	}
	for body, reason := range map[string]string{
		`{"query":{"$where":"1"}}`:                  "invalid_filter",
		`{"query":"text"}`:                          "invalid_filter",
		`{"query":{"data.name":{"$near":1}}}`:       "invalid_filter",
		`{"query":{"data.password":{"$regex":""}}}`: "invalid_filter",
		`{"options":{"sort":"$x"}}`:                 "invalid_sort",
		`{"options":5}`:                             "invalid_input",
	} {
		c.Call("POST", "/repository/find/tag", body).Refused(http.StatusBadRequest, reason)
	}
	c.Call("GET", "/repository/find/nosuch", nil).Refused(http.StatusNotFound, "unknown_datatype")
	c.Call("GET", "/repository/find/tag?p=x", nil).Want(http.StatusBadRequest)
}

func TestProjection(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one", "description": "text"})
	for options, want := range map[string]object{
		`{"includeFields":["data.title"]}`:                      {"pk": id, "sk": id, "datatype": "post", "version": 0.0, "data": object{"title": "one"}},
		`{"select":["name"]}`:                                   {"pk": id, "sk": id, "datatype": "post", "version": 0.0, "name": "one"},
		`{"select":["data.title"],"maskFields":["data.title"]}`: {"pk": id, "sk": id, "datatype": "post", "version": 0.0, "data": object{"title": "******"}},
	} {
		got := list(t, c.Call("POST", "/repository/find/post", `{"options":`+options+`}`))
		if diff := cmp.Diff(want, got.Data[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", options, diff)
		}
	}
	got := list(t, c.Call("POST", "/repository/find/post", `{"options":{"excludeFields":["data.title","sk"]}}`))
	if _, has := got.Data[0]["data"].(object)["title"]; has || got.Data[0]["sk"] != id {
		t.Errorf("excluded: %v", got.Data[0])
	}
}

func TestAnotherOrgSeesNothing(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	id := create(k.Owner("acme"), "tag", object{"name": "lamps"})
	other := k.Owner("other")
	other.Call("GET", "/repository/get/tag/"+id, nil).Refused(http.StatusNotFound, "not_found")
	other.Call("GET", "/repository/get/"+id, nil).Refused(http.StatusNotFound, "not_found")
	other.Call("POST", "/repository/update/tag/"+id, object{"data": object{}}).Refused(http.StatusNotFound, "not_found")
	other.Call("DELETE", "/repository/delete/tag/"+id, nil).Refused(http.StatusNotFound, "not_found")
	other.Call("GET", "/repository/history/tag/"+id, nil).Refused(http.StatusNotFound, "not_found")
	if got := list(t, other.Call("GET", "/repository/find/tag", nil)); got.Total != 0 {
		t.Errorf("find: %+v", got)
	}
}

func TestCustomersSeePublicAndOwn(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	staff, jane, john := k.Owner("acme"), k.Customer("acme", "jane@x.example"), k.Customer("acme", "john@x.example")
	public := create(staff, "category", object{"name": "lamps"})
	hidden := create(staff, "customer_group", object{"name": "vips"})
	own := create(jane, "comment", object{"title": "mine", "message": "hi"})
	jane.Call("GET", "/repository/get/category/"+public, nil).Want(http.StatusOK)
	jane.Call("GET", "/repository/get/customer_group/"+hidden, nil).Refused(http.StatusNotFound, "not_found")
	jane.Call("GET", "/repository/get/comment/"+own, nil).Want(http.StatusOK)
	john.Call("GET", "/repository/get/comment/"+own, nil).Refused(http.StatusNotFound, "not_found")
	if got := list(t, john.Call("GET", "/repository/find/comment", nil)); got.Total != 0 {
		t.Errorf("another customer's comments: %+v", got)
	}
	if got := list(t, jane.Call("GET", "/repository/find/comment", nil)); !cmp.Equal(idsOf(got), []string{own}) {
		t.Errorf("own comments: %+v", got)
	}
	john.Call("POST", "/repository/update/comment/"+own, object{"data": object{"title": "x"}}).Refused(http.StatusNotFound, "not_found")
	jane.Call("POST", "/repository/update-partial/comment/"+own, object{"data.title": "x", "owner.id": "customer-john@x.example", "state": "published"}).Want(http.StatusOK)
	if got := jane.Call("GET", "/repository/get/comment/"+own, nil).Want(http.StatusOK); got.String("owner", "id") != "customer-jane@x.example" || got.String("state") != "new" {
		t.Errorf("a customer changed more than data: %s", got.Body)
	}
	jane.Call("POST", "/repository/update/category/"+public, object{"data": object{"name": "x12"}}).Refused(http.StatusForbidden, "forbidden")
	jane.Call("PUT", "/repository/create", newRecord("category", object{"name": "mine"})).Refused(http.StatusForbidden, "forbidden")
	jane.Call("GET", "/repository/find/apikey", nil).Refused(http.StatusForbidden, "forbidden")
	draft := staff.Call("PUT", "/repository/create", object{"datatype": "post", "isNew": true, "state": "draft", "data": object{"title": "soon"}}).Want(201).String("sk")
	jane.Call("GET", "/repository/get/post/"+draft, nil).Refused(http.StatusNotFound, "not_found")
}

func TestKeyScopesAndRoles(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	id := create(k.Owner("acme"), "tag", object{"name": "lamps"})
	reader, user := k.Key("acme", "read"), k.Staff("acme", "ann@acme.example")
	reader.Call("GET", "/repository/get/tag/"+id, nil).Want(http.StatusOK)
	reader.Call("PUT", "/repository/create", newRecord("tag", object{"name": "x12"})).Refused(http.StatusForbidden, "insufficient_scope")
	reader.Call("POST", "/repository/update/tag/"+id, object{"data": object{}}).Refused(http.StatusForbidden, "insufficient_scope")
	create(user, "tag", object{"name": "users-own"})
	user.Call("DELETE", "/repository/delete/tag/"+id, nil).Refused(http.StatusForbidden, "forbidden")
	user.Call("PUT", "/repository/create", newRecord("collection", object{"name": "mine"})).Refused(http.StatusForbidden, "forbidden")
}

func TestRequiredRoles(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	owner, user, editor := k.Owner("acme"), k.Staff("acme", "ann@acme.example"), k.Staff("acme", "ed@acme.example", auth.RolePublisher)
	owner.Call("PUT", "/repository/create", newRecord("collection", object{"name": "secrets_of", "requiredRole": object{"read": []string{"Publisher"}}})).Want(201)
	id := create(owner, "secrets_of", object{"a": 1})
	user.Call("GET", "/repository/get/secrets_of/"+id, nil).Refused(http.StatusForbidden, "forbidden")
	editor.Call("GET", "/repository/get/secrets_of/"+id, nil).Want(http.StatusOK)
	made := owner.Call("PUT", "/repository/create", object{"datatype": "tag", "isNew": true, "data": object{"name": "lamps"}, "requiredRole": object{"read": []string{"Publisher"}}}).Want(201)
	create(owner, "tag", object{"name": "bulbs"})
	user.Call("GET", "/repository/get/tag/"+made.String("sk"), nil).Refused(http.StatusNotFound, "not_found")
	if got := list(t, user.Call("GET", "/repository/find/tag", nil)); got.Total != 1 || len(got.Data) != 1 {
		t.Errorf("a user's list: %+v", got)
	}
	if got := list(t, editor.Call("GET", "/repository/find/tag", nil)); got.Total != 2 {
		t.Errorf("a publisher's list: %+v", got)
	}
}

func TestRunTimeCollections(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	made := c.Call("PUT", "/repository/create", newRecord("collection", object{
		"name": "books", "enableVersioning": true,
		"schema": object{"required": []string{"title"}, "properties": object{
			"title": object{"type": "string"}, "isbn": object{"type": "string", "unique": true},
			"price": object{"type": "number", "indexed": true}, "genre": object{"type": "string", "indexed": true},
		}},
	})).Want(http.StatusCreated)
	if made.String("sk") != "books" || made.String("data", "slots", "by3") != "data.genre" {
		t.Errorf("definition: %s", made.Body)
	}
	id := create(c, "books", object{"title": "Go", "isbn": "1", "price": 20, "genre": "it"})
	create(c, "books", object{"title": "Rust", "price": 30, "genre": "it"})
	c.Call("PUT", "/repository/create", newRecord("books", object{"price": "x"})).Refused(http.StatusBadRequest, "validation_failed")
	c.Call("PUT", "/repository/create", newRecord("books", object{"title": "Other", "isbn": "1"})).Refused(http.StatusConflict, "unique_conflict")
	for query, want := range map[string]int{`{"data.genre":"it"}`: 2, `{"data.price":{"$gt":20}}`: 1, `{"data.isbn":"1"}`: 1, `{"data.title":"Go"}`: 1} {
		got := list(t, c.Call("POST", "/repository/find/books", `{"query":`+query+`}`))
		if got.Total != want {
			t.Errorf("%s: got %d, want %d", query, got.Total, want)
		}
	}
	c.Call("POST", "/repository/update/books/"+id, object{"data": object{"title": "Go 2", "isbn": "1"}}).Want(http.StatusOK)
	var versions []object
	c.Call("GET", "/repository/history/books/"+id, nil).Want(http.StatusOK).Into(&versions)
	if len(versions) != 2 || versions[0]["version"] != 1.0 {
		t.Errorf("history: %v", versions)
	}
	back := c.Call("POST", "/repository/history/restore/books/"+id, object{"version": 0}).Want(http.StatusOK)
	if back.String("data", "title") != "Go" || back.Map()["version"] != 2.0 {
		t.Errorf("restored: %s", back.Body)
	}
	c.Call("PUT", "/repository/create", newRecord("collection", object{"name": "user"})).Refused(http.StatusConflict, "builtin_collection")
	c.Call("PUT", "/repository/create", newRecord("collection", object{"name": "books"})).Refused(http.StatusConflict, "unique_conflict")
	c.Call("DELETE", "/repository/delete/collection/user", nil).Refused(http.StatusConflict, "builtin_collection")
	c.Call("GET", "/repository/collection/books", nil).Want(http.StatusOK)
	if got := c.Call("GET", "/repository/collection/user", nil).Want(http.StatusOK); got.String("sk") != "user" {
		t.Errorf("built-in: %s", got.Body)
	}
	c.Call("GET", "/repository/collection/nosuch", nil).Refused(http.StatusNotFound, "not_found")
	if all := list(t, c.Call("GET", "/repository/collections?schema=false", nil)); all.Total < 218 {
		t.Errorf("collections: %d", all.Total)
	}
	c.Call("DELETE", "/repository/delete/collection/books", nil).Want(http.StatusOK)
	c.Call("GET", "/repository/get/books/"+id, nil).Refused(http.StatusNotFound, "unknown_datatype")
}

func TestDeleteMany(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	a, b, d := create(c, "tag", object{"name": "aaa"}), create(c, "tag", object{"name": "bbb"}), create(c, "tag", object{"name": "ddd"})
	got := c.Call("POST", "/repository/delete/tag", []string{a, "nosuch"}).Want(http.StatusOK).Map()
	if got["deletedCount"] != 1.0 || len(got["errors"].([]any)) != 1 {
		t.Errorf("delete: %v", got)
	}
	c.Call("POST", "/repository/delete", []object{{"datatype": "tag", "id": b}}).Want(http.StatusOK)
	c.Call("POST", "/repository/delete", object{"datatype": "tag", "ids": []string{d}}).Want(http.StatusOK)
	if left := list(t, c.Call("GET", "/repository/find/tag", nil)); left.Total != 0 {
		t.Errorf("left: %+v", left)
	}
	if trash := list(t, c.Call("GET", "/repository/find/trash", nil)); trash.Total != 3 {
		t.Errorf("trash: %+v", trash)
	}
	restored := c.Call("POST", "/repository/trash-restore", object{"ids": []string{a, b}}).Want(http.StatusOK).Map()
	if restored["total"] != 2.0 {
		t.Errorf("restored: %v", restored)
	}
	c.Call("POST", "/repository/delete/tag", `{}`).Refused(http.StatusBadRequest, "invalid_input")
}

func TestIsUnique(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "subscriber", object{"email": "jane@x.example", "promotion": "news"})
	for path, want := range map[string]bool{
		"subscriber/email/jane%40x.example":          false,
		"subscriber/email/JANE@x.example":            false,
		"subscriber/email/jane@x.example?id=" + id:   true,
		"subscriber/" + id + "/email/jane@x.example": true,
		"subscriber/email/john@x.example":            true,
	} {
		var got bool
		c.Call("GET", "/repository/isunique/"+path, nil).Want(http.StatusOK).Into(&got)
		if got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	k.Events()
	got := c.Call("POST", "/repository/publish/post/"+id, nil).Want(http.StatusOK)
	if got.String("state") != "published" || got.String("publishedDate") == "" {
		t.Errorf("published: %s", got.Body)
	}
	if copies := list(t, c.Call("GET", "/repository/find/published", nil)); copies.Total != 1 {
		t.Errorf("published copies: %+v", copies)
	}
	c.Call("POST", "/repository/unpublish", object{"datatype": "post", "id": id}).Want(http.StatusOK)
	c.Call("POST", "/repository/unpublish/post/"+id, nil).Refused(http.StatusConflict, "invalid_state")
	if diff := cmp.Diff([]string{"collection-publish", "collection-update"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	c.Call("POST", "/repository/approve/post/"+id, nil).Refused(http.StatusConflict, "invalid_state")
	if got := c.Call("GET", "/repository/request-approval/post/"+id+"?note=please", nil).Want(http.StatusOK); got.String("state") != "pending" {
		t.Errorf("requested: %s", got.Body)
	}
	k.Staff("acme", "ed@acme.example", auth.RolePublisher).Call("POST", "/repository/approve/post/"+id, nil).Refused(http.StatusForbidden, "forbidden")
	k.Events()
	got := c.Call("POST", "/repository/approve", object{"datatype": "post", "id": id, "note": "fine"}).Want(http.StatusOK)
	if notes := got.Map()["notes"].([]any); got.String("state") != "approved" || len(notes) != 2 {
		t.Errorf("approved: %s", got.Body)
	}
	c.Call("POST", "/repository/reject/post/"+id, object{"note": "no"}).Want(http.StatusOK)
	if diff := cmp.Diff([]string{"collection-approve", "collection-update"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Secrets are neither returned, nor listed, nor asked about, nor announced, nor
// set, nor lost by a generic update.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	made := c.Call("PUT", "/repository/create", newRecord("customer", object{"email": "jane@x.example", "firstName": "Jane", "lastName": "Doe", "password": "hunter2hunter2"}))
	made.Want(http.StatusCreated)
	if strings.Contains(string(made.Body), "hunter2") {
		t.Errorf("created: %s", made.Body)
	}
	c.Call("GET", "/repository/find/customer?s=data.password", nil).Refused(http.StatusBadRequest, "invalid_filter")
	c.Call("GET", "/repository/find-by-attribute/customer/password/h", nil).Refused(http.StatusBadRequest, "invalid_filter")
	for _, e := range k.Events() {
		if text, err := json.Marshal(e); err != nil || strings.Contains(string(text), "hunter2") {
			t.Errorf("event: %s, %v", text, err)
		}
	}
}
