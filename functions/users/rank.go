package users

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
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

// mayGrant says whether the caller may hand out roles, and the roles of groups.
func (s *service) mayGrant(ctx context.Context, who auth.Principal, roles, groups []string) error {
	all := account.AsRoles(roles)
	for _, g := range groups {
		more, ok, err := s.directory.GroupRoles(ctx, who.Org, g)
		if err != nil {
			return err
		}
		if !ok {
			return ErrUnknownRole
		}
		all = append(all, more...)
	}
	for _, r := range all {
		verbs, ok, err := s.directory.RoleVerbs(ctx, who.Org, r)
		switch {
		case err != nil:
			return err
		case !ok:
			return ErrUnknownRole
		case !auth.Grantable(who, []auth.Role{r}, func(auth.Role) (auth.Verbs, bool) { return verbs, true }):
			return ErrRank
		}
	}
	return nil
}

// mayManage says whether the caller may touch somebody's account: not when that
// one holds administrator roles which the caller could not hand out.
func (s *service) mayManage(ctx context.Context, who auth.Principal, target account.Record) error {
	p := target.Data.Person()
	roles, _, err := s.directory.Rights(ctx, who.Org, p.Roles, p.Groups)
	if err != nil {
		return err
	}
	if !auth.Outranks(who, roles) {
		return ErrRank
	}
	return nil
}

// adminLock is the item whose number every write that takes an administrator
// away increases, so that two of them at once cannot take the last two.
func adminLock() table.Key { return table.Key{Part: "credential", Sort: "-admins"} }

// keepAnAdmin refuses a change after which nobody would be a full administrator
// of the org. The look and the write are one step: the write fails with a
// conflict when another such write came in between.
func (s *service) keepAnAdmin(ctx context.Context, id org.ID, tx *repository.Tx, sk string, before, after account.Person) error {
	was, err := s.isFullAdmin(ctx, id, before)
	if err != nil || !was {
		return err
	}
	if still, err := s.isFullAdmin(ctx, id, after); err != nil || still {
		return err
	}
	lock, err := s.readLock(ctx, id)
	if err != nil {
		return err
	}
	page, err := s.deps.Records.Tenant(id).Find(ctx, account.Users, repository.Find{Options: repository.ListOptions{PageSize: repository.PageSizeMax, NoCount: true}})
	if err != nil {
		return err
	}
	for _, raw := range page.Data {
		rec, err := record.Typed[account.Fields](raw)
		if err != nil {
			return err
		}
		p := rec.Data.Person()
		if raw.SK == sk || !p.Usable() {
			continue
		}
		if admin, err := s.isFullAdmin(ctx, id, p); err != nil || admin {
			tx.Also(lock)
			return err
		}
	}
	return ErrLastAdmin
}

func (s *service) isFullAdmin(ctx context.Context, id org.ID, p account.Person) (bool, error) {
	roles, _, err := s.directory.Rights(ctx, id, p.Roles, p.Groups)
	return slices.Contains(roles, auth.RoleOwner) || slices.Contains(roles, auth.RoleRootAdmin), err
}

// readLock returns the write that takes the lock as it is now.
func (s *service) readLock(ctx context.Context, id org.ID) (table.Op, error) {
	item, err := table.Of(s.deps.Table, id).Get(ctx, adminLock())
	take := table.Modify{Key: adminLock(), Upsert: true, Add: []table.Increment{{Path: table.At("n"), By: 1}}}
	if errors.Is(err, table.ErrNotFound) {
		take.If = table.ItemMissing{}
		return take, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read lock: %w", err)
	}
	var held struct {
		N int64 `json:"n"`
	}
	if err := item.Doc.Decode(&held); err != nil {
		return nil, err
	}
	take.If = table.Compare{Path: table.At("n"), Op: table.Equal, Value: held.N}
	return take, nil
}

// conflict says that a write lost against another one.
func conflict(err error) error {
	var refused *table.Refused
	if errors.As(err, &refused) || errors.Is(err, repository.ErrVersion) {
		return ErrBusy
	}
	return err
}
