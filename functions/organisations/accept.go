package organisations

import (
	"context"
	"errors"
	"regexp"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// opened returns the invitation that a token opens, and whose it is.
func (s *service) opened(ctx context.Context, text string) (invitation, org.ID, error) {
	token, err := parseToken(text)
	if err != nil {
		return invitation{}, "", err
	}
	rec, err := repository.Get[account.Invitation](ctx, s.deps.Records.Tenant(token.org), account.Invitations, token.id)
	if errors.Is(err, table.ErrNotFound) {
		return rec, "", ErrUnknownInvitation
	}
	switch {
	case err != nil:
		return rec, "", err
	case !auth.SecretMatches(token.String(), rec.Data.Token), rec.Data.Status != account.Pending:
		return rec, "", ErrUnknownInvitation
	case rec.Data.Expired(s.deps.Now()):
		return rec, token.org, ErrInvitationExpired
	}
	return rec, token.org, nil
}

type tokenIn struct {
	Token string `path:"token" maxLen:"300"`
}

// validity is what somebody who holds a token may know; nothing of a token that
// is not good.
type validity struct {
	Valid        bool   `json:"valid"`
	Reason       string `json:"reason,omitempty"`
	Email        string `json:"email,omitempty"`
	OrgID        org.ID `json:"orgId,omitempty"`
	OrgName      string `json:"orgName,omitempty"`
	FirstName    string `json:"firstName,omitempty"`
	LastName     string `json:"lastName,omitempty"`
	ExistingUser bool   `json:"existingUser"`
}

// validate says what a token is good for. An address that has accounts in other
// orgs is an existing user; joining makes another account either way.
func (s *service) validate(ctx context.Context, _ auth.Principal, in tokenIn) (validity, error) {
	rec, id, err := s.opened(ctx, in.Token)
	switch {
	case errors.Is(err, ErrUnknownInvitation):
		return validity{Reason: ErrUnknownInvitation.Reason}, nil
	case errors.Is(err, ErrInvitationExpired):
		return validity{Reason: ErrInvitationExpired.Reason}, nil
	case err != nil:
		return validity{}, err
	}
	company, err := s.company(ctx, id)
	if errors.Is(err, ErrUnknownOrg) {
		return validity{Reason: ErrUnknownInvitation.Reason}, nil
	}
	if err != nil {
		return validity{}, err
	}
	orgs, err := s.orgsOf(ctx, rec.Data.Email)
	return validity{
		Valid: true, Email: rec.Data.Email, OrgID: id, OrgName: first(company.Data.Text("displayName"), string(id)),
		FirstName: rec.Data.FirstName, LastName: rec.Data.LastName, ExistingUser: len(orgs) > 0,
	}, err
}

type acceptIn struct {
	Token     string `json:"token" required:"true" maxLen:"300"`
	Password  string `json:"password" required:"true" maxLen:"1024" doc:"of the new account"`
	FirstName string `json:"firstName" maxLen:"100"`
	LastName  string `json:"lastName" maxLen:"100"`
}

// accept makes a user of the invited address and signs them in; the token is
// used up in the same transaction.
func (s *service) accept(ctx context.Context, _ auth.Principal, in acceptIn) (account.Session, error) {
	rec, id, err := s.opened(ctx, in.Token)
	if err != nil {
		return account.Session{}, err
	}
	c, ok, err := s.accounts.Directory().Company(ctx, id)
	switch {
	case err != nil:
		return account.Session{}, err
	case !ok || c.Status == statusDeleted:
		return account.Session{}, ErrUnknownInvitation
	case !c.Open():
		return account.Session{}, api.ErrOrgInactive
	}
	if err := account.CheckPassword(in.Password); err != nil {
		return account.Session{}, err
	}
	raw, err := s.deps.Records.Tenant(id).Get(ctx, account.Invitations, rec.SK)
	if err != nil {
		return account.Session{}, err
	}
	if raw.Version != rec.Version {
		return account.Session{}, ErrUnknownInvitation
	}
	fields := account.Fields{}
	fields.Set("email", rec.Data.Email)
	fields = account.StaffFields(fields, first(in.FirstName, rec.Data.FirstName), first(in.LastName, rec.Data.LastName))
	out, err := s.accounts.Join(ctx, id, raw, fields, in.Password)
	if errors.Is(err, account.ErrNotInvited) {
		err = ErrUnknownInvitation
	}
	return out, err
}

var hostname = regexp.MustCompile(`^[a-zA-Z0-9.-]+(:[0-9]{1,5})?$`)

// site is where links in mails lead: the site that the caller is on.
func (s *service) site(ctx context.Context) string {
	m := api.MetaFrom(ctx)
	if !hostname.MatchString(m.Host) {
		return s.deps.Settings.PublicURL
	}
	if m.Protocol == "http" {
		return "http://" + m.Host
	}
	return "https://" + m.Host
}

// mail sends a message; what it announces holds whether or not it leaves.
func (s *service) mail(ctx context.Context, m mail.Message) {
	m.From = s.deps.Settings.MailFrom
	if err := s.deps.Mail.Send(ctx, m); err != nil {
		s.deps.Log.WarnContext(ctx, "mail not sent", "org", m.Org, "error", err.Error())
	}
}
