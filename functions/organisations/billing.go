package organisations

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// ErrDate refuses a text that is no date.
var ErrDate = fault.New(fault.Invalid, "invalid_date", "That is not a date. Dates look like 2026-04-10 or 2026-04-10T08:20:11Z.")

const (
	cent = usage.Micros(10_000)
	// giftMax and manualMax cap what one operator's call credits: 10,000 and
	// 1,000,000 dollars.
	giftMax   = 10_000 * 1_000_000
	manualMax = 1_000_000 * 1_000_000
)

func (s *service) balance(ctx context.Context, who auth.Principal, _ nothing) (account.Balance, error) {
	return account.BalanceOf(ctx, s.deps, who.Org)
}

type transactionsIn struct {
	pagingIn
	From string `query:"from" doc:"ISO date"`
	To   string `query:"to" doc:"ISO date; one without time includes its day"`
	Kind string `query:"type" enum:"purchase,gift,manual,usage,refund,subscription"`
}

func (s *service) transactions(ctx context.Context, who auth.Principal, in transactionsIn) (page[ledger.Transaction], error) {
	r := ledger.Range{Type: ledger.Type(in.Kind)}
	for _, bound := range []struct {
		text string
		into *time.Time
		day  time.Duration
	}{{in.From, &r.From, 0}, {in.To, &r.To, 24*time.Hour - time.Millisecond}} {
		if bound.text == "" {
			continue
		}
		at, ok := record.ParseTime(bound.text)
		if !ok {
			return page[ledger.Transaction]{}, ErrDate
		}
		*bound.into = at.Time
		if len(bound.text) == len(time.DateOnly) {
			*bound.into = at.Add(bound.day)
		}
	}
	list, err := s.accounts.Ledger(who.Org).List(ctx, r)
	if err != nil {
		return page[ledger.Transaction]{}, err
	}
	arrange(list, in.pagingIn)
	return sliced(in.pagingIn, list), nil
}

// arrange sorts a list that is newest first; unknown fields mean the time.
func arrange(list []ledger.Transaction, in pagingIn) {
	switch strings.TrimPrefix(in.Sort, "data.") {
	case "amount":
		slices.SortStableFunc(list, func(a, b ledger.Transaction) int { return cmp.Compare(b.Amount, a.Amount) })
	case "balanceAfter":
		slices.SortStableFunc(list, func(a, b ledger.Transaction) int { return cmp.Compare(b.BalanceAfter, a.BalanceAfter) })
	case "type":
		slices.SortStableFunc(list, func(a, b ledger.Transaction) int { return cmp.Compare(b.Type, a.Type) })
	}
	if !in.descending() {
		slices.Reverse(list)
	}
}

type creditIn struct {
	OrgID     string       `json:"orgId" maxLen:"100" doc:"whom to credit"`
	Amount    usage.Micros `json:"amount" required:"true" doc:"dollars; rounded to cents"`
	Reason    string       `json:"reason" maxLen:"500"`
	Reference string       `json:"reference" maxLen:"200" doc:"of the payment; the same one is credited once"`
	RequestID string       `json:"requestId" maxLen:"200" doc:"makes a repeat of the call recognisable"`
	Key       string       `header:"Idempotency-Key" maxLen:"200" doc:"another way to send requestId"`
}

// creditOut is the balance after a credit, and the credit itself.
type creditOut struct {
	Success     bool               `json:"success"`
	Balance     usage.Micros       `json:"balance"`
	Transaction ledger.Transaction `json:"transaction"`
}

type giftIn struct{ creditIn }

// Validate asks whom to credit.
func (in giftIn) Validate() []fault.Detail {
	if in.OrgID == "" {
		return []fault.Detail{{Field: "orgId", Message: "orgId is required.", Code: "required"}}
	}
	return nil
}

func (s *service) gift(ctx context.Context, who auth.Principal, in giftIn) (creditOut, error) {
	in.Reference = ""
	return s.credit(ctx, who, in.creditIn, ledger.Gift, giftMax)
}

// addCredit books a payment that was made outside of the system.
func (s *service) addCredit(ctx context.Context, who auth.Principal, in creditIn) (creditOut, error) {
	return s.credit(ctx, who, in, ledger.Manual, manualMax)
}

func (s *service) credit(ctx context.Context, who auth.Principal, in creditIn, kind ledger.Type, most usage.Micros) (creditOut, error) {
	amount := (in.Amount + cent/2) / cent * cent
	if amount <= 0 || amount > most {
		return creditOut{}, ledger.ErrAmount
	}
	id, err := orgOf(who, in.OrgID)
	if err != nil {
		return creditOut{}, err
	}
	rec, err := s.company(ctx, id)
	if err != nil {
		return creditOut{}, err
	}
	c := ledger.Credit{
		Type: kind, Amount: amount, Description: in.Reason, Reference: in.Reference, Actor: who.Label(),
		Request: requestOf(in, kind),
	}
	posted, err := s.accounts.Ledger(id).Credit(ctx, c, s.booked(who, id, rec))
	if err != nil {
		return creditOut{}, err
	}
	if err := s.paid(ctx, who, id, rec, posted.Account.Balance); err != nil {
		return creditOut{}, err
	}
	return creditOut{Success: true, Balance: posted.Account.Balance, Transaction: posted.Transaction}, nil
}

// requestOf names a request for the ledger, so that the kinds of names cannot be
// taken for one another.
func requestOf(in creditIn, kind ledger.Type) string {
	switch {
	case in.Reference != "":
		return string(kind) + "/reference/" + in.Reference
	case in.RequestID != "":
		return string(kind) + "/request/" + in.RequestID
	case in.Key != "":
		return string(kind) + "/request/" + in.Key
	}
	return ""
}

// booked commits a credit together with its trace and its event.
func (s *service) booked(who auth.Principal, id org.ID, rec account.Record) ledger.Commit {
	return func(ctx context.Context, t ledger.Transaction, ops []table.Op) error {
		tx := s.deps.Records.Tenant(id).Begin(who)
		before := map[string]usage.Micros{"balance": t.BalanceAfter - t.Amount}
		if err := audit(tx, "payment", ownerOf(rec), before, t); err != nil {
			return err
		}
		tx.Emit(eventCredited, t)
		tx.Also(ops...)
		_, err := tx.Commit(ctx)
		return err
	}
}

// paid ends the grace of an org that owes nothing any more.
func (s *service) paid(ctx context.Context, who auth.Principal, id org.ID, rec account.Record, balance usage.Micros) error {
	if rec.Data.Text("status") != statusGrace || balance < 0 {
		return nil
	}
	_, err := s.move(ctx, who, id, settle, "credit")
	return err
}

type limitIn struct {
	SpendLimit *usage.Micros `json:"spendLimit" doc:"dollars a month; 0 means no limit"`
	SpendRate  *usage.Micros `json:"spendRate" doc:"dollars"`
}

func (s *service) spendLimit(ctx context.Context, who auth.Principal, in limitIn) (*account.Record, error) {
	given := map[string]*usage.Micros{"spendLimit": in.SpendLimit, "spendRate": in.SpendRate}
	if in.SpendLimit == nil && in.SpendRate == nil {
		return nil, ErrNothing
	}
	for _, amount := range given {
		if amount != nil && (*amount < 0 || *amount > manualMax) {
			return nil, ledger.ErrAmount
		}
	}
	rec, err := s.amend(ctx, who, who.Org, amendment{kind: "update", edit: func(f account.Fields) error {
		for name, amount := range given {
			if amount != nil {
				f.Set(name, *amount)
			}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, who.Org, rec)
}
