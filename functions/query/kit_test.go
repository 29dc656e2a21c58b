package query_test

import (
	"net/http"
	"testing"

	"github.com/appmint/appengine/functions/query"
	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/testkit"
)

type object = map[string]any

// newKit is the module beside the generic endpoints, with a run-time collection
// "things" that takes any payload.
func newKit(t *testing.T) (*testkit.Kit, testkit.Client) {
	t.Helper()
	k := testkit.New(t, query.New, repository.New)
	c := k.Owner("acme")
	define(c, object{"name": "things"})
	k.Events()
	return k, c
}

func define(c testkit.Client, data object) {
	c.Call("PUT", "/repository/create", object{"datatype": "collection", "isNew": true, "data": data}).Want(http.StatusCreated)
}

// ask calls an endpoint of the module.
func ask(c testkit.Client, verb string, body object) testkit.Response {
	if _, has := body["collection"]; !has && body["collections"] == nil && body["operations"] == nil {
		body["collection"] = "things"
	}
	return c.Call("POST", "/dynamic-query/"+verb, body)
}

// insert stores payloads and returns their ids.
func insert(c testkit.Client, payloads ...object) []string {
	ids := make([]string, len(payloads))
	for i, p := range payloads {
		ids[i] = ask(c, "insertOne", object{"document": p}).Want(http.StatusOK).String("insertedId")
	}
	return ids
}

// rows decodes a list of objects.
func rows(t *testing.T, r testkit.Response) []object {
	t.Helper()
	var list []object
	r.Want(http.StatusOK).Into(&list)
	return list
}

// payloads are the data of records, found in the order of a field n.
func payloads(t *testing.T, c testkit.Client) []object {
	t.Helper()
	found := rows(t, ask(c, "find", object{"options": object{"sort": object{"data.n": 1}, "limit": 1000}}))
	list := make([]object, len(found))
	for i, r := range found {
		list[i], _ = r["data"].(object)
	}
	return list
}

func payload(t *testing.T, c testkit.Client, id string) object {
	t.Helper()
	got := ask(c, "findOne", object{"filter": object{"sk": id}}).Want(http.StatusOK).Map()
	data, _ := got["data"].(object)
	return data
}

// orgOf is an org of a subtest's own.
func orgOf(name string) org.ID { return org.ID(name) }
