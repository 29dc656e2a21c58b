package query_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// naive is an independent, plain reading of the operators on documents of one
// level below data: numbers n0…n2, lists l0…l2 of small numbers.
func naive(doc object, op, field string, operand any) {
	list, _ := doc[field].([]any)
	number, _ := doc[field].(float64)
	_, had := doc[field]
	switch op {
	case "$set":
		doc[field] = operand
	case "$unset":
		delete(doc, field)
	case "$inc":
		doc[field] = number + operand.(float64)
	case "$mul":
		doc[field] = number * operand.(float64)
	case "$min":
		if !had || operand.(float64) < number {
			doc[field] = operand
		}
	case "$max":
		if !had || operand.(float64) > number {
			doc[field] = operand
		}
	case "$rename":
		if had {
			doc[strings.TrimPrefix(operand.(string), "data.")] = doc[field]
			delete(doc, field)
		}
	default:
		if changed, keep := naiveList(list, had, op, operand); keep {
			doc[field] = changed
		}
	}
}

func naiveList(list []any, had bool, op string, operand any) ([]any, bool) {
	out := []any{}
	modifiers, _ := operand.(object)
	switch op {
	case "$push":
		if modifiers == nil {
			return append(append(out, list...), operand), true
		}
		at := len(list)
		if p, has := modifiers["$position"]; has && int(p.(float64)) < at {
			at = int(p.(float64))
		}
		out = append(append(append(out, list[:at]...), modifiers["$each"].([]any)...), list[at:]...)
		if direction, has := modifiers["$sort"]; has {
			sort.SliceStable(out, func(i, j int) bool { return (out[i].(float64)-out[j].(float64))*direction.(float64) < 0 })
		}
		if cut, has := modifiers["$slice"]; has {
			if n := int(cut.(float64)); n < 0 && -n < len(out) {
				out = out[len(out)+n:]
			} else if n >= 0 && n < len(out) {
				out = out[:n]
			}
		}
		return out, true
	case "$addToSet":
		out = append(out, list...)
		for _, v := range modifiers["$each"].([]any) {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
		return out, true
	case "$pop":
		switch {
		case len(list) == 0:
			return out, had
		case operand == 1.0:
			return append(out, list[:len(list)-1]...), true
		}
		return append(out, list[1:]...), true
	}
	for _, v := range list { // $pull
		if op == "$pull" && modifiers != nil && v.(float64) >= modifiers["$gte"].(float64) || modifiers == nil && v == operand {
			continue
		}
		out = append(out, v)
	}
	return out, had
}

func drawNumber(t *rapid.T) float64 { return float64(rapid.IntRange(-20, 20).Draw(t, "number")) / 4 }

func drawList(t *rapid.T) []any {
	list := []any{}
	for range rapid.IntRange(0, 4).Draw(t, "length") {
		list = append(list, float64(rapid.IntRange(0, 5).Draw(t, "element")))
	}
	return list
}

func drawDocument(t *rapid.T) object {
	doc := object{}
	for i := range 3 {
		if rapid.Bool().Draw(t, "number there") {
			doc[fmt.Sprintf("n%d", i)] = drawNumber(t)
		}
		if rapid.Bool().Draw(t, "list there") {
			doc[fmt.Sprintf("l%d", i)] = drawList(t)
		}
	}
	return doc
}

// drawUpdate draws operators on different fields.
func drawUpdate(t *rapid.T) object {
	update := object{}
	add := func(op, field string, operand any) {
		fields, ok := update[op].(object)
		if !ok {
			fields = object{}
			update[op] = fields
		}
		fields["data."+field] = operand
	}
	for i := range 3 {
		switch op := rapid.SampledFrom([]string{"", "$set", "$unset", "$inc", "$mul", "$min", "$max", "$rename"}).Draw(t, "op"); op {
		case "":
		case "$rename":
			add(op, fmt.Sprintf("n%d", i), fmt.Sprintf("data.m%d", i))
		default:
			add(op, fmt.Sprintf("n%d", i), drawNumber(t))
		}
		field := fmt.Sprintf("l%d", i)
		switch op := rapid.SampledFrom([]string{"$push", "each", "$addToSet", "$pop", "$pull", "pull if"}).Draw(t, "list op"); op {
		case "each":
			push := object{"$each": drawList(t)}
			for name, value := range map[string]float64{"$position": float64(rapid.IntRange(0, 5).Draw(t, "at")), "$sort": 1, "$slice": float64(rapid.IntRange(-4, 4).Draw(t, "cut"))} {
				if rapid.Bool().Draw(t, name) {
					push[name] = value
				}
			}
			add("$push", field, push)
		case "$addToSet":
			add(op, field, object{"$each": drawList(t)})
		case "$pop":
			add(op, field, rapid.SampledFrom([]float64{1, -1}).Draw(t, "end"))
		case "pull if":
			add("$pull", field, object{"$gte": 3.0})
		default:
			add(op, field, float64(rapid.IntRange(0, 5).Draw(t, "value")))
		}
	}
	return update
}

// An update applied through the module is what a plain reading of its operators
// makes of the document.
func TestUpdatesEqualANaiveReading(t *testing.T) {
	t.Parallel()
	_, c := newKit(t)
	rapid.Check(t, func(t *rapid.T) {
		doc, update := drawDocument(t), drawUpdate(t)
		id := insert(c, doc)[0]
		got := ask(c, "updateOne", object{"filter": object{"sk": id}, "update": update})
		if got.Status != http.StatusOK {
			t.Fatalf("update %v: %s", update, got.Body)
		}
		for op, fields := range update {
			for path, operand := range fields.(object) {
				naive(doc, op, strings.TrimPrefix(path, "data."), operand)
			}
		}
		var stored struct{ Data object }
		if err := json.Unmarshal(ask(c, "findOne", object{"filter": object{"sk": id}}).Body, &stored); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(doc, stored.Data); diff != "" {
			t.Fatalf("%v (-naive +stored):\n%s", update, diff)
		}
	})
}
