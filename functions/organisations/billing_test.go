package organisations_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/org"
)

func TestCreditIsGivenOncePerRequest(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	root := k.operator(org.Root)
	k.Events()
	gift := m{"orgId": "acme", "amount": 10.005, "reason": "welcome", "requestId": "r1"}
	reads(t, root.Call("POST", "/org-management/billing/gift-credits", gift).Want(200), 10.01, "balance")
	k.announces("billing.credited")
	reads(t, root.Call("POST", "/org-management/billing/gift-credits", gift).Want(200), 10.01, "balance")
	if got := k.EventNames(); len(got) > 0 {
		t.Errorf("the repeat announced %v", got)
	}
	gift["amount"] = 11
	root.Call("POST", "/org-management/billing/gift-credits", gift).Refused(409, "request_reused")
	manual := m{"orgId": "acme", "amount": 5, "reference": "wire 77"}
	for range 2 {
		reads(t, root.Call("POST", "/org-management/billing/add-credit", manual).Want(200), 15.01, "balance")
	}
	for range 2 {
		root.Call("POST", "/org-management/billing/add-credit", m{"orgId": "acme", "amount": 1}, "Idempotency-Key", "k1").Want(200)
	}
	r := owner.Call("GET", "/org-management/billing/balance", nil).Want(200)
	reads(t, r, 16.01, "balance")
	reads(t, r, "free", "plan")
	reads(t, owner.Call("GET", "/repository/org", nil).Want(200), 16.01, "data", "balance")
}

func TestCreditRefusals(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	root := k.operator(org.Root)
	for path, most := range map[string]int{"gift-credits": 10_000, "add-credit": 1_000_000} {
		call := "/org-management/billing/" + path
		root.Call("POST", call, m{"orgId": "acme", "amount": -1}).Refused(400, "invalid_amount")
		root.Call("POST", call, m{"orgId": "acme", "amount": 0.001}).Refused(400, "invalid_amount")
		root.Call("POST", call, m{"orgId": "acme", "amount": most + 1}).Refused(400, "invalid_amount")
		root.Call("POST", call, m{"orgId": "acme"}).Refused(400, "validation_failed")
		root.Call("POST", call, m{"orgId": "nobody", "amount": 1}).Refused(404, "unknown_org")
		owner.Call("POST", call, m{"orgId": "acme", "amount": 1}).Refused(403, "forbidden")
	}
	root.Call("POST", "/org-management/billing/gift-credits", m{"amount": 1}).Refused(400, "validation_failed")
}

// Credits that race all count, each once.
func TestConcurrentCredits(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			in := m{"orgId": "acme", "amount": 1, "requestId": fmt.Sprint(i % 8)}
			k.operator(org.Root).Call("POST", "/org-management/billing/gift-credits", in).Want(200)
		})
	}
	group.Wait()
	reads(t, owner.Call("GET", "/org-management/billing/balance", nil).Want(200), 8.0, "balance")
	reads(t, owner.Call("GET", "/org-management/billing/transactions", nil).Want(200), 8.0, "total")
}

func TestTransactionsArePaged(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("other")
	for i := range 3 {
		k.operator(org.Root).Call("POST", "/org-management/billing/gift-credits", m{"orgId": "acme", "amount": 3 - i}).Want(200)
		k.Clock.Advance(24 * time.Hour)
	}
	list := func(query string, total int, amounts ...float64) {
		t.Helper()
		var got struct {
			Data []struct {
				Amount float64 `json:"amount"`
			} `json:"data"`
			Total int `json:"total"`
		}
		owner.Call("GET", "/org-management/billing/transactions"+query, nil).Want(200).Into(&got)
		found := make([]float64, 0, len(got.Data))
		for _, d := range got.Data {
			found = append(found, d.Amount)
		}
		if fmt.Sprint(found) != fmt.Sprint(amounts) || got.Total != total {
			t.Errorf("%s: %v of %d, want %v of %d", query, found, got.Total, amounts, total)
		}
	}
	list("", 3, 1, 2, 3)
	list("?st=asc", 3, 3, 2, 1)
	list("?s=amount&st=asc&ps=2", 3, 1, 2)
	list("?ps=2&p=2", 3, 3)
	list("?p=9", 3)
	list("?type=usage", 0)
	list("?from=2026-04-11&to=2026-04-11", 1, 2)
	owner.Call("GET", "/org-management/billing/transactions?from=yesterday", nil).Refused(400, "invalid_date")
	owner.Call("GET", "/org-management/billing/transactions?type=x", nil).Refused(400, "validation_failed")
	reads(t, k.Owner("other").Call("GET", "/org-management/billing/transactions", nil).Want(200), 0.0, "total")
}

