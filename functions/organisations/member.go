package organisations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// ErrUnknownMember answers for somebody who is not a user of the org.
var ErrUnknownMember = fault.New(fault.NotFound, "unknown_member", "There is no such member of the organisation.")

type membersIn struct {
	pagingIn
	Query string `query:"q" maxLen:"100" doc:"part of a name or address"`
}

func (s *service) members(ctx context.Context, who auth.Principal, in membersIn) (page[*account.Record], error) {
	find := repository.Find{Options: in.options()}
	for word := range strings.FieldsSeq(in.Query) {
		find.Where = filter.And(find.Where, filter.Contains(word, "data.email", "data.username", "data.firstName", "data.lastName"))
	}
	found, err := s.deps.Records.Tenant(who.Org).Find(ctx, account.Users, find)
	if err != nil {
		return page[*account.Record]{}, err
	}
	list, err := recordsOf(found)
	return pageOf(in.pagingIn, list, found.Total), err
}

// member finds a user by id.
func (s *service) member(ctx context.Context, who auth.Principal, id string) (account.Record, error) {
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Org), account.Users, id)
	return rec, unknownMember(err)
}

func (s *service) memberByEmail(ctx context.Context, who auth.Principal, email string) (account.Record, error) {
	rec, err := repository.Lookup[account.Fields](ctx, s.deps.Records.Tenant(who.Org), account.Users, "email", email)
	return rec, unknownMember(err)
}

func unknownMember(err error) error {
	if errors.Is(err, table.ErrNotFound) {
		return ErrUnknownMember
	}
	if err != nil {
		return fmt.Errorf("read member: %w", err)
	}
	return nil
}

type memberIn struct {
	ID     string    `path:"id" maxLen:"200"`
	Roles  *[]string `json:"roles" maxLen:"50"`
	Groups *[]string `json:"groups" maxLen:"50"`
	Status *string   `json:"status" enum:"active,inactive,suspended"`
}

// changeMember sets a user's roles, groups and status: nobody above the caller
// is touched, nothing above the caller is handed out, and an administrator and
// an owner remain. Who may not sign in any more is signed out.
func (s *service) changeMember(ctx context.Context, who auth.Principal, in memberIn) (*account.Record, error) {
	rec, err := s.member(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	before := rec.Data.Person()
	if err := s.accounts.MayManage(ctx, who, rec); err != nil {
		return nil, err
	}
	if err := s.accounts.MayGrant(ctx, who, added(before.Roles, in.Roles), added(before.Groups, in.Groups)); err != nil {
		return nil, err
	}
	in.apply(rec.Data)
	after := rec.Data.Person()
	if after.Usable() && !before.Usable() {
		if err := s.accounts.Seat(ctx, who.Org); err != nil {
			return nil, err
		}
	}
	stored, err := s.storeMember(ctx, who, rec, before, after)
	if err != nil {
		return nil, err
	}
	if !after.Usable() {
		err = s.accounts.Sessions().EndAll(ctx, table.Of(s.deps.Table, who.Org), rec.SK, "")
	}
	return account.Presented(stored), err
}

func (in memberIn) apply(f account.Fields) {
	if in.Roles != nil {
		f.Set("roles", *in.Roles)
	}
	if in.Groups != nil {
		f.Set("groups", *in.Groups)
	}
	if in.Status != nil {
		f.Set("status", *in.Status)
	}
}

func added(have []string, wanted *[]string) []string {
	if wanted == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(*wanted), func(name string) bool { return slices.Contains(have, name) })
}

// standing is what the trail of a member's change shows.
type standing struct {
	Roles  account.Names `json:"roles"`
	Groups account.Names `json:"groups"`
	Status string        `json:"status"`
}

func standingOf(p account.Person) standing {
	return standing{Roles: p.Roles, Groups: p.Groups, Status: p.Status}
}

func (s *service) storeMember(ctx context.Context, who auth.Principal, rec account.Record, before, after account.Person) (account.Record, error) {
	raw, err := record.Untyped(rec)
	if err != nil {
		return rec, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Update(raw)
	if err := s.accounts.KeepAnAdmin(ctx, who.Org, tx, rec.SK, counting(before), counting(after)); err != nil {
		return rec, err
	}
	if err := audit(tx, "update", ownerOf(rec), standingOf(before), standingOf(after)); err != nil {
		return rec, err
	}
	stored, err := tx.Commit(ctx)
	if err != nil {
		return rec, account.Lost(err)
	}
	return record.Typed[account.Fields](stored[0])
}

// counting is a person as a holder of roles: one who may not sign in is none.
func counting(p account.Person) account.Person {
	if !p.Usable() {
		return account.Person{}
	}
	return p
}

func (s *service) removeMember(ctx context.Context, who auth.Principal, in idIn) (done, error) {
	rec, err := s.member(ctx, who, in.ID)
	if err != nil {
		return done{}, err
	}
	return s.expel(ctx, who, rec)
}

// expel moves a user to the trash, forgets the password and ends the sessions.
// Accounts of the same person in other orgs are others.
func (s *service) expel(ctx context.Context, who auth.Principal, rec account.Record) (done, error) {
	if rec.SK != who.ID {
		if err := s.accounts.MayManage(ctx, who, rec); err != nil {
			return done{}, err
		}
	}
	raw, err := record.Untyped(rec)
	if err != nil {
		return done{}, err
	}
	before := rec.Data.Person()
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Delete(raw)
	tx.Also(table.Delete{Key: account.CredentialKey(rec.SK)})
	if err := s.accounts.KeepAnAdmin(ctx, who.Org, tx, rec.SK, counting(before), account.Person{}); err != nil {
		return done{}, err
	}
	if err := audit(tx, "delete", ownerOf(rec), standingOf(before), nil); err != nil {
		return done{}, err
	}
	if _, err := tx.Commit(ctx); err != nil {
		return done{}, unknownMember(account.Lost(err))
	}
	err = s.accounts.Sessions().EndAll(ctx, table.Of(s.deps.Table, who.Org), rec.SK, "")
	return done{Success: true, Message: "The member has been removed."}, err
}

type leaveIn struct {
	OrgID      string `json:"orgId" maxLen:"100"`
	Email      string `json:"email" maxLen:"200" doc:"whose membership ends; the caller's unless given"`
	QueryOrg   string `query:"orgId" maxLen:"100" doc:"instead of the body's"`
	QueryEmail string `query:"email" maxLen:"200" doc:"instead of the body's"`
}

// leave ends the caller's membership, or as an administrator somebody's.
func (s *service) leave(ctx context.Context, who auth.Principal, in leaveIn) (done, error) {
	id, err := orgOf(who, first(in.OrgID, in.QueryOrg))
	if err != nil {
		return done{}, err
	}
	who.Org = id
	email := account.Email(first(in.Email, in.QueryEmail))
	self := email == "" || email == who.Email
	if self && who.Home != id {
		return done{}, ErrUnknownMember
	}
	if !self && !who.Has(auth.RoleConfigAdmin, auth.RoleRootAdmin, auth.RoleOwner) {
		return done{}, auth.ErrForbidden
	}
	if self {
		email = who.Email
	}
	rec, err := s.memberByEmail(ctx, who, email)
	if err != nil {
		return done{}, err
	}
	return s.expel(ctx, who, rec)
}

type leavePathIn struct {
	Email string `path:"email" maxLen:"300"`
	OrgID string `query:"orgId" maxLen:"100"`
}

func (s *service) leaveByPath(ctx context.Context, who auth.Principal, in leavePathIn) (done, error) {
	return s.leave(ctx, who, leaveIn{OrgID: in.OrgID, Email: address(in.Email)})
}
