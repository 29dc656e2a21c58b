package users

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// session is what every sign-in answers. Clients read token at the top level;
// both spellings of the refresh token are in use, and so are both names of a
// customer's record.
type session struct {
	Token        string          `json:"token"`
	RefreshToken string          `json:"refreshToken"`
	RefreshAlias string          `json:"refresh_token"`
	ExpiresIn    int64           `json:"expiresIn"` // seconds
	OrgID        org.ID          `json:"orgId"`     // what to send as orgid from now on
	User         *account.Record `json:"user,omitempty"`
	Customer     *account.Record `json:"customer,omitempty"`
}

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
		return session{}, s.pretend(ctx, t, in.Password)
	}
	if err != nil {
		return session{}, err
	}
	forget, err := s.verify(ctx, t, rec.SK, in.Password)
	if err != nil {
		return session{}, err
	}
	if !rec.Data.Person().Usable() {
		return session{}, ErrInactive
	}
	return s.open(ctx, id, kind, rec, nil, forget)
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

// opening is a session about to be stored.
type opening struct {
	session auth.Session
	refresh string
	store   table.Op
}

func (s *service) start(ctx context.Context, kind auth.Kind, subject string) (opening, error) {
	meta := api.MetaFrom(ctx)
	started, put, refresh, err := s.sessions.Start(auth.Session{
		Subject: subject, Kind: kind, IP: meta.IP, Agent: cut(meta.UserAgent, 300),
	})
	return opening{session: started, refresh: refresh, store: put}, err
}

// open begins a session for a person whose identity is proven, in one
// transaction with the trace it leaves, whatever else tx holds, and more.
func (s *service) open(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, tx *repository.Tx, more ...table.Op) (session, error) {
	opened, err := s.start(ctx, kind, rec.SK)
	if err != nil {
		return session{}, err
	}
	actor := actorOf(id, kind, rec)
	if tx == nil {
		tx = s.deps.Records.Tenant(id).Begin(actor)
	}
	if err := trace(tx, actor, "login", eventLogin); err != nil {
		return session{}, err
	}
	tx.Also(append(more, opened.store)...)
	if _, err := tx.Commit(ctx); err != nil {
		return session{}, fmt.Errorf("store session: %w", err)
	}
	return s.answer(ctx, id, kind, rec, opened)
}

// answer issues the access token of a stored session.
func (s *service) answer(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, opened opening) (session, error) {
	token, err := s.issue(ctx, id, kind, rec, opened.session.ID)
	if err != nil {
		return session{}, err
	}
	out := session{
		Token: token, RefreshToken: opened.refresh, RefreshAlias: opened.refresh,
		ExpiresIn: int64(auth.TokenLifetime.Seconds()), OrgID: id, User: presented(rec),
	}
	if kind != auth.User {
		out.Customer = out.User
	}
	return out, nil
}

// issue makes an access token that mirrors the record. Its roles are for
// clients to read; what a call may do is decided from the record of that time.
func (s *service) issue(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, sessionID string) (string, error) {
	p := rec.Data.Person()
	claims := auth.Claims{
		Subject: rec.SK, SK: rec.SK, Org: id, Type: kind, Datatype: rec.Datatype, Email: account.Email(p.Email), Name: p.Name(),
		Groups: p.Groups, Session: sessionID,
	}
	switch kind {
	case auth.User:
		roles, _, err := s.directory.Rights(ctx, id, p.Roles, p.Groups)
		if err != nil {
			return "", err
		}
		for _, r := range roles {
			claims.Roles = append(claims.Roles, string(r))
		}
	case auth.Customer:
		claims.Roles = []string{string(auth.RoleCustomer)}
	default:
		claims.Roles = []string{string(auth.RoleGuest)}
	}
	return s.deps.Tokens.Issue(ctx, claims)
}

// actorOf is the person as the author of what they do while signing in.
func actorOf(id org.ID, kind auth.Kind, rec account.Record) auth.Principal {
	p := rec.Data.Person()
	return auth.Principal{Kind: kind, Org: id, Home: id, ID: rec.SK, Email: account.Email(p.Email), Name: p.Name()}
}

// activity is an entry of the activity trail.
type activity struct {
	Type string            `json:"type"`
	Name string            `json:"name"`
	Meta map[string]string `json:"meta,omitempty"`
}

// trace adds an entry of the activity trail about the actor; event, when not
// empty, is announced with it.
func trace(tx *repository.Tx, actor auth.Principal, kind, event string) error {
	owner := record.Owner{Datatype: account.Datatype(actor.Kind), ID: actor.ID, Name: actor.Name, Email: actor.Email}
	raw, err := record.Untyped(record.Record[activity]{
		Datatype: "activity", Owner: &owner, Data: activity{Type: kind, Name: actor.Name},
	})
	if err != nil {
		return fmt.Errorf("trace %s: %w", kind, err)
	}
	tx.Create(raw)
	if event != "" {
		tx.Emit(event, map[string]string{"userId": actor.ID, "email": actor.Email, "type": string(actor.Kind)})
	}
	return nil
}

// cut shortens a text to at most max bytes, never within a character.
func cut(text string, longest int) string {
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ToValidUTF8(text, "")
}
