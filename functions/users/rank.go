package users

import (
	"context"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
)

type rolesIn struct {
	Email string   `json:"email" required:"true" maxLen:"150"`
	Roles []string `json:"roles" required:"true"`
}

type groupsIn struct {
	Email  string   `json:"email" required:"true" maxLen:"150"`
	Groups []string `json:"groups" required:"true"`
}

func (s *service) addRoles(ctx context.Context, who auth.Principal, in rolesIn) (done, error) {
	return s.rerank(ctx, who, in.Email, func(p *account.Person) { p.Roles = union(p.Roles, in.Roles) })
}

func (s *service) removeRoles(ctx context.Context, who auth.Principal, in rolesIn) (done, error) {
	return s.rerank(ctx, who, in.Email, func(p *account.Person) { p.Roles = difference(p.Roles, in.Roles) })
}

func (s *service) addGroups(ctx context.Context, who auth.Principal, in groupsIn) (done, error) {
	return s.rerank(ctx, who, in.Email, func(p *account.Person) { p.Groups = union(p.Groups, in.Groups) })
}

func (s *service) removeGroups(ctx context.Context, who auth.Principal, in groupsIn) (done, error) {
	return s.rerank(ctx, who, in.Email, func(p *account.Person) { p.Groups = difference(p.Groups, in.Groups) })
}

func union(have, more []string) []string {
	for _, name := range more {
		if !slices.Contains(have, name) {
			have = append(have, name)
		}
	}
	return have
}

func difference(have, less []string) []string {
	return slices.DeleteFunc(slices.Clone(have), func(name string) bool { return slices.Contains(less, name) })
}

// rerank changes somebody's roles or groups: nobody above the caller is
// touched, nothing above the caller is handed out or taken away, and a full
// administrator remains.
func (s *service) rerank(ctx context.Context, who auth.Principal, email string, change func(*account.Person)) (done, error) {
	rec, err := s.lookup(ctx, who.Org, account.Users, email)
	if err != nil {
		return done{}, unknown(err)
	}
	if err := s.mayManage(ctx, who, rec); err != nil {
		return done{}, err
	}
	before := rec.Data.Person()
	after := before
	after.Roles, after.Groups = slices.Clone(before.Roles), slices.Clone(before.Groups)
	change(&after)
	added := difference(after.Roles, before.Roles)
	if err := s.mayGrant(ctx, who, added, difference(after.Groups, before.Groups)); err != nil {
		return done{}, err
	}
	rec.Data.Set("roles", emptyNotNull(after.Roles))
	rec.Data.Set("groups", emptyNotNull(after.Groups))
	raw, err := record.Untyped(rec)
	if err != nil {
		return done{}, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Update(raw)
	if err := s.keepAnAdmin(ctx, who.Org, tx, rec.SK, before, after); err != nil {
		return done{}, err
	}
	if _, err := tx.Commit(ctx); err != nil {
		return done{}, conflict(err)
	}
	return done{Success: true, Message: "The user has been updated."}, nil
}

func emptyNotNull(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}