func TestSpendLimit(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	owner.Call("POST", "/org-management/billing/spend-limit", m{"spendLimit": 200, "spendRate": 1.5}).Want(200)
	k.announces("org-update")
	r := owner.Call("GET", "/org-management/billing/balance", nil).Want(200)
	reads(t, r, 200.0, "spendLimit")
	reads(t, r, 1.5, "spendRate")
	owner.Call("POST", "/org-management/billing/spend-limit", m{"spendLimit": -1}).Refused(400, "invalid_amount")
	owner.Call("POST", "/org-management/billing/spend-limit", m{}).Refused(400, "nothing_to_change")
	k.Owner("ghost").Call("POST", "/org-management/billing/spend-limit", m{"spendLimit": 1}).Refused(404, "unknown_org")
}

func TestPlansAndSubscription(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	var plans []m
	k.Anonymous("").Call("GET", "/org-management/subscription/plans", nil).Want(200).Into(&plans)
	if len(plans) != 5 || plans[0]["name"] != "free" || plans[2]["allowance"] != 100.0 || plans[0]["maxUsers"] != 5.0 || plans[4]["maxUsers"] != nil {
		t.Errorf("plans = %v", plans)
	}
	r := k.found("acme").Call("GET", "/org-management/subscription", nil).Want(200)
	reads(t, r, "free", "plan")
	reads(t, r, "active", "status")
	reads(t, r, nil, "scheduledChange")
	k.Owner("ghost").Call("GET", "/org-management/subscription", nil).Refused(404, "unknown_org")
}

// An account closes and opens again by the table of its states.
func TestAccountLifecycle(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	root := k.operator(org.Root)
	k.Events()
	const account = "/org-management/account"
	cancel := func() { owner.Call("POST", account+"/cancel", m{"confirm": "acme", "reason": "bye"}).Want(200) }
	owner.Call("POST", account+"/cancel", m{}).Refused(400, "not_confirmed")
	owner.Call("POST", account+"/reactivate", nil).Refused(409, "wrong_state")
	cancel()
	k.announces("org-update")
	owner.Call("POST", account+"/cancel", m{"confirm": "acme"}).Refused(409, "wrong_state")
	owner.Call("POST", "/org-management/invitations", m{"email": "a@x.example"}).Refused(403, "org_inactive")
	reads(t, owner.Call("GET", "/org-management/profile", nil).Want(200), "inactive", "company", "data", "status")
	reads(t, owner.Call("POST", account+"/reactivate", nil).Want(200), "active", "data", "status")
	owner.Call("POST", account+"/reactivate", m{"orgId": "other"}).Refused(404, "unknown_org")

	reads(t, root.Call("POST", account+"/suspend", m{"orgId": "acme", "reason": "spam"}).Want(200), false, "data", "active")
	root.Call("POST", account+"/suspend", m{"orgId": "acme"}).Refused(409, "wrong_state")
	owner.Call("POST", account+"/reactivate", nil).Refused(403, "forbidden")
	reads(t, root.Call("POST", account+"/reactivate", m{"orgId": "acme"}).Want(200), "active", "data", "status")

	root.Call("DELETE", account, m{"orgId": "acme"}).Refused(400, "not_confirmed")
	root.Call("DELETE", account, m{"orgId": "nobody", "confirm": "nobody"}).Refused(404, "unknown_org")
	root.Call("DELETE", account, m{"orgId": "appengine", "confirm": "appengine"}).Refused(409, "wrong_state")
	root.Call("POST", account+"/suspend", m{"orgId": "appengine"}).Refused(409, "wrong_state")
	k.Events()
	root.Call("DELETE", account+"?orgId=acme&confirm=acme", nil).Want(200)
	k.announces("org-delete")
	root.Call("POST", account+"/reactivate", m{"orgId": "acme"}).Refused(404, "unknown_org")
	owner.Call("GET", "/repository/org", nil).Refused(404, "unknown_org")
	root.Call("POST", account+"/suspend", m{"orgId": "acme"}).Refused(404, "unknown_org")
}

// An org in debt comes back in grace, and a credit that pays it ends that.
func TestDebtMeansGrace(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	charge := ledger.Charge{Type: ledger.Usage, Amount: 2_000_000, Done: true}
	if _, err := k.accounts.Ledger("acme").Draw(t.Context(), charge, nil); err != nil {
		t.Fatal(err)
	}
	owner.Call("POST", "/org-management/account/cancel", m{"confirm": "acme"}).Want(200)
	reads(t, owner.Call("POST", "/org-management/account/reactivate", nil).Want(200), "grace", "data", "status")
	k.operator(org.Root).Call("POST", "/org-management/billing/add-credit", m{"orgId": "acme", "amount": 1}).Want(200)
	reads(t, owner.Call("GET", "/repository/org", nil).Want(200), "grace", "data", "status")
	k.operator("acme").Call("POST", "/org-management/billing/add-credit", m{"amount": 1}).Want(200)
	reads(t, owner.Call("GET", "/repository/org", nil).Want(200), "active", "data", "status")
	if b, err := account.BalanceOf(t.Context(), k.Deps, "acme"); err != nil || b.Balance != 0 {
		t.Errorf("balance = %d, %v", b.Balance, err)
	}
}
