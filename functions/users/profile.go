package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// people says who is acting: the record under its kind, null under the other.
type people struct {
	User     *account.Record `json:"user"`
	Customer *account.Record `json:"customer"`
}

func (s *service) whoami(ctx context.Context, who auth.Principal, _ struct{}) (people, error) {
	if !who.IsPerson() {
		return people{}, nil
	}
	rec, err := s.own(ctx, who)
	if err != nil {
		return people{}, err
	}
	if who.Kind == auth.User {
		return people{User: presented(rec)}, nil
	}
	return people{Customer: presented(rec)}, nil
}

// own is the acting person's record, in the org their account lives in.
func (s *service) own(ctx context.Context, who auth.Principal) (account.Record, error) {
	return repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Home), account.Datatype(who.Kind), who.ID)
}

func (s *service) profile(ctx context.Context, who auth.Principal, _ struct{}) (*account.Record, error) {
	rec, err := s.own(ctx, who)
	return presented(rec), err
}

// bodyIn takes the whole body: what a profile may hold is open.
type bodyIn struct {
	Body account.Fields `body:"json"`
}

// postProfile answers the own record; with fields in the body it changes them.
func (s *service) postProfile(ctx context.Context, who auth.Principal, in bodyIn) (*account.Record, error) {
	changes := without(changesOf(in.Body), serverOnly(), adminOnly())
	if len(changes) == 0 {
		return s.profile(ctx, who, struct{}{})
	}
	rec, err := s.change(ctx, who, account.Datatype(who.Kind), who.ID, changes)
	return presented(rec), err
}

func (s *service) change(ctx context.Context, who auth.Principal, datatype, id string, changes account.Fields) (account.Record, error) {
	rec, err := repository.Change(ctx, s.deps.Records.Tenant(who.Home), who, datatype, id, func(rec *account.Record, _ *repository.Tx) error {
		before := account.Email(rec.Data.Text("email"))
		maps.Copy(rec.Data, changes)
		if isTrue(rec.Data, emailVerified) && account.Email(rec.Data.Text("email")) != before {
			rec.Data.Set(emailVerified, false)
		}
		return nil
	})
	if err != nil {
		return rec, taken(err)
	}
	return rec, nil
}

// updated is the answer of an update, under the record's kind.
type updated struct {
	Success  bool            `json:"success"`
	User     *account.Record `json:"user,omitempty"`
	Customer *account.Record `json:"customer,omitempty"`
}

// updateUser changes the own record, or as an administrator somebody else's.
func (s *service) updateUser(ctx context.Context, who auth.Principal, in bodyIn) (updated, error) {
	target, err := s.target(ctx, who, account.Users, in.Body)
	if err != nil {
		return updated{}, err
	}
	changes := changesOf(in.Body)
	if target.SK == who.ID {
		changes = without(changes, serverOnly(), adminOnly())
	} else if changes, err = s.asAdmin(ctx, who, target, changes); err != nil {
		return updated{}, err
	}
	rec, err := s.change(ctx, within(who), account.Users, target.SK, changes)
	if err == nil {
		err = s.afterAdmin(ctx, within(who), rec, changes)
	}
	return updated{Success: true, User: presented(rec)}, err
}

// within is the principal working in the org of the call: a platform
// administrator's home is elsewhere.
func within(who auth.Principal) auth.Principal {
	who.Home = who.Org
	return who
}

// target finds whom a body speaks of: by id or e-mail; nobody means the caller.
func (s *service) target(ctx context.Context, who auth.Principal, datatype string, body account.Fields) (account.Record, error) {
	tenant := s.deps.Records.Tenant(who.Org)
	for _, name := range []string{"sk", "id", "pk"} {
		if id := body.Text(name); id != "" {
			rec, err := repository.Get[account.Fields](ctx, tenant, datatype, id)
			return rec, unknown(err)
		}
	}
	email := account.Email(body.Text("email"))
	if email != "" && email != who.Email {
		rec, err := s.lookup(ctx, who.Org, datatype, email)
		return rec, unknown(err)
	}
	if !who.IsPerson() || who.Home != who.Org {
		return account.Record{}, ErrUnknownUser
	}
	return s.own(ctx, who)
}

func unknown(err error) error {
	if errors.Is(err, table.ErrNotFound) {
		return ErrUnknownUser
	}
	return err
}

