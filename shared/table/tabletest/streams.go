package tabletest

import (
	"fmt"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
)

func streamCases() []suiteCase {
	return []suiteCase{
		{"the stream tells each change with both images", streamImages},
		{"the stream keeps the order of writes", streamOrder},
		{"refused writes do not show in the stream", streamRefused},
	}
}

func consumptionCases() []suiteCase {
	return []suiteCase{{"calls are added up", consumptionAdds}}
}

// changes returns this case's changes.
func (e env) changes() []table.Change {
	e.Helper()
	stream, ok := e.table.(Changer)
	if !ok {
		e.Skip("this adapter has no change stream of its own")
	}
	var all []table.Change
	after := ""
	for {
		changes, next, err := stream.Changes(e.Context(), after, 100)
		if err != nil {
			e.Fatal(err)
		}
		if len(changes) == 0 {
			return all
		}
		for _, c := range changes {
			if len(c.Key.Part) > len(e.prefix) && c.Key.Part[:len(e.prefix)] == e.prefix {
				all = append(all, c)
			}
		}
		after = next
	}
}

func streamImages(e env) {
	e.changes()
	item := fullItem(e.key("p", "s"), e.part("x"))
	e.write(table.Put{Item: item})
	e.write(table.Modify{Key: item.Key, Set: []table.Assign{set("a", 2)}})
	e.write(table.Delete{Key: item.Key})
	e.write(table.Delete{Key: item.Key})
	changes := e.changes()
	if len(changes) != 3 {
		e.Fatalf("got %d changes, want 3", len(changes))
	}
	insert, modify, remove := changes[0], changes[1], changes[2]
	if insert.Old != nil || insert.New == nil || modify.Old == nil || modify.New == nil || remove.Old == nil || remove.New != nil {
		e.Fatalf("images: %+v", changes)
	}
	e.same(*insert.New, item)
	e.same(*modify.Old, item)
	e.same(*remove.Old, *modify.New)
	e.doc(*modify.New, `{"a":2,"b":{"c":[1,"x",null,true,{"d":[]}]},"e":{}}`)
	for _, c := range changes {
		if c.Key != item.Key || c.At.IsZero() {
			e.Errorf("change %+v", c)
		}
	}
}

func streamOrder(e env) {
	e.changes()
	together(4, func(worker int) {
		for i := range 25 {
			e.put(e.key(fmt.Sprint(worker), "s"), fmt.Sprintf(`{"n":%d}`, i))
		}
	})
	next := map[string]int{}
	last := ""
	for _, c := range e.changes() {
		var doc struct{ N int }
		if err := c.New.Doc.Decode(&doc); err != nil {
			e.Fatal(err)
		}
		if doc.N != next[c.Key.Part] || c.ID <= last {
			e.Errorf("%s: got %d with id %s after %s, want %d", c.Key.Part, doc.N, c.ID, last, next[c.Key.Part])
		}
		next[c.Key.Part]++
		last = c.ID
	}
	want := map[string]int{e.part("0"): 25, e.part("1"): 25, e.part("2"): 25, e.part("3"): 25}
	if diff := cmp.Diff(next, want); diff != "" {
		e.Errorf("changes per partition (-got +want):\n%s", diff)
	}
}

func streamRefused(e env) {
	e.changes()
	key := e.key("p", "s")
	e.refuses(put(key, `{}`, table.ItemExists{}))
	_ = e.refusal(e.transact(put(e.key("p", "t"), `{}`, nil), table.Check{Key: key, If: table.ItemExists{}}))
	if changes := e.changes(); len(changes) > 0 {
		e.Errorf("got %d changes, want none", len(changes))
	}
}

func consumptionAdds(e env) {
	outer, total := table.WithConsumption(e.Context())
	ctx, part := table.WithConsumption(outer)
	key := e.key("p", "s")
	if _, err := e.table.Write(ctx, put(key, `{"n":1}`, nil)); err != nil {
		e.Fatal(err)
	}
	if part.Calls() != 1 || part.WriteUnits() < 1 || part.ReadUnits() != 0 {
		e.Errorf("put: %d calls, %g read, %g written", part.Calls(), part.ReadUnits(), part.WriteUnits())
	}
	if _, err := e.table.Get(outer, key); err != nil {
		e.Fatal(err)
	}
	if _, err := e.table.Query(outer, table.Query{Part: key.Part}); err != nil {
		e.Fatal(err)
	}
	if total.Calls() != 3 || total.ReadUnits() != 1.5 || total.WriteUnits() != part.WriteUnits() || part.Calls() != 1 {
		e.Errorf("in all: %d calls, %g read, %g written", total.Calls(), total.ReadUnits(), total.WriteUnits())
	}
}
