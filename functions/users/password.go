package users

import (
	"context"
	"errors"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type passwordIn struct {
	UserID  string `json:"userId" maxLen:"200" doc:"whose, for administrators; the caller's own unless given"`
	Current string `json:"password" maxLen:"1024" doc:"the current password, for the own one"`
	Old     string `json:"oldPassword" maxLen:"1024" doc:"another word for password"`
	New     string `json:"newPassword" required:"true" maxLen:"1024"`
}

func (in passwordIn) current() string {
	if in.Current != "" {
		return in.Current
	}
	return in.Old
}

// changePassword changes the own password, which takes the current one, or as
// an administrator anybody's of no higher rank.
func (s *service) changePassword(ctx context.Context, who auth.Principal, in passwordIn) (done, error) {
	if in.UserID != "" && in.UserID != who.ID && account.Email(in.UserID) != who.Email {
		return s.changeOthers(ctx, who, in)
	}
	if !who.IsPerson() {
		return done{}, auth.ErrForbidden
	}
	return s.changeOwn(ctx, who, in)
}

func (s *service) changeOwn(ctx context.Context, who auth.Principal, in passwordIn) (done, error) {
	t := table.Of(s.deps.Table, who.Home)
	if _, err := s.verify(ctx, t, who.ID, in.current()); err != nil {
		return done{}, err
	}
	return s.replacePassword(ctx, who, who, in.New, who.Session)
}

func (s *service) changeOthers(ctx context.Context, who auth.Principal, in passwordIn) (done, error) {
	if !who.Has(auth.RoleConfigAdmin, auth.RoleRootAdmin, auth.RoleOwner) {
		return done{}, auth.ErrForbidden
	}
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Org), account.Users, in.UserID)
	if errors.Is(err, table.ErrNotFound) {
		rec, err = s.lookup(ctx, who.Org, account.Users, in.UserID)
	}
	if err != nil {
		return done{}, unknown(err)
	}
	if err := s.mayManage(ctx, who, rec); err != nil {
		return done{}, err
	}
	return s.replacePassword(ctx, within(who), actorOf(who.Org, auth.User, rec), in.New, "")
}

// replacePassword stores a new password and ends the other sessions.
func (s *service) replacePassword(ctx context.Context, who, whose auth.Principal, password, keep string) (done, error) {
	if err := checkPassword(password); err != nil {
		return done{}, err
	}
	credential, err := s.newCredential(ctx, whose.ID, password)
	if err != nil {
		return done{}, err
	}
	tx := s.deps.Records.Tenant(who.Home).Begin(who)
	if err := trace(tx, whose, "changePassword", ""); err != nil {
		return done{}, err
	}
	tx.Also(credential)
	if _, err := tx.Commit(ctx); err != nil {
		return done{}, err
	}
	err = s.sessions.EndAll(ctx, table.Of(s.deps.Table, who.Home), whose.ID, keep)
	return done{Success: true, Message: "The password has been changed."}, err
}
