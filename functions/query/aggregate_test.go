package query_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAggregate(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	insert(c, object{"n": 1, "kind": "a", "tags": []string{"x", "y"}, "at": "2026-01-15"}, object{"n": 2, "kind": "b", "tags": []string{"x"}, "at": "2026-02-15"}, object{"n": 3, "kind": "a", "at": "2026-02-20", "password": "hush"})
	for name, test := range map[string]struct{ pipeline, want string }{
		"match":       {`[{"$match":{"data.n":{"$gt":1}}},{"$count":"many"}]`, `[{"many":2}]`},
		"late match":  {`[{"$group":{"_id":"$data.kind","n":{"$sum":1}}},{"$match":{"n":2}}]`, `[{"_id":"a","n":2}]`},
		"group":       {`[{"$group":{"_id":"$data.kind","sum":{"$sum":"$data.n"},"avg":{"$avg":"$data.n"},"all":{"$push":"$data.n"},"low":{"$min":"$data.n"},"last":{"$last":"$data.n"}}},{"$sort":{"_id":1}}]`, `[{"_id":"a","all":[1,3],"avg":2,"last":3,"low":1,"sum":4},{"_id":"b","all":[2],"avg":2,"last":2,"low":2,"sum":2}]`},
		"month":       {`[{"$group":{"_id":{"$dateToString":{"date":"$data.at","format":"%Y-%m"}},"n":{"$count":{}}}},{"$sort":{"_id":1}}]`, `[{"_id":"2026-01","n":1},{"_id":"2026-02","n":2}]`},
		"unwind":      {`[{"$unwind":"$data.tags"},{"$sortByCount":"$data.tags"}]`, `[{"_id":"x","count":2},{"_id":"y","count":1}]`},
		"project":     {`[{"$sort":{"data.n":-1}},{"$limit":1},{"$project":{"data.n":1,"double":{"$multiply":["$data.n",2]}}}]`, `[{"data":{"n":3},"double":6}]`},
		"add":         {`[{"$match":{"data.n":1}},{"$addFields":{"data.big":{"$cond":[{"$gt":["$data.n",1]},"yes","no"]}}},{"$replaceRoot":{"newRoot":{"b":"$data.big","k":{"$concat":["$data.kind","!"]}}}}]`, `[{"b":"no","k":"a!"}]`},
		"unset":       {`[{"$match":{"data.n":2}},{"$replaceWith":"$data"},{"$unset":["tags","at"]}]`, `[{"kind":"b","n":2}]`},
		"secrets":     {`[{"$match":{"data.n":3}},{"$project":{"p":{"$ifNull":["$data.password","none"]}}}]`, `[{"p":"none"}]`},
		"facet":       {`[{"$facet":{"n":[{"$count":"c"}],"top":[{"$sort":{"data.n":-1}},{"$limit":1},{"$project":{"data.n":1}}]}}]`, `[{"n":[{"c":3}],"top":[{"data":{"n":3}}]}]`},
		"bucket":      {`[{"$bucket":{"groupBy":"$data.n","boundaries":[0,2,3],"default":"more"}}]`, `[{"_id":0,"count":1},{"_id":2,"count":1},{"_id":"more","count":1}]`},
		"bucket auto": {`[{"$bucketAuto":{"groupBy":"$data.n","buckets":2}}]`, `[{"_id":{"max":3,"min":1},"count":2},{"_id":{"max":3,"min":3},"count":1}]`},
		"lookup":      {`[{"$match":{"data.n":1}},{"$lookup":{"from":"things","localField":"data.kind","foreignField":"data.kind","as":"same","pipeline":[{"$sort":{"data.n":-1}},{"$project":{"data.n":1}}]}},{"$project":{"same":1}}]`, `[{"same":[{"data":{"n":3}},{"data":{"n":1}}]}]`},
		"sample":      {`[{"$sample":{"size":2}},{"$count":"n"}]`, `[{"n":2}]`},
		"skip":        {`[{"$skip":3}]`, `[]`},
	} {
		got := ask(c, "aggregate", object{"pipeline": json.RawMessage(test.pipeline)})
		if string(got.Body) != test.want {
			t.Errorf("%s: got %s, want %s", name, got.Body, test.want)
		}
	}
}

// A pipeline that multiplies rows or text ends before it fills the memory.
func TestAggregateKeepsItsBudget(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	list := make([]int, 400)
	insert(c, object{"l": list, "m": list})
	var doubling []object
	for range 40 {
		doubling = append(doubling, object{"$addFields": object{"x": []string{"$x", "$x", "$data"}}})
	}
	unwinding := []object{{"$project": object{"data": 1}}, {"$unwind": "$data.l"}, {"$unwind": "$data.m"}, {"$count": "n"}}
	ask(c, "aggregate", object{"pipeline": unwinding}).Refused(http.StatusBadRequest, "pipeline_too_large")
	ask(c, "aggregate", object{"pipeline": doubling}).Refused(http.StatusBadRequest, "pipeline_too_large")
	ask(c, "aggregate", object{"pipeline": append(doubling, object{"$match": object{"x": 1}})}).Refused(http.StatusBadRequest, "pipeline_too_large")
}

