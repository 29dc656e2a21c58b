package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// The faults of handing out roles.
var (
	// ErrRank refuses to hand out, or to touch, what is above the caller.
	ErrRank = fault.New(fault.Forbidden, "insufficient_rank", "You cannot do that to somebody, or hand out roles, above your own.")
	// ErrUnknownRole refuses a role or group that nobody defined.
	ErrUnknownRole = fault.New(fault.Invalid, "unknown_role", "There is no such role or group.")
	// ErrLastAdmin keeps an organisation from losing its last administrator.
	ErrLastAdmin = fault.New(fault.Conflict, "last_admin", "An organisation needs at least one administrator.")
	// ErrLastOwner keeps an organisation from losing its last owner.
	ErrLastOwner = fault.New(fault.Conflict, "last_owner", "An organisation needs an owner. Transfer the ownership first.")
	// ErrBusy says that others were changing the same thing at the same time.
	ErrBusy = fault.New(fault.Conflict, "concurrent_change", "Somebody else was changing this at the same time. Please try again.")
)

// MayGrant says whether the caller may hand out roles, and the roles of groups.
func (a *Accounts) MayGrant(ctx context.Context, who auth.Principal, roles, groups []string) error {
	all := AsRoles(roles)
	for _, g := range groups {
		more, ok, err := a.directory.GroupRoles(ctx, who.Org, g)
		if err != nil {
			return err
		}
		if !ok {
			return ErrUnknownRole
		}
		all = append(all, more...)
	}
	for _, r := range all {
		verbs, ok, err := a.directory.RoleVerbs(ctx, who.Org, r)
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

// MayManage says whether the caller may touch somebody's account: not when that
// one holds administrator roles which the caller could not hand out.
func (a *Accounts) MayManage(ctx context.Context, who auth.Principal, target Record) error {
	p := target.Data.Person()
	roles, _, err := a.directory.Rights(ctx, who.Org, p.Roles, p.Groups)
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

// KeepAnAdmin refuses a change after which nobody would be a full administrator
// of the org (ErrLastAdmin), or nobody its owner who was one (ErrLastOwner). The
// look and the write are one step: the write fails when another such write came
// in between (Lost). Somebody who leaves, or may not sign in, is a Person{}.
func (a *Accounts) KeepAnAdmin(ctx context.Context, id org.ID, tx *repository.Tx, sk string, before, after Person) error {
	was, err := a.rankOf(ctx, id, before)
	if err != nil {
		return err
	}
	still, err := a.rankOf(ctx, id, after)
	if err != nil {
		return err
	}
	lost := rank{admin: was.admin && !still.admin, owner: was.owner && !still.owner}
	if lost == (rank{}) {
		return nil
	}
	lock, err := a.readLock(ctx, id)
	if err != nil {
		return err
	}
	others, err := a.others(ctx, id, sk)
	switch {
	case err != nil:
		return err
	case lost.admin && !others.admin:
		return ErrLastAdmin
	case lost.owner && !others.owner:
		return ErrLastOwner
	}
	tx.Also(lock)
	return nil
}

// rank is what of the two an account, or any of several, is.
type rank struct{ admin, owner bool }

// others says what all usable accounts but one are.
func (a *Accounts) others(ctx context.Context, id org.ID, sk string) (rank, error) {
	var all rank
	page, err := a.deps.Records.Tenant(id).Find(ctx, Users, repository.Find{Options: repository.ListOptions{PageSize: repository.PageSizeMax, NoCount: true}})
	if err != nil {
		return all, fmt.Errorf("list users: %w", err)
	}
	for _, raw := range page.Data {
		rec, err := record.Typed[Fields](raw)
		if err != nil {
			return all, err
		}
		p := rec.Data.Person()
		if raw.SK == sk || !p.Usable() {
			continue
		}
		one, err := a.rankOf(ctx, id, p)
		if err != nil {
			return all, err
		}
		all = rank{admin: all.admin || one.admin, owner: all.owner || one.owner}
	}
	return all, nil
}

func (a *Accounts) rankOf(ctx context.Context, id org.ID, p Person) (rank, error) {
	roles, _, err := a.directory.Rights(ctx, id, p.Roles, p.Groups)
	owner := slices.Contains(roles, auth.RoleOwner)
	return rank{admin: owner || slices.Contains(roles, auth.RoleRootAdmin), owner: owner}, err
}

// readLock returns the write that takes the lock as it is now.
func (a *Accounts) readLock(ctx context.Context, id org.ID) (table.Op, error) {
	item, err := table.Of(a.deps.Table, id).Get(ctx, adminLock())
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

// Lost says that a write lost against another one.
func Lost(err error) error {
	var refused *table.Refused
	if errors.As(err, &refused) || errors.Is(err, repository.ErrVersion) {
		return ErrBusy
	}
	return err
}
