package users

import (
	"context"
	"errors"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// customerSignup makes a customer and signs them in. Without a password the
// account is passwordless. A guest of that address becomes the customer.
func (s *service) customerSignup(ctx context.Context, who auth.Principal, in signupIn) (session, error) {
	email, err := checkEmail(in.Email)
	if err != nil {
		return session{}, err
	}
	if in.Password != "" {
		if err := checkPassword(in.Password); err != nil {
			return session{}, err
		}
	}
	if err := s.welcomed(ctx, who.Org, email); err != nil {
		return session{}, err
	}
	rec, err := s.lookup(ctx, who.Org, account.Customers, email)
	switch {
	case errors.Is(err, table.ErrNotFound):
		fields := in.fields(email)
		fields.Set("accountType", "customer")
		return s.create(ctx, who.Org, auth.Customer, fields, in.Password, registered)
	case err != nil:
		return session{}, err
	case !rec.Data.Person().Guest:
		return session{}, ErrEmailTaken
	}
	return s.upgrade(ctx, who.Org, rec, in, email)
}

// registered announces a new customer with the record that was just added.
func registered(tx *repository.Tx) {
	tx.Emit("user-create", nil) // the repository says so of staff only
	tx.Emit(eventCreated, map[string]string{"source": "website"})
	tx.Emit(eventRegistered, map[string]string{"source": "website"})
}

// upgrade turns a guest into a customer: same record, so what they wrote as a
// guest stays theirs. Sessions of the guest end.
func (s *service) upgrade(ctx context.Context, id org.ID, rec account.Record, in signupIn, email string) (session, error) {
	for name, value := range in.fields(email) {
		rec.Data[name] = value
	}
	rec.Data.Set("guestUser", false)
	rec.Data.Set("accountType", "customer")
	raw, err := record.Untyped(rec)
	if err != nil {
		return session{}, err
	}
	credential, err := s.newCredential(ctx, rec.SK, in.Password)
	if err != nil {
		return session{}, err
	}
	if err := s.sessions.EndAll(ctx, table.Of(s.deps.Table, id), rec.SK, ""); err != nil {
		return session{}, err
	}
	tx := s.deps.Records.Tenant(id).Begin(actorOf(id, auth.Customer, rec))
	tx.Update(raw)
	tx.Emit(eventRegistered, map[string]string{"source": "website"})
	return s.open(ctx, id, auth.Customer, rec, tx, credential)
}

type guestIn struct {
	Email string `json:"email" required:"true" maxLen:"150"`
	Name  string `json:"name" maxLen:"100"`
	Phone string `json:"phone" maxLen:"40"`
}

// guestOut is a token that is good for chat only.
type guestOut struct {
	Token     string          `json:"token"`
	ExpiresIn int64           `json:"expiresIn"` // seconds
	Guest     *account.Record `json:"guest"`
}

// registerGuest lets a visitor chat. The same address is the same guest, until
// somebody signs up with it.
func (s *service) registerGuest(ctx context.Context, who auth.Principal, in guestIn) (guestOut, error) {
	email, err := checkEmail(in.Email)
	if err != nil {
		return guestOut{}, err
	}
	if err := s.welcomed(ctx, who.Org, email); err != nil {
		return guestOut{}, err
	}
	rec, err := s.lookup(ctx, who.Org, account.Customers, email)
	var out session
	switch {
	case errors.Is(err, table.ErrNotFound):
		fields := account.Fields{}
		fields.Set("email", email)
		fields.Set("guestUser", true)
		fields.Set("accountType", "contact")
		setNames(fields, in.Name)
		if in.Phone != "" {
			fields.Set("phone", in.Phone)
		}
		out, err = s.create(ctx, who.Org, auth.Guest, fields, "", nil)
	case err == nil && rec.Data.Person().Guest:
		out, err = s.open(ctx, who.Org, auth.Guest, rec, nil)
	case err == nil:
		err = ErrEmailTaken
	}
	return guestOut{Token: out.Token, ExpiresIn: out.ExpiresIn, Guest: out.User}, err
}

func setNames(f account.Fields, name string) {
	first, last, _ := strings.Cut(strings.TrimSpace(name), " ")
	if first != "" {
		f.Set("firstName", first)
	}
	if last != "" {
		f.Set("lastName", strings.TrimSpace(last))
	}
}
