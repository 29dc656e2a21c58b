package account

import (
	"context"
	"errors"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// Balance is what an org has, and what of this month's allowance is gone. Money
// is decimal US dollars on the wire.
type Balance struct {
	Balance           usage.Micros `json:"balance"`
	Currency          string       `json:"currency"`
	HasSubscription   bool         `json:"hasSubscription"`
	SubscriptionLimit usage.Micros `json:"subscriptionLimit"`
	SubscriptionUsed  usage.Micros `json:"subscriptionUsed"`
	SpendRate         usage.Micros `json:"spendRate"`
	SpendLimit        usage.Micros `json:"spendLimit"`
	Plan              string       `json:"plan"`
	Active            bool         `json:"active"`
	NextRenewalDate   record.Time  `json:"nextRenewalDate,omitzero"`
}

// spending are the members of the company record that speak of money. Its
// balance is not among them: the ledger is the truth.
type spending struct {
	Company
	SpendRate       usage.Micros `json:"spendRate"`
	SpendLimit      usage.Micros `json:"spendLimit"`
	NextRenewalDate record.Time  `json:"nextRenewalDate"`
}

// BalanceOf reads an org's balance. Calls that are metered and charges of the
// ledger share one allowance.
func BalanceOf(ctx context.Context, d app.Deps, id org.ID) (Balance, error) {
	rec, err := repository.Lookup[spending](ctx, d.Records.Tenant(id), Companies, "name", string(id))
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return Balance{}, wrap("company", err)
	}
	t := table.Of(d.Table, id)
	held, err := ledger.Of(t, d.Now, d.NewID).Account(ctx)
	if err != nil {
		return Balance{}, err
	}
	now := d.Now()
	start, _ := usage.MonthOf(now)
	report, err := usage.ReportsOf(t).Report(ctx, start, now)
	if err != nil {
		return Balance{}, wrap("usage", err)
	}
	data, plan := rec.Data, usage.PlanOf(rec.Data.Plan)
	allowance := usage.Micros(plan.Allowance)
	return Balance{
		Balance: held.Balance, Currency: ledger.Currency, HasSubscription: allowance > 0, SubscriptionLimit: allowance,
		SubscriptionUsed: min(report.Totals.Cost+held.Covered, allowance), SpendRate: data.SpendRate, SpendLimit: data.SpendLimit,
		Plan: plan.Name, Active: data.Open(), NextRenewalDate: data.NextRenewalDate,
	}, nil
}