// asAdmin checks that the caller may change the target in that way.
func (s *service) asAdmin(ctx context.Context, who auth.Principal, target account.Record, changes account.Fields) (account.Fields, error) {
	if err := s.mayManage(ctx, who, target); err != nil {
		return nil, err
	}
	// Roles and groups have routes of their own, which guard the last administrator.
	changes = without(changes, serverOnly(), []string{"roles", "groups"})
	return changes, tidyEmail(changes)
}

// tidyEmail checks a changed e-mail address and brings it into the form in
// which addresses are stored.
func tidyEmail(changes account.Fields) error {
	email := changes.Text("email")
	if email == "" {
		return nil
	}
	address, err := checkEmail(email)
	changes.Set("email", address)
	return err
}

// afterAdmin makes a changed status or lock take effect.
func (s *service) afterAdmin(ctx context.Context, who auth.Principal, rec account.Record, changes account.Fields) error {
	t := table.Of(s.deps.Table, who.Org)
	if _, ok := changes["status"]; ok && !rec.Data.Person().Usable() {
		return s.sessions.EndAll(ctx, t, rec.SK, "")
	}
	if changes.Text(lockout) == "false" {
		_, err := t.Write(ctx, cleared(rec.SK, ""))
		if err != nil && !errors.Is(err, table.ErrNotFound) {
			return fmt.Errorf("unlock account: %w", err)
		}
	}
	return nil
}

func (s *service) customerProfile(ctx context.Context, who auth.Principal, _ struct{}) (*account.Record, error) {
	return s.profile(ctx, who, struct{}{})
}

// updateCustomer changes the own record of a customer, or as staff with the
// update permission somebody's.
func (s *service) updateCustomer(ctx context.Context, who auth.Principal, in bodyIn) (updated, error) {
	changes := changesOf(in.Body)
	id := who.ID
	if who.Kind == auth.Customer {
		changes = without(changes, serverOnly(), adminOnly())
	} else {
		target, err := s.target(ctx, who, account.Customers, in.Body)
		if err != nil {
			return updated{}, err
		}
		id, changes = target.SK, without(changes, serverOnly(), []string{"roles", "balance"})
		if err := tidyEmail(changes); err != nil {
			return updated{}, err
		}
	}
	rec, err := s.change(ctx, within(who), account.Customers, id, changes)
	out := presented(rec)
	return updated{Success: true, User: out, Customer: out}, err
}

type nameIn struct {
	Name string `path:"emailOrUsername" maxLen:"200"`
}

// find returns a user by e-mail or username, which may arrive percent-encoded
// twice.
func (s *service) find(ctx context.Context, who auth.Principal, name string) (account.Record, error) {
	if decoded, err := url.PathUnescape(name); err == nil {
		name = decoded
	}
	if strings.Contains(name, "@") {
		rec, err := s.lookup(ctx, who.Org, account.Users, name)
		return rec, unknown(err)
	}
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Org), account.Users, name)
	if err == nil || !errors.Is(err, table.ErrNotFound) {
		return rec, err
	}
	text, err := json.Marshal(map[string]string{"data.username": name})
	if err != nil {
		return rec, fmt.Errorf("encode filter: %w", err)
	}
	page, err := s.deps.Records.Tenant(who.Org).Find(ctx, account.Users, repository.Find{
		Filter: text, Options: repository.ListOptions{Page: 1, PageSize: 1, NoCount: true},
	})
	if err != nil || len(page.Data) == 0 {
		return rec, errors.Join(err, ErrUnknownUser)
	}
	return record.Typed[account.Fields](page.Data[0])
}

func (s *service) userProfile(ctx context.Context, who auth.Principal, in nameIn) (*account.Record, error) {
	rec, err := s.find(ctx, who, in.Name)
	return presented(rec), err
}

// deleteUser moves a user to the trash and ends their sessions.
func (s *service) deleteUser(ctx context.Context, who auth.Principal, in nameIn) (done, error) {
	rec, err := s.find(ctx, who, in.Name)
	if err != nil {
		return done{}, err
	}
	if err := s.mayManage(ctx, who, rec); err != nil {
		return done{}, err
	}
	raw, err := record.Untyped(rec)
	if err != nil {
		return done{}, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Delete(raw)
	tx.Also(table.Delete{Key: credentialKey(rec.SK)})
	if err := s.keepAnAdmin(ctx, who.Org, tx, rec.SK, rec.Data.Person(), account.Person{}); err != nil {
		return done{}, err
	}
	if _, err := tx.Commit(ctx); err != nil {
		return done{}, conflict(err)
	}
	err = s.sessions.EndAll(ctx, table.Of(s.deps.Table, who.Org), rec.SK, "")
	return done{Success: true, Message: "The user is deleted."}, err
}
