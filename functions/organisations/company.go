package organisations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// ErrUnknownOrg answers for an organisation that is not there, or not the
// caller's.
var ErrUnknownOrg = fault.New(fault.NotFound, "unknown_org", "There is no such organisation.")

// company returns an org's own record, or ErrUnknownOrg.
func (s *service) company(ctx context.Context, id org.ID) (account.Record, error) {
	rec, err := repository.Lookup[account.Fields](ctx, s.deps.Records.Tenant(id), account.Companies, "name", string(id))
	if errors.Is(err, table.ErrNotFound) || err == nil && rec.Data.Text("status") == statusDeleted {
		return account.Record{}, ErrUnknownOrg
	}
	if err != nil {
		return account.Record{}, fmt.Errorf("read company: %w", err)
	}
	return rec, nil
}

// shown is a company record as clients read it: with the ledger's balance, and
// without what is hidden.
func (s *service) shown(ctx context.Context, id org.ID, rec account.Record) (*account.Record, error) {
	held, err := s.accounts.Ledger(id).Account(ctx)
	if err != nil {
		return nil, err
	}
	out := account.Presented(rec)
	delete(out.Data, "verifiedEmail")
	out.Data.Set("balance", held.Balance)
	return out, nil
}

// amendment is a change of a company record.
type amendment struct {
	kind   string // of the entry in the activity trail
	edit   func(account.Fields) error
	emits  []string                   // beside org-update
	beside func(*repository.Tx) error // further writes of the same transaction
}

const amendTries = 5

// amend changes an org's company record, leaves a trace of what was before and
// after, and commits; again from the start when somebody else wrote meanwhile.
func (s *service) amend(ctx context.Context, who auth.Principal, id org.ID, a amendment) (account.Record, error) {
	for range amendTries {
		rec, err := s.amendOnce(ctx, who, id, a)
		if !errors.Is(err, repository.ErrVersion) {
			return rec, err
		}
	}
	return account.Record{}, account.ErrBusy
}

func (s *service) amendOnce(ctx context.Context, who auth.Principal, id org.ID, a amendment) (account.Record, error) {
	rec, err := s.company(ctx, id)
	if err != nil {
		return rec, err
	}
	before := maps.Clone(rec.Data)
	if err := a.edit(rec.Data); err != nil {
		return rec, err
	}
	raw, err := record.Untyped(rec)
	if err != nil {
		return rec, err
	}
	tx := s.deps.Records.Tenant(id).Begin(who)
	tx.Update(raw)
	for _, name := range a.emits {
		tx.Emit(name, nil)
	}
	was, is := differences(before, rec.Data)
	if err := audit(tx, a.kind, ownerOf(rec), was, is); err != nil {
		return rec, err
	}
	if a.beside != nil {
		if err := a.beside(tx); err != nil {
			return rec, err
		}
	}
	stored, err := tx.Commit(ctx)
	if err != nil {
		return rec, fmt.Errorf("change company: %w", account.Lost(err))
	}
	return record.Typed[account.Fields](stored[0])
}

// differences are the members that two payloads do not share, on either side.
func differences(before, after account.Fields) (was, is account.Fields) {
	was, is = account.Fields{}, account.Fields{}
	for name, value := range before {
		if string(after[name]) != string(value) {
			was[name] = value
		}
	}
	for name, value := range after {
		if string(before[name]) != string(value) {
			is[name] = value
		}
	}
	return was, is
}

func ownerOf(rec account.Record) record.Owner {
	return record.Owner{Datatype: rec.Datatype, ID: rec.SK, Name: rec.Name, Email: rec.Data.Text("email")}
}

// activity is an entry of the activity trail.
type activity struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
	Meta meta   `json:"meta"`
}

type meta struct {
	Before any `json:"before,omitempty"`
	After  any `json:"after,omitempty"`
}

// audit adds an entry of the activity trail about a record; its author is the
// actor of the transaction.
func audit(tx *repository.Tx, kind string, about record.Owner, before, after any) error {
	raw, err := record.Untyped(record.Record[activity]{
		Datatype: "activity", Owner: &about, Data: activity{Type: kind, Name: about.Name, Meta: meta{Before: before, After: after}},
	})
	if err != nil {
		return fmt.Errorf("trace %s: %w", kind, err)
	}
	tx.Create(raw)
	return nil
}

// into decodes a member of a payload; anything else counts as missing.
func into[T any](f account.Fields, name string) T {
	var value T
	_ = json.Unmarshal(f[name], &value) // a member of another type counts as missing
	return value
}

// orgOf is the org that a platform administrator names, or else that of the
// call; only they may name another one.
func orgOf(who auth.Principal, named string) (org.ID, error) {
	if named == "" || named == string(who.Org) {
		return who.Org, nil
	}
	id, err := org.Parse(named)
	if err != nil || !who.IsPlatformAdmin() {
		return "", ErrUnknownOrg
	}
	return id, nil
}
