package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// Approval lets an e-mail address sign up: one of the platform's own org gives
// the organisation that the address founds a plan and credits, one of another
// org lets the address join it without an invitation. It is used once.
type Approval struct {
	Email     string       `json:"email"`
	Plan      string       `json:"plan,omitempty"`
	Credits   usage.Micros `json:"credits,omitempty"`
	ExpiresAt record.Time  `json:"expiresAt,omitzero"`
	CreatedBy string       `json:"createdBy,omitempty"`
	CreatedAt record.Time  `json:"createdAt,omitzero"`
	UsedBy    string       `json:"usedBy,omitempty"` // the org founded, or the user who joined
}

// ApprovalPart is the partition of approvals.
const ApprovalPart = "preapproved"

// ApprovalKey is where the approval of an address is kept.
func ApprovalKey(email string) table.Key { return table.Key{Part: ApprovalPart, Sort: email} }

// Usable says whether the approval holds at an instant.
func (p Approval) Usable(now time.Time) bool {
	return p.UsedBy == "" && (p.ExpiresAt.IsZero() || now.Before(p.ExpiresAt.Time))
}

// Approved reads the approval of an address in an org; ok is false when there
// is none that holds.
func (a *Accounts) Approved(ctx context.Context, id org.ID, email string) (p Approval, ok bool, err error) {
	item, err := table.Of(a.deps.Table, id).Get(ctx, ApprovalKey(email))
	if errors.Is(err, table.ErrNotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("read approval: %w", err)
	}
	if err := item.Doc.Decode(&p); err != nil {
		return p, false, fmt.Errorf("read approval: %w", err)
	}
	return p, p.Usable(a.deps.Now()), nil
}

// UseApproval is the write that uses an approval up; it is refused when
// somebody else was faster.
func UseApproval(email, by string) table.Modify {
	return table.Modify{
		Key: ApprovalKey(email), Set: []table.Assign{{Path: table.At("usedBy"), Value: by}},
		If: table.Missing{Path: table.At("usedBy")},
	}
}

// takeApproval uses the platform's approval of an address up for a new org; ok
// is false when there is none.
func (a *Accounts) takeApproval(ctx context.Context, email string, id org.ID) (p Approval, ok bool, err error) {
	p, ok, err = a.Approved(ctx, org.Root, email)
	if err != nil || !ok {
		return Approval{}, false, err
	}
	_, err = table.Of(a.deps.Table, org.Root).Write(ctx, UseApproval(email, string(id)))
	var refused *table.Refused
	if errors.As(err, &refused) || errors.Is(err, table.ErrNotFound) {
		return Approval{}, false, nil
	}
	if err != nil {
		return Approval{}, false, fmt.Errorf("use approval: %w", err)
	}
	return p, true, nil
}

// returnApproval undoes takeApproval for an org that did not come about.
func (a *Accounts) returnApproval(ctx context.Context, email string, id org.ID) error {
	_, err := table.Of(a.deps.Table, org.Root).Write(ctx, table.Modify{
		Key: ApprovalKey(email), Remove: []table.Path{table.At("usedBy")},
		If: table.Compare{Path: table.At("usedBy"), Op: table.Equal, Value: string(id)},
	})
	var refused *table.Refused
	if err == nil || errors.As(err, &refused) || errors.Is(err, table.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("return approval: %w", err)
}

// openingCredit are the writes of the credit that a new org begins with.
func (a *Accounts) openingCredit(ctx context.Context, id org.ID, p Approval) ([]table.Op, error) {
	if p.Credits <= 0 {
		return nil, nil
	}
	var ops []table.Op
	credit := ledger.Credit{Type: ledger.Gift, Amount: p.Credits, Description: "Credit to begin with", Actor: p.CreatedBy}
	_, err := a.Ledger(id).Credit(ctx, credit, func(_ context.Context, _ ledger.Transaction, writes []table.Op) error {
		ops = writes
		return nil
	})
	return ops, err
}

// Ledger opens an org's ledger.
func (a *Accounts) Ledger(id org.ID) ledger.Ledger {
	return ledger.Of(table.Of(a.deps.Table, id), a.deps.Now, a.deps.NewID)
}

// HashOf is what is stored of a person's password, "" for none.
func (a *Accounts) HashOf(ctx context.Context, who auth.Principal) (string, error) {
	item, err := table.Of(a.deps.Table, who.Home).Get(ctx, CredentialKey(who.ID))
	if errors.Is(err, table.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read credential: %w", err)
	}
	var c Credential
	if err := item.Doc.Decode(&c); err != nil {
		return "", fmt.Errorf("read credential: %w", err)
	}
	return c.Hash, nil
}
