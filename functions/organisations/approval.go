package organisations

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

var (
	// ErrUnknownApproval answers for an address that is not pre-approved.
	ErrUnknownApproval = fault.New(fault.NotFound, "unknown_approval", "That address is not pre-approved.")
	// ErrPlatformOnly refuses an org's own administrators to give plans and credits.
	ErrPlatformOnly = fault.New(fault.Forbidden, "platform_only", "Only the platform's administrators give plans and credits.")
)

// approvalsMax bounds the list of one org.
const approvalsMax = 10_000

func (s *service) approvals(ctx context.Context, who auth.Principal, in pagingIn) (page[account.Approval], error) {
	list := []account.Approval{}
	query := table.Query{Part: account.ApprovalPart, Consistent: true}
	for {
		found, err := table.Of(s.deps.Table, who.Org).Query(ctx, query)
		if err != nil {
			return page[account.Approval]{}, fmt.Errorf("list approvals: %w", err)
		}
		for _, item := range found.Items {
			var a account.Approval
			if err := item.Doc.Decode(&a); err != nil {
				return page[account.Approval]{}, fmt.Errorf("list approvals: %w", err)
			}
			list = append(list, a)
		}
		if found.Cursor == "" || len(list) >= approvalsMax {
			break
		}
		query.Cursor = found.Cursor
	}
	slices.SortStableFunc(list, func(a, b account.Approval) int { return b.CreatedAt.Compare(a.CreatedAt.Time) })
	return sliced(in, list), nil
}

type approveIn struct {
	Email     string       `json:"email" required:"true" maxLen:"150"`
	Plan      string       `json:"plan" maxLen:"40" doc:"of the organisation that the address founds"`
	Credits   usage.Micros `json:"credits" doc:"dollars that the organisation begins with"`
	ExpiresAt record.Time  `json:"expiresAt"`
}

// approve lets an address sign up: in the root org, to found an organisation
// with a plan and credits; in another one, to join it without an invitation.
// Approving again replaces what was approved, used or not.
func (s *service) approve(ctx context.Context, who auth.Principal, in approveIn) (account.Approval, error) {
	email, err := account.CheckEmail(in.Email)
	if err != nil {
		return account.Approval{}, err
	}
	now := s.deps.Now()
	switch {
	case (in.Plan != "" || in.Credits != 0) && (who.Org != org.Root || !who.IsPlatformAdmin()):
		return account.Approval{}, ErrPlatformOnly
	case in.Plan != "" && !slices.Contains(usage.PlanNames(), in.Plan):
		return account.Approval{}, ErrUnknownPlan
	case in.Credits < 0 || in.Credits > giftMax:
		return account.Approval{}, ledger.ErrAmount
	case !in.ExpiresAt.IsZero() && !now.Before(in.ExpiresAt.Time):
		return account.Approval{}, ErrExpiry
	}
	a := account.Approval{
		Email: email, Plan: in.Plan, Credits: (in.Credits + cent/2) / cent * cent, ExpiresAt: in.ExpiresAt,
		CreatedBy: who.Label(), CreatedAt: record.At(now),
	}
	doc, err := table.NewDoc(a)
	if err != nil {
		return a, err
	}
	put := table.Put{Item: table.Item{Key: account.ApprovalKey(email), Doc: doc}}
	return a, s.traced(ctx, who, "approve", nil, a, put)
}

// traced performs a write that is about no record, with its trace.
func (s *service) traced(ctx context.Context, who auth.Principal, kind string, before, after any, op table.Op) error {
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	about := record.Owner{Datatype: account.Companies, Name: string(who.Org)}
	if err := audit(tx, kind, about, before, after); err != nil {
		return err
	}
	tx.Also(op)
	_, err := tx.Commit(ctx)
	return err
}

func (s *service) disapprove(ctx context.Context, who auth.Principal, in emailIn) (done, error) {
	email := address(in.Email)
	remove := table.Delete{Key: account.ApprovalKey(email), If: table.ItemExists{}}
	err := s.traced(ctx, who, "disapprove", map[string]string{"email": email}, nil, remove)
	var refused *table.Refused
	if errors.As(err, &refused) {
		err = ErrUnknownApproval
	}
	return done{Success: err == nil}, err
}
