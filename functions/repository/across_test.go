package repository_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/testkit"
)

func sorted(list ...string) []string {
	slices.Sort(list)
	return list
}

func TestFindRelated(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	create(c, "collection", object{"name": "authors"})
	create(c, "collection", object{"name": "books", "schema": object{"properties": object{
		"writers": object{"type": "array", "items": object{"properties": object{"who": object{"type": "string", "ref": "authors.sk"}}}},
		"editor":  object{"type": "string", "ref": "authors.name"},
	}}})
	author := create(c, "authors", object{"name": "Ann"})
	written := create(c, "books", object{"title": "one", "writers": []object{{"who": author}}})
	edited := create(c, "books", object{"title": "two", "editor": "ann"})
	create(c, "books", object{"title": "three"})
	owned := c.Call("PUT", "/repository/create", object{"datatype": "tag", "isNew": true, "data": object{"name": "mine"}, "owner": object{"datatype": "authors", "id": author}}).Want(http.StatusCreated).String("sk")
	path := "/repository/find-related/authors/" + author
	got := list(t, c.Call("GET", path, nil))
	if diff := cmp.Diff(sorted(written, edited, owned), sorted(idsOf(got)...)); diff != "" || got.Total != 3 {
		t.Errorf("related (-want +got):\n%s", diff)
	}
	if page := list(t, c.Call("GET", path+"?ps=2&p=2", nil)); len(page.Data) != 1 || page.HasNext || page.Total != 3 {
		t.Errorf("second page: %+v", page)
	}
	k.Owner("globex").Call("GET", path, nil).Refused(http.StatusNotFound, "unknown_datatype")
	c.Call("GET", "/repository/find-related/authors/none", nil).Refused(http.StatusNotFound, "not_found")
	k.Customer("acme", "eve@x.example").Call("GET", path, nil).Refused(http.StatusNotFound, "not_found")
}

func TestSearchAcrossCollections(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	post := create(c, "post", object{"title": "A red lamp"})
	tag := create(c, "tag", object{"name": "lamp", "title": "red"})
	create(c, "tag", object{"name": "bulb"})
	create(k.Owner("globex"), "post", object{"title": "red lamp"})
	deleted := create(c, "post", object{"title": "Another red lamp"})
	c.Call("DELETE", "/repository/delete/post/"+deleted, nil).Want(http.StatusOK)
	got := list(t, c.Call("GET", "/repository/search?keyword=red+LAMP", nil))
	if diff := cmp.Diff(sorted(post, tag), sorted(idsOf(got)...)); diff != "" || got.Total != 2 {
		t.Errorf("search (-want +got):\n%s", diff)
	}
	private := create(c, "collection", object{"name": "secrets", "requiredRole": object{"read": []string{"Publisher"}}})
	hidden := create(c, private, object{"title": "red lamp"})
	if got := list(t, k.Staff("acme", "bob@acme.example").Call("GET", "/repository/search?keyword=lamp", nil)); slices.Contains(idsOf(got), hidden) || got.Total != 2 {
		t.Errorf("staff without the role: %+v", got)
	}
	if got := list(t, k.Customer("acme", "eve@x.example").Call("GET", "/repository/search?keyword=lamp", nil)); slices.Contains(idsOf(got), hidden) || !slices.Contains(idsOf(got), post) {
		t.Errorf("customer: %+v", got)
	}
	c.Call("GET", "/repository/search", nil).Refused(http.StatusBadRequest, "validation_failed")
	c.Call("GET", "/repository/search?keyword=x&s=$where", nil).Refused(http.StatusBadRequest, "invalid_sort")
}

func TestCreateExtended(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	create(c, "subschema", object{"name": "shoes", "parent": "post", "schema": object{
		"required": []string{"size"}, "properties": object{"size": object{"type": "number"}, "color": object{"type": "string", "default": "red", "transform": "uppercase"}},
	}})
	k.EventNames()
	record := func(subschema string, data object) object {
		return object{"datatype": "post", "isNew": true, "subschema": subschema, "data": data}
	}
	put := func(body object) testkit.Response { return c.Call("PUT", "/repository/create-extended", body) }
	put(record("shoes", object{"title": "aaa"})).Refused(http.StatusBadRequest, "validation_failed")
	made := put(record("shoes", object{"title": "aaa", "size": 42})).Want(http.StatusCreated)
	if made.String("data", "color") != "RED" || made.String("subschema") != "shoes" {
		t.Errorf("created: %s", made.Body)
	}
	put(record("hats", object{"title": "bbb"})).Refused(http.StatusBadRequest, "unknown_subschema")
	put(record("", object{"title": "bbb"})).Refused(http.StatusBadRequest, "unknown_subschema")
	put(object{"datatype": "tag", "isNew": true, "subschema": "shoes", "data": object{"name": "bbb"}}).Refused(http.StatusBadRequest, "unknown_subschema")
	put(object{"datatype": "post", "data": object{}}).Refused(http.StatusBadRequest, "not_new")
	k.Owner("globex").Call("PUT", "/repository/create-extended", record("shoes", object{"title": "aaa", "size": 1})).Refused(http.StatusBadRequest, "unknown_subschema")
	c.Call("POST", "/repository/update/post/"+made.String("sk"), object{"data": object{"title": "aaa"}}).Refused(http.StatusBadRequest, "validation_failed")
	if diff := cmp.Diff([]string{"collection-create"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestExtendedCollections(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	create(c, "collection", object{"name": "base", "schema": object{"required": []string{"code"}, "properties": object{"code": object{"type": "string"}}}})
	create(c, "collection", object{"name": "derived", "type": "Extended", "parent": "base"})
	put := func(data object) testkit.Response {
		return c.Call("PUT", "/repository/create-extended", newRecord("derived", data))
	}
	put(object{"title": "x"}).Refused(http.StatusBadRequest, "validation_failed")
	put(object{"title": "x", "code": "1"}).Want(http.StatusCreated)
}
