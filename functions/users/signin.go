package users

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type signinIn struct {
	Email    string `json:"email" maxLen:"200" doc:"e-mail address; customers may give their username"`
	Username string `json:"username" maxLen:"200" doc:"instead of email"`
	Password string `json:"password" required:"true" maxLen:"1024"`
}

func (in signinIn) login() string {
	if in.Email != "" {
		return in.Email
	}
	return in.Username
}

func (s *service) userSignin(ctx context.Context, who auth.Principal, in signinIn) (signedIn, error) {
	return s.signin(ctx, who.Org, auth.User, in)
}

func (s *service) customerSignin(ctx context.Context, who auth.Principal, in signinIn) (signedIn, error) {
	return s.signin(ctx, who.Org, auth.Customer, in)
}

// signin answers the same, after the same work, for an unknown account and for
// a wrong password.
func (s *service) signin(ctx context.Context, id org.ID, kind auth.Kind, in signinIn) (signedIn, error) {
	t := table.Of(s.deps.Table, id)
	rec, err := s.lookup(ctx, id, account.Datatype(kind), in.login())
	if errors.Is(err, table.ErrNotFound) {
		return signedIn{}, s.failed(ctx, t, decoy, byPassword, s.pretend(ctx, t, in.Password))
	}
	if err != nil {
		return signedIn{}, err
	}
	forget, err := s.verify(ctx, t, rec.SK, in.Password)
	if err != nil {
		return signedIn{}, s.failed(ctx, t, rec.SK, byPassword, err)
	}
	return s.admit(ctx, id, kind, rec, proof{method: byPassword, forget: forget})
}

// proof is how somebody has proven who they are.
type proof struct {
	method string
	used   []table.Op // writes that use it up, made whether or not more is asked for
	forget table.Op   // clears failed attempts once the sign-in is over; may be nil
}

// admit begins a session for somebody who has proven who they are, or asks for
// the second factor first. Failed attempts are forgotten only when that has
// come: it is no help to guess it with the password in hand.
func (s *service) admit(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, p proof) (signedIn, error) {
	f, err := readFactors(ctx, table.Of(s.deps.Table, id), rec.SK)
	if err != nil {
		return signedIn{}, err
	}
	rules, err := s.policyOf(ctx, id)
	if err != nil {
		return signedIn{}, err
	}
	method := methodFor(f, rules, kind, p.method)
	if method == "" || !rec.Data.Person().Usable() {
		out, err := s.enter(ctx, id, kind, rec, p)
		return signedIn{Session: &out}, err
	}
	if _, err := s.unflag(&rec); err != nil {
		return signedIn{}, err
	}
	return s.challenge(ctx, id, rec, challenge{
		Kind: kind, Method: method, Password: p.forget != nil, Mailing: f.Email != nil || !f.Enabled,
	}, p.used)
}

// enter begins a session, unless the account is switched off or locked.
func (s *service) enter(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, p proof) (session, error) {
	if !rec.Data.Person().Usable() {
		return session{}, ErrInactive
	}
	unlocked, err := s.unflag(&rec)
	if err != nil {
		return session{}, err
	}
	tx := s.deps.Records.Tenant(id).Begin(actorOf(id, kind, rec))
	if unlocked {
		raw, err := record.Untyped(rec)
		if err != nil {
			return session{}, err
		}
		tx.Update(raw)
	}
	entry, err := s.logged(ctx, rec.SK, p.method, true)
	if err != nil {
		return session{}, err
	}
	more := append(slices.Clone(p.used), entry)
	if p.forget != nil {
		more = append(more, p.forget)
	}
	return s.open(ctx, id, kind, rec, tx, more...)
}

// lookup finds a person by e-mail, or a customer by username.
func (s *service) lookup(ctx context.Context, id org.ID, datatype, login string) (account.Record, error) {
	field, value := "email", account.Email(login)
	if !strings.Contains(login, "@") {
		if datatype != account.Customers {
			return account.Record{}, table.ErrNotFound
		}
		field, value = "username", strings.TrimSpace(login)
	}
	if value == "" {
		return account.Record{}, table.ErrNotFound
	}
	return repository.Lookup[account.Fields](ctx, s.deps.Records.Tenant(id), datatype, field, value)
}
