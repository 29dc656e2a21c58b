package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// Credit adds to the balance. Amount is above zero.
type Credit struct {
	Type        Type
	Amount      usage.Micros
	Description string
	Reference   string
	Actor       string
	// Request makes a repeat recognisable: it is answered with the transaction
	// of the first, and changes nothing. "" posts each time.
	Request string
}

// Charge takes from the allowance first, and the rest from the balance.
type Charge struct {
	Type        Type
	Amount      usage.Micros
	Description string
	Actor       string
	Request     string // as in Credit
	// Allowance is what the plan covers of a month's charges.
	Allowance usage.Micros
	// SpendLimit caps the charges of a month; 0 means no cap.
	SpendLimit usage.Micros
	// Done charges for what has been delivered already: it is never refused, and
	// may take the balance below zero.
	Done bool
}

// Commit performs the ledger's operations, together with others, in one
// transaction. A *table.Refused makes the posting start again.
type Commit func(ctx context.Context, t Transaction, ops []table.Op) error

// Posted is a transaction with the account after it.
type Posted struct {
	Transaction
	Account Account
	// Repeated says that the request had been posted before; commit was not
	// called.
	Repeated bool
}

// Credit posts a credit. commit may be nil. It fails with ErrAmount or
// ErrReused, or table.ErrBusy when too many others are posting.
func (l Ledger) Credit(ctx context.Context, c Credit, commit Commit) (Posted, error) {
	if c.Amount <= 0 {
		return Posted{}, ErrAmount
	}
	t := Transaction{Type: c.Type, Amount: c.Amount, Description: c.Description, Reference: c.Reference, Actor: c.Actor}
	return l.post(ctx, t, c.Request, c.Amount, commit, func(a *account, _ *Transaction) error {
		a.Balance += int64(c.Amount)
		return nil
	})
}

// Draw posts a charge. commit may be nil. It fails with ErrAmount,
// ErrInsufficient, ErrSpendLimit or ErrReused, or with table.ErrBusy.
func (l Ledger) Draw(ctx context.Context, c Charge, commit Commit) (Posted, error) {
	if c.Amount <= 0 {
		return Posted{}, ErrAmount
	}
	t := Transaction{Type: c.Type, Description: c.Description, Actor: c.Actor}
	return l.post(ctx, t, c.Request, c.Amount, commit, c.apply)
}

// apply takes the charge out of an account, or refuses.
func (c Charge) apply(a *account, t *Transaction) error {
	amount := int64(c.Amount)
	covered := min(amount, max(0, int64(c.Allowance)-a.Covered))
	rest := amount - covered
	switch {
	case c.Done:
	case c.SpendLimit > 0 && a.Spent+amount > int64(c.SpendLimit):
		return ErrSpendLimit
	case rest > 0 && a.Balance < rest:
		return ErrInsufficient
	}
	a.Balance -= rest
	a.Spent += amount
	a.Covered += covered
	t.Amount, t.Covered = usage.Micros(-rest), usage.Micros(covered)
	return nil
}

// request is the marker of a request id.
type request struct {
	Asked       int64       `json:"asked"`
	Type        Type        `json:"type"`
	Transaction Transaction `json:"transaction"`
}

// post applies one change until it wins: the account is written only as it was
// read, together with the transaction and the marker of the request.
func (l Ledger) post(ctx context.Context, t Transaction, id string, asked usage.Micros, commit Commit, apply func(*account, *Transaction) error) (Posted, error) {
	if commit == nil {
		commit = func(ctx context.Context, _ Transaction, ops []table.Op) error {
			return l.tenant.Transact(ctx, "", ops...)
		}
	}
	t.Currency, t.Status = Currency, "completed"
	for range postTries {
		done, err := l.repeated(ctx, id, t.Type, asked)
		if done != nil || err != nil {
			return l.answer(ctx, done, err)
		}
		next, ops, err := l.step(ctx, t, id, asked, apply)
		if err != nil {
			return Posted{}, err
		}
		err = commit(ctx, next.Transaction, ops)
		var refused *table.Refused
		if err == nil || !errors.As(err, &refused) {
			return next, err
		}
	}
	return Posted{}, table.ErrBusy
}

func (l Ledger) answer(ctx context.Context, done *Transaction, err error) (Posted, error) {
	if err != nil {
		return Posted{}, err
	}
	a, err := l.Account(ctx)
	return Posted{Transaction: *done, Account: a, Repeated: true}, err
}

// repeated returns the transaction that the request has led to, nil for none.
func (l Ledger) repeated(ctx context.Context, id string, kind Type, asked usage.Micros) (*Transaction, error) {
	if id == "" {
		return nil, nil //nolint:nilnil // nothing to recognise it by
	}
	item, err := l.tenant.Get(ctx, table.Key{Part: requestPart, Sort: id})
	if errors.Is(err, table.ErrNotFound) {
		return nil, nil //nolint:nilnil // it is new
	}
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	var r request
	if err := item.Doc.Decode(&r); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if r.Type != kind || r.Asked != int64(asked) {
		return nil, ErrReused
	}
	return &r.Transaction, nil
}

// step works out one attempt: the transaction and its writes.
func (l Ledger) step(ctx context.Context, t Transaction, id string, asked usage.Micros, apply func(*account, *Transaction) error) (Posted, []table.Op, error) {
	a, err := l.read(ctx)
	if err != nil {
		return Posted{}, nil, err
	}
	var unchanged table.Cond = table.Compare{Path: table.At("n"), Op: table.Equal, Value: a.N}
	if a.N == 0 {
		unchanged = table.ItemMissing{}
	}
	if err := apply(&a, &t); err != nil {
		return Posted{}, nil, err
	}
	a.N++
	t.ID, t.CreateDate, t.BalanceAfter = l.newID("transaction"), record.At(l.now()), usage.Micros(a.Balance)
	ops := make([]table.Op, 0, 3)
	add := func(key table.Key, value any, cond table.Cond) {
		doc, failed := table.NewDoc(value)
		err = errors.Join(err, failed)
		ops = append(ops, table.Put{Item: table.Item{Key: key, Doc: doc}, If: cond})
	}
	add(accountKey(), a, unchanged)
	add(table.Key{Part: entryPart, Sort: sortKey(t)}, t, table.ItemMissing{})
	if id != "" {
		add(table.Key{Part: requestPart, Sort: id}, request{Asked: int64(asked), Type: t.Type, Transaction: t}, table.ItemMissing{})
	}
	return Posted{Transaction: t, Account: a.public()}, ops, err
}
