package ledger_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/testkit"
	"github.com/appmint/appengine/shared/usage"
)

const dollar = usage.Micros(1_000_000)

func open(t testing.TB) (ledger.Ledger, *testkit.Kit) {
	t.Helper()
	k := testkit.New(t)
	return ledger.Of(table.Of(k.Deps.Table, "acme"), k.Clock.Now, k.Deps.NewID), k
}

func balance(t testing.TB, l ledger.Ledger) usage.Micros {
	t.Helper()
	a, err := l.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a.Balance
}

func credit(t testing.TB, l ledger.Ledger, amount usage.Micros) {
	t.Helper()
	if _, err := l.Credit(t.Context(), ledger.Credit{Type: ledger.Gift, Amount: amount}, nil); err != nil {
		t.Fatal(err)
	}
}

func TestCreditIsPostedOncePerRequest(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	c := ledger.Credit{Type: ledger.Manual, Amount: 5 * dollar, Request: "invoice-7"}
	first, err := l.Credit(t.Context(), c, nil)
	if err != nil || first.BalanceAfter != 5*dollar || first.Repeated {
		t.Fatalf("first = %+v, %v", first, err)
	}
	again, err := l.Credit(t.Context(), c, nil)
	if err != nil || again.ID != first.ID || !again.Repeated || balance(t, l) != 5*dollar {
		t.Errorf("again = %+v, %v; balance %d", again, err, balance(t, l))
	}
	c.Amount++
	if _, err := l.Credit(t.Context(), c, nil); !errors.Is(err, ledger.ErrReused) {
		t.Errorf("another amount: %v, want ErrReused", err)
	}
	for _, amount := range []usage.Micros{0, -1} {
		if _, err := l.Credit(t.Context(), ledger.Credit{Amount: amount}, nil); !errors.Is(err, ledger.ErrAmount) {
			t.Errorf("amount %d: %v, want ErrAmount", amount, err)
		}
	}
}

// Of concurrent draws on a balance exactly as many succeed as it covers, and
// every request is charged once however often it is sent.
func TestConcurrentDrawsNeitherLoseNorDouble(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	credit(t, l, 10*dollar)
	var mu sync.Mutex
	won := map[string]bool{}
	var group sync.WaitGroup
	for i := range 24 {
		id := fmt.Sprint("request-", i%12) // each twice
		group.Go(func() {
			_, err := l.Draw(t.Context(), ledger.Charge{Type: ledger.Usage, Amount: dollar, Request: id}, nil)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won[id] = true
			} else if !errors.Is(err, ledger.ErrInsufficient) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	list, err := l.List(t.Context(), ledger.Range{Type: ledger.Usage})
	if len(won) != 10 || balance(t, l) != 0 || len(list) != 10 || err != nil {
		t.Errorf("%d requests won, balance %d, %d charges, %v; want 10, 0, 10", len(won), balance(t, l), len(list), err)
	}
}

func TestAllowanceIsSpentFirstAndRenewsMonthly(t *testing.T) {
	t.Parallel()
	l, k := open(t)
	credit(t, l, 2*dollar)
	c := ledger.Charge{Type: ledger.Usage, Amount: 2 * dollar, Allowance: 3 * dollar, SpendLimit: 5 * dollar}
	for i, want := range []usage.Micros{2 * dollar, dollar} {
		if got, err := l.Draw(t.Context(), c, nil); err != nil || got.BalanceAfter != want {
			t.Errorf("draw %d: %d, %v; want %d", i, got.BalanceAfter, err, want)
		}
	}
	if _, err := l.Draw(t.Context(), c, nil); !errors.Is(err, ledger.ErrSpendLimit) {
		t.Errorf("over the limit: %v, want ErrSpendLimit", err)
	}
	c.SpendLimit = 0
	if _, err := l.Draw(t.Context(), c, nil); !errors.Is(err, ledger.ErrInsufficient) {
		t.Errorf("over the balance: %v, want ErrInsufficient", err)
	}
	c.Done = true
	if got, err := l.Draw(t.Context(), c, nil); err != nil || got.BalanceAfter != -dollar {
		t.Errorf("delivered already: %d, %v", got.BalanceAfter, err)
	}
	k.Clock.Advance(31 * 24 * time.Hour)
	c.Done = false
	if got, err := l.Draw(t.Context(), c, nil); err != nil || got.BalanceAfter != -dollar || got.Covered != 2*dollar {
		t.Errorf("next month: %+v, %v", got, err)
	}
}

// Whatever is posted, the amounts add up to the balance and each line's
// balanceAfter is the sum up to it.
func TestAmountsAddUpToTheBalance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		l, k := open(t)
		for range rapid.IntRange(0, 12).Draw(r, "postings") {
			amount := usage.Micros(rapid.Int64Range(1, 1e9).Draw(r, "amount"))
			if rapid.Bool().Draw(r, "credit") {
				credit(t, l, amount)
			} else if _, err := l.Draw(t.Context(), ledger.Charge{Type: ledger.Usage, Amount: amount}, nil); err != nil && !errors.Is(err, ledger.ErrInsufficient) {
				r.Fatal(err)
			}
			k.Clock.Advance(time.Millisecond)
		}
		list, err := l.List(t.Context(), ledger.Range{})
		if err != nil {
			r.Fatal(err)
		}
		var sum usage.Micros
		for i := len(list) - 1; i >= 0; i-- {
			sum += list[i].Amount
			if list[i].BalanceAfter != sum || sum < 0 {
				r.Fatalf("line %d says %d, the sum is %d", i, list[i].BalanceAfter, sum)
			}
		}
		if got := balance(t, l); got != sum {
			r.Fatalf("balance %d, sum %d", got, sum)
		}
	})
}

func TestListByTime(t *testing.T) {
	t.Parallel()
	l, k := open(t)
	began := k.Clock.Now()
	for range 3 {
		credit(t, l, dollar)
		k.Clock.Advance(time.Hour)
	}
	got, err := l.List(t.Context(), ledger.Range{From: began.Add(time.Hour), To: began.Add(time.Hour)})
	if err != nil || len(got) != 1 || got[0].BalanceAfter != 2*dollar {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := l.List(t.Context(), ledger.Range{Type: ledger.Usage}); err != nil || len(got) != 0 {
		t.Errorf("charges = %+v, %v", got, err)
	}
}
