// Package ledger keeps an org's prepaid credit: an append-only list of
// transactions whose amounts add up to the balance. The running balance, the
// transaction and the marker of its request are written as one conditional
// step, so concurrent credits and draws neither lose nor double anything.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// The faults of posting.
var (
	// ErrAmount refuses an amount that cannot be credited or drawn.
	ErrAmount = fault.New(fault.Invalid, "invalid_amount", "The amount must be more than zero and no more than is allowed at once.")
	// ErrInsufficient refuses a charge that neither allowance nor balance covers.
	ErrInsufficient = fault.New(fault.PaymentRequired, "INSUFFICIENT_BALANCE", "There is not enough credit for that.")
	// ErrSpendLimit refuses a charge beyond what may be spent in a month.
	ErrSpendLimit = fault.New(fault.Forbidden, "spend_limit_reached", "This month's spend limit is reached.")
	// ErrReused refuses a request id under which something else was posted.
	ErrReused = fault.New(fault.Conflict, "request_reused", "That reference has been used for another amount already.")
	// ErrTooFar refuses a range with more transactions than can be listed.
	ErrTooFar = fault.New(fault.Invalid, "range_too_long", "That range has too many transactions. Please choose a shorter one.")
)

// Type is what a transaction is for.
type Type string

// The types of transactions.
const (
	Purchase     Type = "purchase"
	Gift         Type = "gift"
	Manual       Type = "manual" // credited after a payment outside of the system
	Usage        Type = "usage"
	Refund       Type = "refund"
	Subscription Type = "subscription"
)

// Currency is the one currency of the ledger.
const Currency = "USD"

// Transaction is one line of the ledger. It is never changed. Amounts are
// micro-dollars: above zero for credits, below for charges.
type Transaction struct {
	ID           string       `json:"id"`
	Type         Type         `json:"type"`
	Amount       usage.Micros `json:"amount"`
	Covered      usage.Micros `json:"covered,omitempty"` // what the plan's allowance paid of a charge
	Currency     string       `json:"currency"`
	Status       string       `json:"status"`
	BalanceAfter usage.Micros `json:"balanceAfter"`
	Description  string       `json:"description,omitempty"`
	Reference    string       `json:"reference,omitempty"`
	Actor        string       `json:"actor,omitempty"`
	CreateDate   record.Time  `json:"createdate"`
}

// Account is where an org's ledger stands. Spent and Covered are of the current
// month, UTC; Spent includes what was covered.
type Account struct {
	Balance usage.Micros
	Spent   usage.Micros
	Covered usage.Micros
}

// account is the item: amounts as plain integers.
type account struct {
	N       int64  `json:"n"` // transactions so far
	Balance int64  `json:"balance"`
	Month   string `json:"month"`
	Spent   int64  `json:"spent"`
	Covered int64  `json:"covered"`
}

const (
	accountPart = "ledger"
	entryPart   = "ledger_entry"
	requestPart = "ledger_request"
	monthLayout = "2006-01"
	// postTries bounds how often a posting loses against others; each time it
	// loses, one of them has won.
	postTries = 64
)

func accountKey() table.Key { return table.Key{Part: accountPart, Sort: "account"} }

// Ledger is one org's.
type Ledger struct {
	tenant table.Tenant
	now    func() time.Time
	newID  func(datatype string) string
}

// Of opens an org's ledger; one that nothing was posted to stands at zero.
func Of(t table.Tenant, now func() time.Time, newID func(datatype string) string) Ledger {
	return Ledger{tenant: t, now: now, newID: newID}
}

// Account reads where the ledger stands, strongly consistent.
func (l Ledger) Account(ctx context.Context) (Account, error) {
	a, err := l.read(ctx)
	return a.public(), err
}

func (a account) public() Account {
	return Account{Balance: usage.Micros(a.Balance), Spent: usage.Micros(a.Spent), Covered: usage.Micros(a.Covered)}
}

// read returns the account as it stands this month.
func (l Ledger) read(ctx context.Context) (account, error) {
	var a account
	item, err := l.tenant.Get(ctx, accountKey())
	switch {
	case errors.Is(err, table.ErrNotFound):
	case err != nil:
		return a, fmt.Errorf("read ledger: %w", err)
	default:
		if err := item.Doc.Decode(&a); err != nil {
			return a, fmt.Errorf("read ledger: %w", err)
		}
	}
	if month := l.now().UTC().Format(monthLayout); a.Month != month {
		a.Month, a.Spent, a.Covered = month, 0, 0
	}
	return a, nil
}
