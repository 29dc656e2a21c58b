package query_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/query"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/testkit"
)

func TestAccess(t *testing.T) {
	t.Parallel()
	testkit.New(t, query.New).ExerciseAccess()
}

func TestFindSortsPagesAndProjects(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	insert(c, object{"n": 1, "score": 70, "tag": "a"}, object{"n": 2, "score": 90, "tag": "b"}, object{"n": 3, "score": 90, "tag": "a"}, object{"n": 4, "score": 10, "tag": "c"})
	for name, test := range map[string]struct {
		body object
		want []float64
	}{
		"filter":       {object{"filter": object{"data.score": object{"$gte": 70}}, "options": object{"sort": object{"data.n": 1}}}, []float64{1, 2, 3}},
		"descending":   {object{"options": object{"sort": object{"data.n": -1}, "limit": 2}}, []float64{4, 3}},
		"skip":         {object{"options": object{"sort": object{"data.n": 1}, "limit": 2, "skip": 1}}, []float64{2, 3}},
		"beyond":       {object{"options": object{"skip": 9}}, []float64{}},
		"nothing":      {object{"filter": object{"data.n": 99}}, []float64{}},
		"client query": {object{"filter": object{"data.n": 4}, "clientQuery": nil}, []float64{4}},
	} {
		got := []float64{}
		for _, r := range rows(t, ask(c, "find", test.body)) {
			got = append(got, r["data"].(object)["n"].(float64))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	two := ask(c, "find", object{"options": object{"projection": object{"data.n": 1, "sk": 0}}}).Want(http.StatusOK)
	for _, r := range rows(t, two) {
		if len(r) != 1 || len(r["data"].(object)) != 1 {
			t.Errorf("projection: %v", r)
		}
	}
	several := c.Call("POST", "/mongodb/find", `{"collection":"things","options":{"sort":{"data.score":-1,"data.tag":1},"limit":2}}`)
	got := rows(t, several)
	if len(got) != 2 || got[0]["data"].(object)["n"] != 3.0 || got[1]["data"].(object)["n"] != 2.0 {
		t.Errorf("two fields: %s", several.Body)
	}
	counted := ask(c, "find", object{"filter": object{"data.tag": "a"}, "options": object{"count": true, "limit": 1}}).Want(http.StatusOK).Map()
	if counted["total"] != 2.0 || counted["hasNext"] != true || len(counted["data"].([]any)) != 1 {
		t.Errorf("count: %v", counted)
	}
}

func TestFindOneCountAndDistinct(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	insert(c, object{"n": 1, "tags": []string{"b", "a"}}, object{"n": 2, "tags": []string{"b"}}, object{"n": 3.5, "tags": "c"})
	if got := ask(c, "findOne", object{"filter": object{"data.n": 2}}).Want(http.StatusOK); got.Map()["datatype"] != "things" {
		t.Errorf("findOne: %s", got.Body)
	}
	for verb, want := range map[string]string{
		"findOne":  "null",
		"count":    "0",
		"distinct": "[]",
	} {
		got := ask(c, verb, object{"filter": object{"data.n": 9}, "field": "data.n"}).Want(http.StatusOK)
		if string(got.Body) != want {
			t.Errorf("%s of nothing: got %s, want %s", verb, got.Body, want)
		}
	}
	for name, want := range map[string]string{"data.tags": `["a","b","c"]`, "data.n": `[1,2,3.5]`, "data.none": `[]`} {
		if got := ask(c, "distinct", object{"key": name}).Want(http.StatusOK); string(got.Body) != want {
			t.Errorf("distinct %s: got %s, want %s", name, got.Body, want)
		}
	}
	if got := ask(c, "count", object{}).Want(http.StatusOK); string(got.Body) != "3" {
		t.Errorf("count: got %s", got.Body)
	}
	ask(c, "distinct", object{}).Refused(http.StatusBadRequest, "invalid_query")
}

func TestReadsRefuse(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	for name, test := range map[string]struct {
		verb, reason string
		status       int
		body         object
	}{
		"unknown collection": {"find", "unknown_collection", 400, object{"collection": "nosuch"}},
		"no collection":      {"find", "invalid_query", 400, object{"collection": ""}},
		"another org":        {"find", "token_org_mismatch", 403, object{"orgId": "globex"}},
		"code":               {"find", "invalid_filter", 400, object{"filter": object{"$where": "1"}}},
		"text search":        {"find", "invalid_filter", 400, object{"filter": object{"$text": object{"$search": "x"}}}},
		"place":              {"find", "invalid_filter", 400, object{"filter": object{"data.at": object{"$near": object{}}}}},
		"secret filter":      {"count", "invalid_filter", 400, object{"filter": object{"data.password": "x"}}},
		"secret field":       {"distinct", "invalid_filter", 400, object{"field": "data.password"}},
		"secret sort":        {"find", "invalid_filter", 400, object{"options": object{"sort": object{"data.n": 1, "data.keyHash": 1}}}},
		"sort":               {"find", "invalid_pipeline", 400, object{"options": object{"sort": object{"data.n": 2}}}},
		"projection":         {"find", "invalid_pipeline", 400, object{"options": object{"projection": object{"data.n": 1, "data.m": 0}}}},
		"pipeline":           {"aggregate", "invalid_pipeline", 400, object{}},
		"out":                {"aggregate", "invalid_pipeline", 400, object{"pipeline": []object{{"$out": "x"}}}},
		"union":              {"aggregate", "invalid_pipeline", 400, object{"pipeline": []object{{"$unionWith": "x"}}}},
		"nested":             {"aggregate", "invalid_pipeline", 400, object{"pipeline": []object{{"$facet": object{"a": []object{{"$merge": "x"}}}}}}},
		"lookup":             {"aggregate", "unknown_collection", 400, object{"pipeline": []object{{"$lookup": object{"from": "nosuch", "localField": "data.n", "foreignField": "data.n", "as": "x"}}}}},
	} {
		if name == "projection" || name == "lookup" {
			insert(c, object{"n": 1})
		}
		got := ask(c, test.verb, test.body)
		if got.Status != test.status || got.Map()["reason"] != test.reason {
			t.Errorf("%s: got %d %s, want %d %s", name, got.Status, got.Body, test.status, test.reason)
		}
	}
}

func TestAnotherOrgSeesNothing(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	id := insert(c, object{"n": 1})[0]
	other := k.Owner("globex")
	define(other, object{"name": "things"})
	filter := object{"sk": id}
	if got := ask(other, "find", object{"filter": filter}).Want(http.StatusOK); string(got.Body) != "[]" {
		t.Errorf("find: %s", got.Body)
	}
	if got := ask(other, "updateMany", object{"filter": filter, "update": object{"$set": object{"data.n": 2}}}).Want(http.StatusOK); got.Map()["matchedCount"] != 0.0 {
		t.Errorf("update: %s", got.Body)
	}
	if got := ask(other, "deleteOne", object{"filter": filter}).Want(http.StatusOK); got.Map()["deletedCount"] != 0.0 {
		t.Errorf("delete: %s", got.Body)
	}
	if n := payload(t, c, id)["n"]; n != 1.0 {
		t.Errorf("record: got %v, want 1", n)
	}
}

// The verbs of a role hold here as they do everywhere.
func TestVerbsDecide(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	id := insert(c, object{"n": 1})[0]
	clerk := k.Staff("acme", "clerk@acme.example", auth.RoleUser)
	ask(clerk, "find", object{}).Want(http.StatusOK)
	ask(clerk, "insertOne", object{"document": object{"n": 2}}).Want(http.StatusOK)
	ask(clerk, "updateOne", object{"filter": object{"sk": id}, "update": object{"$set": object{"data.n": 2}}}).Want(http.StatusForbidden)
	ask(k.Key("acme", "read"), "insertOne", object{"document": object{"n": 2}}).Want(http.StatusForbidden)
	ask(k.Key("acme", "delete"), "bulkWrite", object{"collection": "things", "operations": []object{{"deleteOne": object{"filter": object{"sk": id}}}}}).Refused(http.StatusForbidden, "insufficient_scope")
	publisher := k.Staff("acme", "pub@acme.example", auth.RolePublisher)
	ask(publisher, "deleteOne", object{"filter": object{"sk": id}, "hard": true}).Refused(http.StatusForbidden, "forbidden")
	ask(publisher, "updateOne", object{"filter": object{"sk": id}, "update": object{"$set": object{"state": "approved"}}}).Want(http.StatusForbidden)
	if n := payload(t, c, id)["n"]; n != 1.0 {
		t.Errorf("record: got %v, want 1", n)
	}
}
