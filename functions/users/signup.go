package users

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// signupIn is a sign-up; members it does not name are kept in the record,
// except those that only the server or an administrator may set.
type signupIn struct {
	Email      string `json:"email" required:"true" maxLen:"150"`
	Password   string `json:"password" maxLen:"1024" doc:"required for staff"`
	FirstName  string `json:"firstName" maxLen:"100"`
	LastName   string `json:"lastName" maxLen:"100"`
	Phone      string `json:"phone" maxLen:"40"`
	OrgName    string `json:"orgName" maxLen:"100" doc:"name of the organisation to found"`
	OrgID      string `json:"orgId" maxLen:"40" doc:"id of the organisation to found; derived from its name unless given"`
	Invitation string `json:"invitationToken" maxLen:"200" doc:"when joining an organisation by an invitation that has a token"`

	all account.Fields
}

// UnmarshalJSON keeps the members that have no field of their own.
func (in *signupIn) UnmarshalJSON(text []byte) error {
	type plain signupIn
	if err := json.Unmarshal(text, (*plain)(in)); err != nil {
		return err //nolint:wrapcheck // the binder names the field
	}
	return json.Unmarshal(text, &in.all) //nolint:wrapcheck // it is an object, or the line above had failed
}

// fields are the payload of the new record: what was sent, cleaned, with the
// names that every user has.
func (in *signupIn) fields(email string) account.Fields {
	f := without(in.all, serverOnly(), adminOnly())
	f.Set("email", email)
	return f
}

func staffFields(in *signupIn, email string) account.Fields {
	return account.StaffFields(in.fields(email), in.FirstName, in.LastName)
}

// userSignup founds an organisation, or joins one by invitation.
func (s *service) userSignup(ctx context.Context, who auth.Principal, in signupIn) (session, error) {
	email, err := checkEmail(in.Email)
	if err != nil {
		return session{}, err
	}
	if err := checkPassword(in.Password); err != nil {
		return session{}, err
	}
	if err := s.welcomed(ctx, who.Org, email); err != nil {
		return session{}, err
	}
	if who.Org == "" || who.Org == org.Root && (in.OrgName != "" || in.OrgID != "") {
		return s.found(ctx, in, email)
	}
	return s.join(ctx, who.Org, in, email)
}

// join makes a user of somebody who was invited, or whose address the org has
// pre-approved.
func (s *service) join(ctx context.Context, id org.ID, in signupIn, email string) (session, error) {
	fields := staffFields(&in, email)
	raw, err := s.deps.Records.Tenant(id).Lookup(ctx, account.Invitations, "email", email)
	if errors.Is(err, table.ErrNotFound) {
		return s.accounts.JoinApproved(ctx, id, fields, in.Password)
	}
	if err != nil {
		return session{}, err
	}
	invited, err := record.Typed[account.Invitation](raw)
	if err != nil {
		return session{}, err
	}
	if !invited.Data.Opens(in.Invitation, s.deps.Now()) {
		return s.accounts.JoinApproved(ctx, id, fields, in.Password)
	}
	return s.accounts.Join(ctx, id, raw, fields, in.Password)
}
