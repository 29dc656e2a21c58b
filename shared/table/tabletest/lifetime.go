package tabletest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/appmint/appengine/shared/table"
)

func expiryCases() []suiteCase {
	return []suiteCase{
		{"expired items do not exist", expiredReads},
		{"expired items do not count in conditions", expiredWrites},
		{"expired items are not modified", expiredModify},
		{"expiry can be moved", expiryMoves},
	}
}

func concurrencyCases() []suiteCase {
	return []suiteCase{
		{"concurrent increments add up", concurrentIncrements},
		{"concurrent creates have one winner", concurrentCreates},
		{"concurrent transactions keep the sum", concurrentTransfers},
	}
}

func (e env) expired(key table.Key) {
	e.Helper()
	e.write(table.Put{Item: table.Item{
		Key: key, Doc: table.Doc(`{"n":9,"old":true}`), Expires: past(),
		Index: map[string]string{table.By1: e.part("i"), table.Ord1: "x"},
	}})
}

func expiredReads(e env) {
	key := e.key("p", "b")
	e.expired(key)
	e.put(e.key("p", "a"), `{}`)
	e.put(e.key("p", "c"), `{}`)
	e.missing(key)
	items, err := e.table.BatchGet(e.Context(), []table.Key{key, e.key("p", "a")})
	if err != nil || len(items) != 1 {
		e.Errorf("batch: got %d items, %v; want 1", len(items), err)
	}
	e.sorts(table.Query{Part: e.part("p")}, "a c")
	e.sorts(table.Query{Part: e.part("p"), Limit: 1, Desc: true}, "c a")
	e.sorts(table.Query{Part: e.part("i"), Index: table.By1}, "")
	e.sorts(table.Query{Part: e.part("p"), Index: table.Ord1}, "")
	if page := e.query(table.Query{Part: e.part("p"), CountOnly: true}); page.Count != 2 {
		e.Errorf("counted %d, want 2", page.Count)
	}
}

func expiredWrites(e env) {
	key := e.key("p", "s")
	e.expired(key)
	if old := e.refused(put(key, `{}`, table.ItemExists{})).Old; old != nil {
		e.Errorf("refused by the expired %+v", old)
	}
	e.refuses(put(key, `{}`, is("n", table.Equal, 9)))
	_ = e.refusal(e.transact(table.Check{Key: key, If: table.ItemExists{}}, put(e.key("p", "t"), `{}`, nil)))
	e.same(e.write(table.Delete{Key: key}), table.Item{})
	e.expired(key)
	e.write(put(key, `{"new":1}`, table.ItemMissing{}))
	e.doc(e.get(key), `{"new":1}`)
	e.expired(key)
	e.write(put(key, `{"new":2}`, is("n", table.NotEqual, 9)))
	e.doc(e.get(key), `{"new":2}`)
	e.sorts(table.Query{Part: e.part("i"), Index: table.By1}, "")
}

func expiredModify(e env) {
	key := e.key("p", "s")
	change := table.Modify{Key: key, Add: []table.Increment{{Path: table.At("n"), By: 1}}}
	e.expired(key)
	_, err := e.table.Write(e.Context(), change)
	e.fails(err, table.ErrNotFound)
	e.fails(e.transact(change, put(e.key("p", "t"), `{}`, nil)), table.ErrNotFound)
	change.Upsert = true
	fresh := e.write(change)
	e.doc(fresh, `{"n":1}`)
	if !fresh.Expires.IsZero() || len(fresh.Index) > 0 {
		e.Errorf("an expired item lived on: %+v", fresh)
	}
	e.expired(key)
	if err := e.transact(change, put(e.key("p", "t"), `{}`, nil)); err != nil {
		e.Fatal(err)
	}
	e.doc(e.get(key), `{"n":1}`)
}

func expiryMoves(e env) {
	key := e.key("p", "s")
	e.write(table.Put{Item: table.Item{Key: key, Doc: table.Doc(`{}`), Expires: future()}})
	e.write(table.Modify{Key: key, Expires: past()})
	e.missing(key)
}

// together runs n functions at once and waits for them.
func together(n int, run func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { run(i) })
	}
	group.Wait()
}

func concurrentIncrements(e env) {
	key := e.key("p", "s")
	together(8, func(int) {
		for range 20 {
			_, err := e.table.Write(e.Context(), table.Modify{
				Key: key, Add: []table.Increment{{Path: table.At("c.n"), By: 1}}, Upsert: true,
			})
			if err != nil {
				e.Error(err)
			}
		}
	})
	e.doc(e.get(key), `{"c":{"n":160}}`)
}

func concurrentCreates(e env) {
	for round := range 5 {
		key := e.key("p", fmt.Sprint(round))
		won := make(chan int, 16)
		together(16, func(i int) {
			_, err := e.table.Write(e.Context(), put(key, fmt.Sprintf(`{"by":%d}`, i), table.ItemMissing{}))
			var refused *table.Refused
			switch {
			case err == nil:
				won <- i
			case !errors.As(err, &refused) || refused.Old == nil:
				e.Errorf("loser: %v", err)
			}
		})
		if len(won) != 1 {
			e.Fatalf("%d winners", len(won))
		}
		e.doc(e.get(key), fmt.Sprintf(`{"by":%d}`, <-won))
	}
}

func concurrentTransfers(e env) {
	const accounts = 4
	key := func(i int) table.Key { return e.key("p", fmt.Sprint(i%accounts)) }
	for i := range accounts {
		e.put(key(i), `{"n":10}`)
	}
	together(8, func(worker int) {
		for i := range 10 {
			from, to := key(worker+i), key(worker+i+1)
			err := e.transact(
				table.Modify{Key: from, Add: []table.Increment{{Path: table.At("n"), By: -1}}, If: is("n", table.Greater, 0)},
				table.Modify{Key: to, Add: []table.Increment{{Path: table.At("n"), By: 1}}},
			)
			var refused *table.Refused
			if err != nil && !errors.As(err, &refused) && !errors.Is(err, table.ErrBusy) {
				e.Error(err)
			}
		}
	})
	sum := 0
	for i := range accounts {
		var account struct{ N int }
		if err := e.get(key(i)).Doc.Decode(&account); err != nil || account.N < 0 {
			e.Errorf("account %d: %+v %v", i, account, err)
		}
		sum += account.N
	}
	if sum != 10*accounts {
		e.Errorf("sum is %d, want %d", sum, 10*accounts)
	}
}
