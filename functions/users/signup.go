package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
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
	f := in.fields(email)
	first, last := strings.TrimSpace(in.FirstName), strings.TrimSpace(in.LastName)
	if first == "" {
		first, _, _ = strings.Cut(email, "@")
	}
	if last == "" {
		last = "-"
	}
	f.Set("firstName", first)
	f.Set("lastName", last)
	f.Set("status", "active")
	return f
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
	if who.Org == "" || who.Org == org.Root && (in.OrgName != "" || in.OrgID != "") {
		return s.found(ctx, in, email)
	}
	return s.join(ctx, who.Org, in, email)
}

// invitation is the payload of a user_invitation record. Roles and groups are
// one name or several.
type invitation struct {
	Email  string        `json:"email"`
	Token  string        `json:"invitationToken"` // hash
	Status string        `json:"status"`
	Expiry record.Time   `json:"expiryDate"`
	Groups account.Names `json:"groups"`
	Roles  account.Names `json:"roles"`
}

// join makes a user of somebody who was invited. The invitation is used up in
// the same transaction.
func (s *service) join(ctx context.Context, id org.ID, in signupIn, email string) (session, error) {
	tenant := s.deps.Records.Tenant(id)
	raw, err := tenant.Lookup(ctx, "user_invitation", "email", email)
	if errors.Is(err, table.ErrNotFound) {
		return session{}, ErrNotInvited
	}
	if err != nil {
		return session{}, err
	}
	invited, err := record.Typed[invitation](raw)
	if err != nil {
		return session{}, err
	}
	data := invited.Data
	expired := !data.Expiry.IsZero() && !s.deps.Now().Before(data.Expiry.Time)
	if data.Status != "pending" || expired || data.Token != "" && !auth.SecretMatches(in.Invitation, data.Token) {
		return session{}, ErrNotInvited
	}
	fields := staffFields(&in, email)
	if err := s.grantInvited(ctx, id, raw.Author, data, fields); err != nil {
		return session{}, err
	}
	accepted := account.Fields{}
	if err := json.Unmarshal(raw.Data, &accepted); err != nil {
		return session{}, fmt.Errorf("read invitation: %w", err)
	}
	accepted.Set("status", "accepted")
	if raw.Data, err = json.Marshal(accepted); err != nil {
		return session{}, fmt.Errorf("encode invitation: %w", err)
	}
	return s.create(ctx, id, auth.User, fields, in.Password, func(tx *repository.Tx) { tx.Update(raw) })
}

// grantInvited gives the roles and groups of the invitation as far as whoever
// wrote it may hand them out now.
func (s *service) grantInvited(ctx context.Context, id org.ID, author string, data invitation, into account.Fields) error {
	if len(data.Roles) == 0 && len(data.Groups) == 0 {
		return nil
	}
	inviter, err := s.lookup(ctx, id, account.Users, author)
	if errors.Is(err, table.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p := inviter.Data.Person()
	actor := actorOf(id, auth.User, inviter)
	if actor.Roles, actor.Verbs, err = s.directory.Rights(ctx, id, p.Roles, p.Groups); err != nil {
		return err
	}
	err = s.mayGrant(ctx, actor, data.Roles, data.Groups)
	if errors.Is(err, ErrRank) || errors.Is(err, ErrUnknownRole) {
		return nil // they join without
	}
	into.Set("roles", emptyNotNull(data.Roles))
	into.Set("groups", emptyNotNull(data.Groups))
	return err
}

// create stores a new account with its credential and first session, in one
// transaction.
func (s *service) create(ctx context.Context, id org.ID, kind auth.Kind, fields account.Fields, password string, more func(*repository.Tx)) (session, error) {
	datatype := account.Datatype(kind)
	sk := s.deps.NewID(datatype)
	credential, err := s.newCredential(ctx, sk, password)
	if err != nil {
		return session{}, err
	}
	opened, err := s.start(ctx, kind, sk)
	if err != nil {
		return session{}, err
	}
	raw, err := record.Untyped(account.Record{SK: sk, Datatype: datatype, Data: fields})
	if err != nil {
		return session{}, err
	}
	actor := actorOf(id, kind, account.Record{SK: sk, Data: fields})
	tx := s.deps.Records.Tenant(id).Begin(actor)
	tx.Create(raw)
	if more != nil {
		more(tx)
	}
	if err := trace(tx, actor, "signup", eventLogin); err != nil {
		return session{}, err
	}
	tx.Also(credential, opened.store)
	stored, err := tx.Commit(ctx)
	if err != nil {
		return session{}, taken(err)
	}
	rec, err := record.Typed[account.Fields](stored[0])
	if err != nil {
		return session{}, err
	}
	return s.answer(ctx, id, kind, rec, opened)
}

// taken says in this module's words that an e-mail address is taken.
func taken(err error) error {
	f, ok := fault.From(err)
	if ok && errors.Is(f, repository.ErrTaken) {
		if field, _ := f.Extra["field"].(string); strings.TrimPrefix(field, "data.") == "email" {
			return ErrEmailTaken
		}
	}
	return fmt.Errorf("store account: %w", err)
}
