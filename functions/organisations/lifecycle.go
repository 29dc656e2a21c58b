package organisations

import (
	"context"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
)

var (
	// ErrState refuses a step that the account's state does not allow.
	ErrState = fault.New(fault.Conflict, "wrong_state", "The organisation's account is not in a state for that.")
	// ErrConfirm asks for the org's id, so that nobody closes an account by accident.
	ErrConfirm = fault.New(fault.Invalid, "not_confirmed", "Send the organisation's id in confirm.")
)

// The states of an org's account.
const (
	statusTrial     = "trial"
	statusActive    = "active"
	statusGrace     = "grace"
	statusInactive  = "inactive"
	statusSuspended = "suspended"
	statusExpired   = "expired"
	statusDeleted   = "deleted"
)

// retention is how long the data of a deleted org is kept.
const retention = 30 * 24 * time.Hour

// trigger is what moves an account from one state to another.
type trigger string

const (
	cancel     trigger = "cancel"
	reactivate trigger = "reactivate"
	settle     trigger = "settle" // a debt was paid
	suspend    trigger = "suspend"
	remove     trigger = "delete"
)

// step is one row of the lifecycle: from any of the states to another one. A
// step of the platform is not for the org's own administrators.
type step struct {
	trigger  trigger
	from     []string
	to       string
	platform bool
}

func lifecycle() []step {
	all := []string{statusTrial, statusActive, statusGrace, statusInactive, statusSuspended, statusExpired}
	return []step{
		{cancel, []string{statusTrial, statusActive, statusGrace}, statusInactive, false},
		{reactivate, []string{statusInactive}, statusActive, false},
		{reactivate, []string{statusSuspended, statusExpired}, statusActive, true},
		{settle, []string{statusGrace}, statusActive, true},
		{suspend, slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == statusSuspended }), statusSuspended, true},
		{remove, all, statusDeleted, true},
	}
}

// stepOf finds the row; an org from before states had names counts as active.
func stepOf(t trigger, status string, platform bool) (step, error) {
	if status == "" {
		status = statusActive
	}
	for _, row := range lifecycle() {
		if row.trigger != t || !slices.Contains(row.from, status) {
			continue
		}
		if row.platform && !platform {
			return step{}, auth.ErrForbidden
		}
		return row, nil
	}
	return step{}, ErrState
}

// move takes a step of the lifecycle.
func (s *service) move(ctx context.Context, who auth.Principal, id org.ID, t trigger, reason string) (account.Record, error) {
	held, err := s.accounts.Ledger(id).Account(ctx)
	if err != nil {
		return account.Record{}, err
	}
	a := amendment{kind: string(t), edit: func(f account.Fields) error {
		row, err := stepOf(t, f.Text("status"), who.IsPlatformAdmin())
		if err != nil {
			return err
		}
		to := row.to
		if t == reactivate && held.Balance < 0 {
			to = statusGrace
		}
		now := s.deps.Now()
		f.Set("status", to)
		f.Set("active", to == statusActive || to == statusGrace || to == statusTrial)
		f.Set("statusChange", map[string]any{"trigger": t, "reason": reason, "by": who.Label(), "at": record.At(now)})
		if to == statusDeleted {
			f.Set("purgeAfter", record.At(now.Add(retention)))
		}
		return nil
	}}
	if t == remove {
		a.emits = []string{"org-delete"}
	}
	return s.amend(ctx, who, id, a)
}

func (s *service) moved(ctx context.Context, who auth.Principal, id org.ID, t trigger, reason string) (*account.Record, error) {
	rec, err := s.move(ctx, who, id, t, reason)
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, id, rec)
}

type cancelIn struct {
	Reason  string `json:"reason" maxLen:"500"`
	Confirm string `json:"confirm" maxLen:"100" doc:"the organisation's id"`
}

func (s *service) cancelAccount(ctx context.Context, who auth.Principal, in cancelIn) (*account.Record, error) {
	if in.Confirm != string(who.Org) {
		return nil, ErrConfirm
	}
	return s.moved(ctx, who, who.Org, cancel, in.Reason)
}

type accountIn struct {
	OrgID  string `json:"orgId" maxLen:"100" doc:"for platform administrators"`
	Reason string `json:"reason" maxLen:"500"`
}

func (s *service) reactivateAccount(ctx context.Context, who auth.Principal, in accountIn) (*account.Record, error) {
	id, err := orgOf(who, in.OrgID)
	if err != nil {
		return nil, err
	}
	return s.moved(ctx, who, id, reactivate, in.Reason)
}

type suspendIn struct {
	OrgID  string `json:"orgId" required:"true" maxLen:"100"`
	Reason string `json:"reason" maxLen:"500"`
}

// suspendAccount closes another org; never the platform's own, which nobody
// could open again.
func (s *service) suspendAccount(ctx context.Context, who auth.Principal, in suspendIn) (*account.Record, error) {
	id, err := orgOf(who, in.OrgID)
	if err != nil || id == org.Root {
		return nil, orElse(err, ErrState)
	}
	return s.moved(ctx, who, id, suspend, in.Reason)
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

type deleteIn struct {
	OrgID        string `json:"orgId" maxLen:"100"`
	Confirm      string `json:"confirm" maxLen:"100" doc:"the organisation's id once more"`
	Reason       string `json:"reason" maxLen:"500"`
	QueryOrg     string `query:"orgId" maxLen:"100" doc:"instead of the body's"`
	QueryConfirm string `query:"confirm" maxLen:"100" doc:"instead of the body's"`
}

func (s *service) deleteAccount(ctx context.Context, who auth.Principal, in deleteIn) (*account.Record, error) {
	named := first(in.OrgID, in.QueryOrg)
	if named == "" || first(in.Confirm, in.QueryConfirm) != named {
		return nil, ErrConfirm
	}
	id, err := orgOf(who, named)
	if err != nil || id == org.Root {
		return nil, orElse(err, ErrState)
	}
	return s.moved(ctx, who, id, remove, in.Reason)
}
