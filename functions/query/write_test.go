package query_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInsertWrapsPayloads(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	ids := insert(c, object{"title": "Bare", "data": 1}, object{"data": object{"title": "Model"}, "datatype": "user", "version": 7, "sk": "mine"})
	if got := payload(t, c, ids[0]); got["title"] != "Bare" || got["data"] != 1.0 {
		t.Errorf("bare: %v", got)
	}
	got := ask(c, "findOne", object{"filter": object{"sk": ids[1]}}).Want(http.StatusOK)
	if got.Map()["version"] != 0.0 || got.String("datatype") != "things" || got.String("data", "title") != "Model" || !strings.HasPrefix(ids[1], "things-") {
		t.Errorf("model: %s", got.Body)
	}
	if diff := cmp.Diff([]string{"collection-create", "collection-create"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	ask(c, "insertOne", object{}).Refused(http.StatusBadRequest, "invalid_query")
	ask(c, "insertOne", object{"collection": "user", "document": object{"email": "a@b.example"}}).Refused(http.StatusForbidden, "reserved_datatype")
	ask(c, "insertOne", object{"collection": "subscriber", "document": object{"email": "no mail"}}).Refused(http.StatusBadRequest, "validation_failed")
	if events := k.EventNames(); len(events) > 0 {
		t.Errorf("refused inserts announced %v", events)
	}
}

func TestInsertManyReportsPerDocument(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	documents := []object{{"name": "lamps"}, {"name": "lamps"}, {"name": "bulbs"}}
	for name, test := range map[string]struct {
		ordered bool
		want    float64
	}{"ordered": {true, 1}, "unordered": {false, 2}} {
		c := k.Owner(orgOf(name))
		got := ask(c, "insertMany", object{"collection": "tag", "documents": documents, "options": object{"ordered": test.ordered}}).Want(http.StatusOK).Map()
		problems := got["writeErrors"].([]any)
		if got["insertedCount"] != test.want || len(problems) != 1 || problems[0].(object)["index"] != 1.0 || problems[0].(object)["reason"] != "unique_conflict" {
			t.Errorf("%s: %v", name, got)
		}
		ids := got["insertedIds"].([]any)
		if len(ids) != 3 || ids[0] == nil || ids[1] != nil || (ids[2] == nil) != test.ordered {
			t.Errorf("%s: ids %v", name, ids)
		}
	}
	k.Events()
	ask(c, "insertMany", object{"documents": []object{}}).Refused(http.StatusBadRequest, "invalid_query")
	ask(c, "insertMany", object{"documents": make([]object, 1001)}).Refused(http.StatusBadRequest, "too_many_records")
	ask(c, "insertMany", object{"collection": "subscriber", "documents": []object{{"email": "no mail"}}}).Refused(http.StatusBadRequest, "validation_failed")
}

func TestUpdateOneAppliesOperators(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	id := insert(c, object{
		"n": 1, "score": 5, "old": "x", "gone": true, "tags": []string{"a"}, "list": []int{3, 1, 2},
		"items": []object{{"sku": "p", "qty": 1}, {"sku": "q", "qty": 2}},
	})[0]
	k.Events()
	got := ask(c, "updateOne", object{"filter": object{"sk": id, "data.items.sku": "q"}, "update": object{
		"$set": object{"data.title": "New", "data.a.b": 1}, "$unset": object{"data.gone": ""}, "$inc": object{"data.score": 2.5, "data.fresh": 1},
		"$mul": object{"data.n": 3}, "$rename": object{"data.old": "data.renamed"}, "$addToSet": object{"data.tags": object{"$each": []string{"a", "b"}}},
		"$push": object{"data.list": object{"$each": []int{9}, "$sort": -1, "$slice": 3}}, "$currentDate": object{"data.seen": true},
		"$setOnInsert": object{"data.never": 1}, "$min": object{"data.low": 4},
	}}).Want(http.StatusOK).Map()
	if got["matchedCount"] != 1.0 || got["modifiedCount"] != 1.0 || got["upsertedId"] != nil {
		t.Errorf("result: %v", got)
	}
	want := object{
		"n": 3.0, "score": 7.5, "renamed": "x", "tags": []any{"a", "b"}, "list": []any{9.0, 3.0, 2.0}, "title": "New", "a": object{"b": 1.0},
		"fresh": 1.0, "seen": "2026-04-10T08:20:11.000Z", "low": 4.0,
		"items": []any{object{"sku": "p", "qty": 1.0}, object{"sku": "q", "qty": 2.0}},
	}
	if diff := cmp.Diff(want, payload(t, c, id)); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
	ask(c, "updateOne", object{"filter": object{"sk": id, "data.items.sku": "q"}, "update": object{"$inc": object{"data.items.$.qty": 5}, "$set": object{"data.items.$.sku": "z"}}}).Want(http.StatusOK)
	ask(c, "updateOne", object{"filter": object{"sk": id}, "update": object{"$set": object{"data.items.$[].seen": true}, "$pull": object{"data.list": object{"$gt": 2}}, "$pop": object{"data.tags": -1}}}).Want(http.StatusOK)
	after := payload(t, c, id)
	if diff := cmp.Diff([]any{object{"sku": "p", "qty": 1.0, "seen": true}, object{"sku": "z", "qty": 7.0, "seen": true}}, after["items"]); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{[]any{2.0}, []any{"b"}}, []any{after["list"], after["tags"]}); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
	events := k.Events()
	if len(events) != 3 || events[0].Name != "collection-update" || events[2].Version != 3 {
		t.Errorf("events: %+v", events)
	}
}

func TestUpdatesRefuse(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	id := insert(c, object{"n": 1, "text": "x"})[0]
	k.Events()
	for name, test := range map[string]struct {
		reason string
		body   object
	}{
		"bare document":  {"invalid_update", object{"update": object{"data.n": 2}}},
		"no operator":    {"invalid_update", object{"update": object{}}},
		"unknown":        {"invalid_update", object{"update": object{"$bit": object{"data.n": 1}}}},
		"system field":   {"invalid_update", object{"update": object{"$set": object{"version": 9}}}},
		"bare field":     {"invalid_update", object{"update": object{"$set": object{"n": 9}}}},
		"whole data":     {"invalid_update", object{"update": object{"$unset": object{"data": 1}}}},
		"secret":         {"invalid_update", object{"update": object{"$set": object{"data.auth.password": "x"}}}},
		"secret moved":   {"invalid_update", object{"update": object{"$rename": object{"data.keyHash": "data.x"}}}},
		"conflict":       {"invalid_update", object{"update": object{"$set": object{"data.a": 1}, "$inc": object{"data.a.b": 1}}}},
		"not a number":   {"invalid_update", object{"update": object{"$inc": object{"data.text": 1}}}},
		"not a list":     {"invalid_update", object{"update": object{"$push": object{"data.n": 1}}}},
		"no position":    {"invalid_update", object{"update": object{"$set": object{"data.items.$.a": 1}}}},
		"no update":      {"invalid_query", object{}},
		"no filter":      {"invalid_query", object{"filter": nil, "update": object{"$set": object{"data.n": 2}}}},
		"name taken off": {"invalid_record", object{"update": object{"$set": object{"requiredRole": 7}}}},
	} {
		if _, has := test.body["filter"]; !has {
			test.body["filter"] = object{"sk": id}
		} else {
			delete(test.body, "filter")
		}
		got := ask(c, "updateOne", test.body)
		if got.Status != 400 || got.Map()["reason"] != test.reason {
			t.Errorf("%s: got %d %s, want %s", name, got.Status, got.Body, test.reason)
		}
	}
	for _, verb := range []string{"updateMany", "deleteMany", "delete"} {
		ask(c, verb, object{"filter": object{}, "update": object{"$set": object{"data.n": 2}}}).Refused(http.StatusBadRequest, "filter_required")
	}
	ask(c, "update", object{"filter": object{}, "update": object{"$set": object{"data.n": 2}}, "options": object{"multi": true}}).Refused(http.StatusBadRequest, "filter_required")
	ask(c, "updateOne", object{"collection": "wallet", "filter": object{}, "update": object{"$set": object{"data.n": 2}}}).Want(http.StatusOK)
	if diff := cmp.Diff(object{"n": 1.0, "text": "x"}, payload(t, c, id)); diff != "" || len(k.Events()) > 0 {
		t.Errorf("refused updates wrote (-want +got):\n%s", diff)
	}
}

// What is wrong with one record stops no other, and is said.
func TestUpdateManyReportsPerRecord(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	ids := insert(c, object{"n": 1}, object{"n": "two"}, object{"n": 3})
	k.Events()
	got := ask(c, "updateMany", object{"filter": object{}, "update": object{"$inc": object{"data.n": 1}}, "options": object{"allowAll": true}}).Want(http.StatusOK).Map()
	problems := got["writeErrors"].([]any)
	if got["matchedCount"] != 3.0 || got["modifiedCount"] != 2.0 || len(problems) != 1 || problems[0].(object)["id"] != ids[1] || problems[0].(object)["reason"] != "invalid_update" {
		t.Errorf("result: %v", got)
	}
	if diff := cmp.Diff([]string{"collection-update", "collection-update"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if payload(t, c, ids[1])["n"] != "two" {
		t.Error("the refused record was written")
	}
	k.Events()
	ask(c, "updateMany", object{"filter": object{"data.n": "two"}, "update": object{"$inc": object{"data.n": 1}}}).Refused(http.StatusBadRequest, "invalid_update")
}

func TestUpsertAndReplace(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	body := object{
		"filter": object{"data.email": "a@b.example", "$and": []object{{"data.kind": object{"$eq": "x"}}, {"data.n": object{"$gt": 1}}}},
		"update": object{"$set": object{"data.n": 5}, "$setOnInsert": object{"data.first": true}}, "options": object{"upsert": true},
	}
	made := ask(c, "updateOne", body).Want(http.StatusOK)
	id := made.String("upsertedId")
	if m := made.Map(); m["upsertedCount"] != 1.0 || m["matchedCount"] != 0.0 {
		t.Errorf("upsert: %s", made.Body)
	}
	want := object{"email": "a@b.example", "kind": "x", "n": 5.0, "first": true}
	if diff := cmp.Diff(want, payload(t, c, id)); diff != "" {
		t.Errorf("upserted (-want +got):\n%s", diff)
	}
	if again := ask(c, "updateOne", body).Want(http.StatusOK).Map(); again["matchedCount"] != 1.0 || again["upsertedId"] != nil {
		t.Errorf("again: %v", again)
	}
	ask(c, "replaceOne", object{"filter": object{"sk": id}, "replacement": object{"n": 6}}).Want(http.StatusOK)
	if diff := cmp.Diff(object{"n": 6.0}, payload(t, c, id)); diff != "" {
		t.Errorf("replaced (-want +got):\n%s", diff)
	}
	ask(c, "replaceOne", object{"filter": object{"sk": "none"}, "replacement": object{"n": 7}, "options": object{"upsert": true}}).Want(http.StatusOK)
	ask(c, "replaceOne", object{"filter": object{"sk": id}, "replacement": object{"$set": object{"data.n": 1}}}).Refused(http.StatusBadRequest, "invalid_update")
	ask(c, "replaceOne", object{"filter": object{"sk": id}, "replacement": object{"password": "x"}}).Refused(http.StatusBadRequest, "invalid_update")
	ask(c, "replaceOne", object{"filter": object{"sk": id}}).Refused(http.StatusBadRequest, "invalid_query")
	if diff := cmp.Diff([]string{"collection-create", "collection-update", "collection-update", "collection-create"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestDeletesGoToTheTrash(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	ids := insert(c, object{"n": 1}, object{"n": 1}, object{"n": 1}, object{"n": 2}, object{"n": 3})
	k.Events()
	one := ask(c, "deleteOne", object{"filter": object{"data.n": 1}}).Want(http.StatusOK).Map()
	many := ask(c, "deleteMany", object{"filter": object{"data.n": 1}}).Want(http.StatusOK).Map()
	old := ask(c, "delete", object{"orgId": "acme", "filter": object{"data.n": 2}}).Want(http.StatusOK).Map()
	if one["deletedCount"] != 1.0 || many["deletedCount"] != 2.0 || old["deletedCount"] != 1.0 {
		t.Errorf("deleted: %v, %v, %v", one, many, old)
	}
	hard := ask(c, "deleteOne", object{"filter": object{"data.n": 3}, "hard": true}).Want(http.StatusOK).Map()
	if hard["deletedCount"] != 1.0 {
		t.Errorf("hard: %v", hard)
	}
	if names := k.EventNames(); len(names) != 5 || names[0] != "collection-delete" || names[4] != "collection-delete" {
		t.Errorf("events: %v", names)
	}
	c.Call("POST", "/repository/trash-restore/"+ids[0], nil).Want(http.StatusOK)
	c.Call("POST", "/repository/trash-restore/"+ids[4], nil).Want(http.StatusNotFound)
	if got := ask(c, "count", object{}); string(got.Body) != "1" {
		t.Errorf("left: got %s, want 1", got.Body)
	}
}

func TestBulkWrite(t *testing.T) {
	t.Parallel()
	k, c := newKit(t)
	operations := []object{
		{"insertOne": object{"document": object{"n": 1, "k": "a"}}},
		{"insertOne": object{"document": object{"n": 2, "k": "a"}}},
		{"updateMany": object{"filter": object{"data.k": "a"}, "update": object{"$inc": object{"data.n": 10}}}},
		{"updateOne": object{"filter": object{"data.k": "b"}, "update": object{"$set": object{"data.n": 3}}, "upsert": true}},
		{"replaceOne": object{"filter": object{"data.n": 11}, "replacement": object{"n": 0}}},
		{"deleteOne": object{"filter": object{"data.n": 12}}},
	}
	got := ask(c, "bulkWrite", object{"collection": "things", "operations": operations}).Want(http.StatusOK).Map()
	for name, want := range map[string]float64{"insertedCount": 2, "matchedCount": 3, "modifiedCount": 3, "deletedCount": 1, "upsertedCount": 1} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if ids := got["upsertedIds"].(object); ids["3"] == nil {
		t.Errorf("upsertedIds: %v", ids)
	}
	if diff := cmp.Diff([]object{{"n": 0.0}, {"n": 3.0, "k": "b"}}, payloads(t, c)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	k.Events()
	for ordered, want := range map[bool]float64{true: 0, false: 1} {
		got := ask(c, "bulkWrite", object{"collection": "things", "options": object{"ordered": ordered}, "operations": []object{
			{"insertOne": object{"document": object{"n": 7}}}, {"deleteMany": object{"filter": object{}}}, {"deleteOne": object{"filter": object{"data.n": 7}}},
		}}).Want(http.StatusOK).Map()
		if got["deletedCount"] != want || got["writeErrors"].([]any)[0].(object)["reason"] != "filter_required" {
			t.Errorf("ordered %v: %v", ordered, got)
		}
	}
	ask(c, "bulkWrite", object{"collection": "things", "operations": []object{{"drop": object{}}}}).Refused(http.StatusBadRequest, "invalid_query")
	ask(c, "bulkWrite", object{"collection": "things", "operations": []object{{"deleteMany": object{"filter": object{}}}}}).Refused(http.StatusBadRequest, "filter_required")
}
