package organisations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type invitationsIn struct {
	pagingIn
	Status string `query:"status" enum:"pending,accepted,expired,revoked"`
}

func (s *service) invitations(ctx context.Context, who auth.Principal, in invitationsIn) (page[*invitation], error) {
	find := repository.Find{Options: in.options()}
	var err error
	if find.Filter, err = s.inStatus(in.Status); err != nil {
		return page[*invitation]{}, err
	}
	found, err := s.deps.Records.Tenant(who.Org).Find(ctx, account.Invitations, find)
	if err != nil {
		return page[*invitation]{}, err
	}
	list := make([]*invitation, 0, len(found.Data))
	for _, raw := range found.Data {
		rec, err := record.Typed[account.Invitation](raw)
		if err != nil {
			return page[*invitation]{}, err
		}
		list = append(list, s.invitationShown(rec))
	}
	return pageOf(in.pagingIn, list, found.Total), nil
}

// inStatus is the filter of a status; expired is one that time makes.
func (s *service) inStatus(status string) (json.RawMessage, error) {
	if status == "" {
		return nil, nil
	}
	now := record.At(s.deps.Now())
	query := map[string]any{"data.status": status}
	switch status {
	case "expired":
		query = map[string]any{"data.status": account.Pending, "data.expiryDate": map[string]any{"$lte": now}}
	case account.Pending:
		query["data.expiryDate"] = map[string]any{"$gt": now}
	}
	text, err := json.Marshal(query)
	if err != nil {
		return nil, fmt.Errorf("encode filter: %w", err)
	}
	return text, nil
}

// pendingByID returns an invitation that can still be changed.
func (s *service) pendingByID(ctx context.Context, who auth.Principal, id string) (invitation, error) {
	rec, err := repository.Get[account.Invitation](ctx, s.deps.Records.Tenant(who.Org), account.Invitations, id)
	if errors.Is(err, table.ErrNotFound) {
		return rec, ErrUnknownInvitation
	}
	if err == nil && rec.Data.Status != account.Pending {
		return rec, ErrInvitationState
	}
	return rec, err
}

// resend sends a new link, good for as long as a new invitation; the old one is
// dead. Whoever sends it again answers for its roles from now on.
func (s *service) resend(ctx context.Context, who auth.Principal, in idIn) (*invitation, error) {
	rec, err := s.pendingByID(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.accounts.MayGrant(ctx, who, rec.Data.Roles, rec.Data.Groups); err != nil {
		return nil, err
	}
	rec.Author = who.Label()
	rec.Data.Expiry = record.At(s.deps.Now().Add(invitedFor))
	return s.send(ctx, who, rec)
}

func (s *service) revokeInvitation(ctx context.Context, who auth.Principal, in idIn) (*invitation, error) {
	rec, err := s.pendingByID(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	rec.Data.Status, rec.Data.Token = "revoked", ""
	raw, err := record.Untyped(rec)
	if err != nil {
		return nil, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Update(raw)
	about := record.Owner{Datatype: account.Invitations, ID: rec.SK, Email: rec.Data.Email}
	if err := audit(tx, "revoke", about, map[string]string{"status": account.Pending}, map[string]string{"status": rec.Data.Status}); err != nil {
		return nil, err
	}
	stored, err := tx.Commit(ctx)
	if err != nil {
		return nil, account.Lost(err)
	}
	out, err := record.Typed[account.Invitation](stored[0])
	return s.invitationShown(out), err
}
