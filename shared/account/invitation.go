package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// ErrNotInvited refuses staff sign-up without an invitation.
var ErrNotInvited = fault.New(fault.Forbidden, "not_invited", "You need an invitation to join this organisation.")

// Invitations is the collection of invitations.
const Invitations = "user_invitation"

// Pending is the one state of an invitation that can be accepted.
const Pending = "pending"

// Invitation is the payload of a user_invitation record. Roles and groups are
// one name or several.
type Invitation struct {
	Email     string      `json:"email"`
	FirstName string      `json:"firstName,omitempty"`
	LastName  string      `json:"lastName,omitempty"`
	Token     string      `json:"invitationToken,omitempty"` // hash
	Status    string      `json:"status"`
	InvitedBy string      `json:"invitedBy,omitempty"`
	Expiry    record.Time `json:"expiryDate,omitzero"`
	Message   string      `json:"message,omitempty"`
	Groups    Names       `json:"groups,omitempty"`
	Roles     Names       `json:"roles,omitempty"`
}

// Expired says whether the invitation's time is over.
func (i Invitation) Expired(now time.Time) bool {
	return !i.Expiry.IsZero() && !now.Before(i.Expiry.Time)
}

// Opens says whether a presented token opens the invitation now. One without a
// token opens for whoever has its address.
func (i Invitation) Opens(token string, now time.Time) bool {
	return i.Status == Pending && !i.Expired(now) && (i.Token == "" || auth.SecretMatches(token, i.Token))
}

// StaffFields completes the payload of a new user: names and status.
func StaffFields(f Fields, first, last string) Fields {
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	if first == "" {
		first, _, _ = strings.Cut(f.Text("email"), "@")
	}
	if last == "" {
		last = "-"
	}
	f.Set("firstName", first)
	f.Set("lastName", last)
	f.Set("status", "active")
	return f
}

// Join makes a user of somebody whose invitation opens; it is used up in the
// same transaction. They get its roles and groups as far as whoever wrote it
// may hand them out now.
func (a *Accounts) Join(ctx context.Context, id org.ID, raw record.Raw, fields Fields, password string) (Session, error) {
	if err := a.Seat(ctx, id); err != nil {
		return Session{}, err
	}
	invited, err := record.Typed[Invitation](raw)
	if err != nil {
		return Session{}, err
	}
	if err := a.grantInvited(ctx, id, raw.Author, invited.Data, fields); err != nil {
		return Session{}, err
	}
	accepted := Fields{}
	if err := json.Unmarshal(raw.Data, &accepted); err != nil {
		return Session{}, fmt.Errorf("read invitation: %w", err)
	}
	accepted.Set("status", "accepted")
	if raw.Data, err = json.Marshal(accepted); err != nil {
		return Session{}, fmt.Errorf("encode invitation: %w", err)
	}
	out, err := a.Create(ctx, id, New{Kind: auth.User, Fields: fields, Password: password}, func(tx *repository.Tx) { tx.Update(raw) })
	if errors.Is(err, repository.ErrVersion) {
		return Session{}, ErrNotInvited // it was accepted or withdrawn meanwhile
	}
	return out, err
}

// JoinApproved makes a user of somebody whose address the org has pre-approved.
func (a *Accounts) JoinApproved(ctx context.Context, id org.ID, fields Fields, password string) (Session, error) {
	email := fields.Text("email")
	_, ok, err := a.Approved(ctx, id, email)
	if err != nil || !ok || id == org.Root {
		return Session{}, errors.Join(err, ErrNotInvited)
	}
	if err := a.Seat(ctx, id); err != nil {
		return Session{}, err
	}
	out, err := a.Create(ctx, id, New{Kind: auth.User, Fields: fields, Password: password}, func(tx *repository.Tx) {
		tx.Also(UseApproval(email, email))
	})
	var refused *table.Refused
	if errors.As(err, &refused) {
		return Session{}, ErrNotInvited
	}
	return out, err
}

func (a *Accounts) grantInvited(ctx context.Context, id org.ID, author string, data Invitation, into Fields) error {
	if len(data.Roles) == 0 && len(data.Groups) == 0 {
		return nil
	}
	inviter, err := repository.Lookup[Fields](ctx, a.deps.Records.Tenant(id), Users, "email", author)
	if errors.Is(err, table.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read inviter: %w", err)
	}
	p := inviter.Data.Person()
	if !p.Usable() {
		return nil
	}
	actor := ActorOf(id, auth.User, inviter)
	if actor.Roles, actor.Verbs, err = a.directory.Rights(ctx, id, p.Roles, p.Groups); err != nil {
		return err
	}
	err = a.MayGrant(ctx, actor, data.Roles, data.Groups)
	if errors.Is(err, ErrRank) || errors.Is(err, ErrUnknownRole) {
		return nil // they join without
	}
	into.Set("roles", emptyNotNull(data.Roles))
	into.Set("groups", emptyNotNull(data.Groups))
	return err
}

func emptyNotNull(names Names) Names {
	if names == nil {
		return Names{}
	}
	return names
}
