package account_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/testkit"
)

func founder(email string) account.New {
	f := account.Fields{}
	f.Set("email", email)
	return account.New{Kind: auth.User, Fields: account.StaffFields(f, "Ada", ""), Password: "correct horse 9"}
}

func approve(t *testing.T, k *testkit.Kit, email string) {
	t.Helper()
	doc, err := table.NewDoc(account.Approval{Email: email, Plan: "pro", Credits: 5_000_000})
	if err != nil {
		t.Fatal(err)
	}
	put := table.Put{Item: table.Item{Key: account.ApprovalKey(email), Doc: doc}}
	if _, err := table.Of(k.Deps.Table, org.Root).Write(t.Context(), put); err != nil {
		t.Fatal(err)
	}
}

// A founding that fails leaves nothing behind: the id is free again and the
// approval is unused.
func TestFailedFoundingGivesEverythingBack(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	a := account.NewAccounts(k.Deps)
	const email = "ada@x.example"
	approve(t, k, email)
	o := account.NewOrg{ID: "acme", Name: strings.Repeat("a", 101), Email: email}
	if _, err := a.Found(t.Context(), o, founder(email)); !errors.Is(err, collection.ErrInvalidData) {
		t.Fatalf("got %v, want ErrInvalidData", err)
	}
	if free, err := a.Free(t.Context(), "acme"); err != nil || !free {
		t.Errorf("the id is free: %v, %v", free, err)
	}
	if _, ok, err := a.Approved(t.Context(), org.Root, email); err != nil || !ok {
		t.Errorf("the approval holds: %v, %v", ok, err)
	}
	o.Name = "Acme"
	if _, err := a.Found(t.Context(), o, founder(email)); err != nil {
		t.Fatal(err)
	}
	held, err := a.Ledger("acme").Account(t.Context())
	if err != nil || held.Balance != 5_000_000 {
		t.Errorf("balance = %d, %v", held.Balance, err)
	}
}

// Of founders who race for one id with one approval, one gets both.
func TestOneOfManyFounders(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	a := account.NewAccounts(k.Deps)
	const email = "ada@x.example"
	approve(t, k, email)
	var mu sync.Mutex
	won := 0
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := a.Found(t.Context(), account.NewOrg{ID: "acme", Name: "Acme", Email: email}, founder(email))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !errors.Is(err, account.ErrOrgTaken):
				t.Error(err)
			}
		})
	}
	group.Wait()
	held, err := a.Ledger("acme").Account(t.Context())
	if won != 1 || held.Balance != 5_000_000 || err != nil {
		t.Errorf("%d founded, balance %d, %v", won, held.Balance, err)
	}
}
