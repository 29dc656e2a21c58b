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

func (s *service) userSignin(ctx context.Context, who auth.Principal, in signinIn) (session, error) {
	return s.signin(ctx, who.Org, auth.User, in)
}

func (s *service) customerSignin(ctx context.Context, who auth.Principal, in signinIn) (session, error) {
	return s.signin(ctx, who.Org, auth.Customer, in)
}

// signin answers the same, after the same work, for an unknown account and for
// a wrong password.
func (s *service) signin(ctx context.Context, id org.ID, kind auth.Kind, in signinIn) (session, error) {
	t := table.Of(s.deps.Table, id)
	rec, err := s.lookup(ctx, id, account.Datatype(kind), in.login())
	if errors.Is(err, table.ErrNotFound) {
		return session{}, s.failed(ctx, t, decoy, byPassword, s.pretend(ctx, t, in.Password))
	}
	if err != nil {
		return session{}, err
	}
	forget, err := s.verify(ctx, t, rec.SK, in.Password)
	if err != nil {
		return session{}, s.failed(ctx, t, rec.SK, byPassword, err)
	}
	return s.admit(ctx, id, kind, rec, byPassword, forget)
}

// admit begins a session for somebody who has proven who they are, unless the
// account is switched off or an administrator has locked it. More is written
// together with the session.
func (s *service) admit(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, method string, more ...table.Op) (session, error) {
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
	entry, err := s.logged(ctx, rec.SK, method, true)
	if err != nil {
		return session{}, err
	}
	return s.open(ctx, id, kind, rec, tx, append(more, entry)...)
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
