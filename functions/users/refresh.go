package users

import (
	"context"
	"errors"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type refreshIn struct {
	Snake string `json:"refresh_token" maxLen:"600" doc:"the refresh token; refreshToken and token are read as well"`
	Camel string `json:"refreshToken" maxLen:"600"`
	Token string `json:"token" maxLen:"9000"`
}

func (in refreshIn) presented() string {
	for _, text := range []string{in.Snake, in.Camel, in.Token} {
		if text = auth.Bearer(text); text != "" {
			return text
		}
	}
	return ""
}

// refreshed is the answer of a refresh; one more spelling of the token, since
// clients differ.
type refreshed struct {
	Token        string `json:"token"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refreshToken"`
	RefreshAlias string `json:"refresh_token"`
	ExpiresIn    int64  `json:"expiresIn"`
}

func (s *service) userRefresh(ctx context.Context, who auth.Principal, in refreshIn) (refreshed, error) {
	return s.refresh(ctx, who, auth.User, in)
}

func (s *service) customerRefresh(ctx context.Context, who auth.Principal, in refreshIn) (refreshed, error) {
	return s.refresh(ctx, who, auth.Customer, in)
}

// refresh gives a new pair of tokens to the same kind of principal the refresh
// token was issued for; one of another kind is refused as invalid.
func (s *service) refresh(ctx context.Context, who auth.Principal, kind auth.Kind, in refreshIn) (refreshed, error) {
	token := in.presented()
	if token == "" {
		return refreshed{}, ErrMissingRefresh
	}
	t := table.Of(s.deps.Table, who.Org)
	current, next, err := s.sessions.Refresh(ctx, t, kind, token)
	if err != nil {
		return refreshed{}, err
	}
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Org), account.Datatype(kind), current.Subject)
	gone := errors.Is(err, table.ErrNotFound)
	if err != nil && !gone {
		return refreshed{}, err
	}
	if gone || !rec.Data.Person().Usable() {
		return refreshed{}, errors.Join(auth.ErrTokenRevoked, s.sessions.End(ctx, t, current.ID))
	}
	access, err := s.issue(ctx, who.Org, kind, rec, current.ID)
	if err != nil {
		return refreshed{}, err
	}
	return refreshed{
		Token: access, AccessToken: access, RefreshToken: next, RefreshAlias: next,
		ExpiresIn: int64(auth.TokenLifetime.Seconds()),
	}, nil
}

type signoutIn struct {
	Snake string `json:"refresh_token" maxLen:"600" doc:"ends that session as well, if it is the caller's"`
	Camel string `json:"refreshToken" maxLen:"600"`
}

// signout ends the session of the presented token, and the one a refresh token
// belongs to when that is the same person's.
func (s *service) signout(ctx context.Context, who auth.Principal, in signoutIn) (done, error) {
	t := table.Of(s.deps.Table, who.Home)
	if err := s.sessions.End(ctx, t, who.Session); err != nil {
		return done{}, err
	}
	token := refreshIn{Snake: in.Snake, Camel: in.Camel}.presented()
	if other, ok := auth.SessionOf(token); ok && other != who.Session {
		session, err := s.sessions.Get(ctx, t, other)
		if err == nil && session.Subject == who.ID {
			err = s.sessions.End(ctx, t, other)
		}
		if err != nil && !errors.Is(err, auth.ErrTokenRevoked) {
			return done{}, err
		}
	}
	return s.goodbye(ctx, who)
}

func (s *service) logout(ctx context.Context, who auth.Principal, _ struct{}) (done, error) {
	if err := s.sessions.End(ctx, table.Of(s.deps.Table, who.Home), who.Session); err != nil {
		return done{}, err
	}
	return s.goodbye(ctx, who)
}

func (s *service) goodbye(ctx context.Context, who auth.Principal) (done, error) {
	return s.signedOut(ctx, who, "You are signed out.")
}

// signedOut leaves the trace of ended sessions.
func (s *service) signedOut(ctx context.Context, who auth.Principal, message string) (done, error) {
	tx := s.deps.Records.Tenant(who.Home).Begin(who)
	if err := trace(tx, who, "logout", eventLogout); err != nil {
		return done{}, err
	}
	_, err := tx.Commit(ctx)
	return done{Success: true, Message: message}, err
}
