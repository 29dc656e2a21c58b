package organisations

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrUnknownInvitation answers for an invitation that is not there, and for a
	// token that opens none.
	ErrUnknownInvitation = fault.New(fault.NotFound, "unknown_invitation", "There is no such invitation.")
	// ErrInvitationExpired refuses an invitation whose time is over.
	ErrInvitationExpired = fault.New(fault.Invalid, "invitation_expired", "That invitation has expired. Please ask for a new one.")
	// ErrInvited refuses a second invitation of the same address.
	ErrInvited = fault.New(fault.Conflict, "already_invited", "There is an invitation for that address already.")
	// ErrInvitationState refuses to change an invitation that is not pending.
	ErrInvitationState = fault.New(fault.Conflict, "invitation_closed", "That invitation has been accepted or revoked.")
	// ErrExpiry refuses an end that is not in the future.
	ErrExpiry = fault.New(fault.Invalid, "invalid_expiry", "The expiry must be a date in the future.")
)

// invitedFor is how long an invitation is good unless it says otherwise.
const invitedFor = 7 * 24 * time.Hour

type invitation = record.Record[account.Invitation]

type inviteIn struct {
	Email     string      `json:"email" required:"true" maxLen:"150"`
	FirstName string      `json:"firstName" maxLen:"100"`
	LastName  string      `json:"lastName" maxLen:"100"`
	Roles     []string    `json:"roles" maxLen:"50"`
	Groups    []string    `json:"groups" maxLen:"50"`
	Message   string      `json:"message" maxLen:"2000"`
	Expiry    record.Time `json:"expiryDate" doc:"seven days from now unless given"`
}

// invite stores an invitation and mails its link. The token is in the mail only;
// what is stored is its hash.
func (s *service) invite(ctx context.Context, who auth.Principal, in inviteIn) (*invitation, error) {
	email, err := account.CheckEmail(in.Email)
	if err != nil {
		return nil, err
	}
	now := s.deps.Now()
	if in.Expiry.IsZero() {
		in.Expiry = record.At(now.Add(invitedFor))
	}
	if !now.Before(in.Expiry.Time) {
		return nil, ErrExpiry
	}
	if err := s.accounts.MayGrant(ctx, who, in.Roles, in.Groups); err != nil {
		return nil, err
	}
	if err := s.accounts.Seat(ctx, who.Org); err != nil {
		return nil, err
	}
	_, err = s.memberByEmail(ctx, who, email)
	if err == nil {
		return nil, account.ErrEmailTaken
	}
	if !errors.Is(err, ErrUnknownMember) {
		return nil, err
	}
	rec, err := s.forAddress(ctx, who.Org, email)
	if err != nil {
		return nil, err
	}
	rec.Author = who.Label()
	rec.Data = account.Invitation{
		Email: email, FirstName: in.FirstName, LastName: in.LastName, Status: account.Pending, InvitedBy: who.Label(),
		Expiry: in.Expiry, Message: in.Message, Roles: in.Roles, Groups: in.Groups,
	}
	return s.send(ctx, who, rec)
}

// forAddress is the record that an invitation of an address is written to: the
// one of an invitation that is over, or a new one.
func (s *service) forAddress(ctx context.Context, id org.ID, email string) (invitation, error) {
	rec, err := repository.Lookup[account.Invitation](ctx, s.deps.Records.Tenant(id), account.Invitations, "email", email)
	if errors.Is(err, table.ErrNotFound) {
		return invitation{Datatype: account.Invitations}, nil
	}
	if err == nil && rec.Data.Status == account.Pending && !rec.Data.Expired(s.deps.Now()) {
		return rec, ErrInvited
	}
	return rec, err
}

// send gives an invitation a new token, stores it and mails the link.
func (s *service) send(ctx context.Context, who auth.Principal, rec invitation) (*invitation, error) {
	isNew := rec.SK == ""
	if isNew {
		rec.SK = s.deps.NewID(account.Invitations)
	}
	token := inviteToken{org: who.Org, id: rec.SK, secret: s.secret()}
	rec.Data.Token = auth.HashSecret(token.String())
	raw, err := record.Untyped(rec)
	if err != nil {
		return nil, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	if isNew {
		tx.Create(raw)
	} else {
		tx.Update(raw)
	}
	tx.Emit(eventInvited, map[string]string{"email": rec.Data.Email})
	about := record.Owner{Datatype: account.Invitations, ID: rec.SK, Email: rec.Data.Email}
	if err := audit(tx, "invite", about, nil, map[string]any{"roles": rec.Data.Roles, "groups": rec.Data.Groups, "expiryDate": rec.Data.Expiry}); err != nil {
		return nil, err
	}
	stored, err := tx.Commit(ctx)
	if err != nil {
		if errors.Is(account.Taken(err), account.ErrEmailTaken) {
			return nil, ErrInvited
		}
		return nil, account.Lost(err)
	}
	s.mailInvitation(ctx, who, rec.Data, token)
	out, err := record.Typed[account.Invitation](stored[0])
	return s.invitationShown(out), err
}

func (s *service) secret() string {
	raw := make([]byte, 32)
	s.deps.Random(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// inviteToken is what the link carries: it says which org and invitation it is
// for, so that the link works without an orgid header. None of its parts has a dot.
type inviteToken struct {
	org    org.ID
	id     string
	secret string
}

// String is the token as it is sent.
func (t inviteToken) String() string { return string(t.org) + "." + t.id + "." + t.secret }

func parseToken(text string) (inviteToken, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 3 {
		return inviteToken{}, ErrUnknownInvitation
	}
	id, err := org.Parse(parts[0])
	if err != nil {
		return inviteToken{}, ErrUnknownInvitation
	}
	return inviteToken{org: id, id: parts[1], secret: parts[2]}, nil
}

// mailInvitation sends the link. The invitation stands whether or not the mail
// leaves: it can be sent again.
func (s *service) mailInvitation(ctx context.Context, who auth.Principal, data account.Invitation, token inviteToken) {
	name := string(who.Org)
	if rec, err := s.company(ctx, who.Org); err == nil {
		name = first(rec.Data.Text("displayName"), name)
	}
	text := who.Name + " invites you to join " + name + ".\n\n"
	if data.Message != "" {
		text += data.Message + "\n\n"
	}
	text += "Accept here: " + s.site(ctx) + "/invitation?orgid=" + string(who.Org) + "&token=" + token.String() + "\n\n" +
		"The invitation is good until " + data.Expiry.Format("2 January 2006, 15:04 MST") + ".\n"
	s.mail(ctx, mail.Message{
		Org: who.Org, To: data.Email, Subject: "You are invited to " + name, Text: text,
		Token: "invitation-" + auth.HashSecret(token.secret),
	})
}

// invitationShown is an invitation without the token's hash; what is past its time is expired.
func (s *service) invitationShown(rec invitation) *invitation {
	rec.Data.Token = ""
	if rec.Data.Status == account.Pending && rec.Data.Expired(s.deps.Now()) {
		rec.Data.Status = "expired"
	}
	return &rec
}