func TestResultsAreBounded(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	big := make([]byte, 200_000)
	for i := range big {
		big[i] = 'x'
	}
	for range 30 {
		insert(c, object{"text": string(big)})
	}
	ask(c, "find", object{}).Refused(http.StatusBadRequest, "result_too_large")
	ask(c, "aggregate", object{"pipeline": []object{{"$project": object{"data": 1}}}}).Refused(http.StatusBadRequest, "result_too_large")
}

func TestLegacyQueryJoins(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	define(c, object{"name": "orders"})
	define(c, object{"name": "lines"})
	insert(c, object{"n": 1, "email": "a@x.example"}, object{"n": 2, "email": "b@x.example"})
	for _, o := range []object{{"number": 10, "email": "a@x.example", "total": 5}, {"number": 11, "email": "a@x.example", "total": 9}} {
		ask(c, "insertOne", object{"collection": "orders", "document": o}).Want(http.StatusOK)
	}
	ask(c, "insertOne", object{"collection": "lines", "document": object{"order": 11, "sku": "lamp"}}).Want(http.StatusOK)
	body := `{"orgId":"acme","collections":{"things":["email","state"],"orders":["number"],"lines":["*"]},
		"links":{"orders":{"email":"things.email"},"lines":{"order":"orders.number"}},
		"filter":{"orders":{"total":{"$gt":5}}},"sort":{"things":{"n":1}},"pagination":{"limit":10}}`
	got := c.Call("POST", "/mongodb/query", body).Want(http.StatusOK)
	want := []object{
		{"email": "a@x.example", "state": "new", "orders": []any{object{"number": 11.0}}, "lines": []any{object{"order": 11.0, "sku": "lamp"}}},
		{"email": "b@x.example", "state": "new", "orders": []any{}, "lines": []any{}},
	}
	if diff := cmp.Diff(want, rows(t, got)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, bad := range []string{
		`{}`, `{"collections":{"things":[]}}`, `{"collections":{"things":["*"],"orders":["*"]}}`,
		`{"collections":{"things":["*"]},"filter":{"users":{}}}`, `{"collections":{"a":["*"],"b":["*"],"c":["*"],"d":["*"],"e":["*"],"f":["*"]}}`,
		`{"collections":{"things":["*"],"orders":["*"]},"links":{"orders":{"email":"lines.email"}}}`,
	} {
		c.Call("POST", "/dynamic-query/query", bad).Refused(http.StatusBadRequest, "invalid_query")
	}
	c.Call("POST", "/dynamic-query/query", `{"orgId":"globex","collections":{"things":["*"]}}`).Refused(http.StatusForbidden, "token_org_mismatch")
	c.Call("POST", "/dynamic-query/query", `{"collections":{"nosuch":["*"]}}`).Refused(http.StatusBadRequest, "unknown_collection")
	if got := c.Call("POST", "/dynamic-query/query", `{"collection":"orders","filter":{"data.total":9},"sort":{"data.total":1}}`); len(rows(t, got)) != 1 {
		t.Errorf("find: %s", got.Body)
	}
	if got := c.Call("POST", "/dynamic-query/query", `{"collection":"orders","pipeline":[{"$count":"n"}]}`); string(got.Body) != `[{"n":2}]` {
		t.Errorf("aggregate: %s", got.Body)
	}
}

func TestLegacyUpdateAndTransaction(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	insert(c, object{"n": 1}, object{"n": 2}, object{"n": 3})
	k.Events()
	one := ask(c, "update", object{"orgId": "acme", "filter": object{"data.n": object{"$gt": 1}}, "update": object{"$set": object{"data.seen": true}}}).Want(http.StatusOK).Map()
	made := ask(c, "update", object{"update": object{"$set": object{"data.n": 4}}, "options": object{"upsert": true}, "filter": object{"data.n": 4}}).Want(http.StatusOK).Map()
	if one["modifiedCount"] != 1.0 || made["upsertedCount"] != 1.0 {
		t.Errorf("update: %v, %v", one, made)
	}
	operations := []object{
		{"type": "insert", "collection": "tag", "document": object{"name": "lamps"}},
		{"type": "update", "collection": "things", "filter": object{"data.n": 1}, "update": object{"$inc": object{"data.n": 10}}},
		{"type": "delete", "collection": "things", "filter": object{"data.n": 2}},
	}
	got := c.Call("POST", "/dynamic-query/update", object{"operations": operations, "options": object{"writeConcern": object{"w": 1}}}).Want(http.StatusOK).Map()
	if got["insertedCount"] != 1.0 || got["modifiedCount"] != 1.0 || got["deletedCount"] != 1.0 {
		t.Errorf("transaction: %v", got)
	}
	k.Events()
	again := []object{{"type": "delete", "collection": "things", "filter": object{"data.n": 3}}, operations[0]}
	c.Call("POST", "/dynamic-query/update", object{"operations": again}).Refused(http.StatusConflict, "unique_conflict")
	c.Call("POST", "/dynamic-query/update", object{"operations": []object{{"type": "drop", "collection": "things"}}}).Refused(http.StatusBadRequest, "invalid_query")
	if got := ask(c, "count", object{}); string(got.Body) != "3" || len(k.Events()) > 0 {
		t.Errorf("a refused transaction wrote: %s records left, want 3", got.Body)
	}
}
