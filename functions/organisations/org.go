package organisations

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/usage"
)

var (
	// ErrUnknownPlan refuses a plan that is not in the list of plans.
	ErrUnknownPlan = fault.New(fault.Invalid, "unknown_plan", "There is no such plan.")
	// ErrNoFounder asks who the owner of a new organisation will be.
	ErrNoFounder = fault.New(fault.Invalid, "missing_founder", "Sign in first, or send the e-mail address and password of the new organisation's owner.")
)

func (s *service) current(ctx context.Context, who auth.Principal, _ nothing) (*account.Record, error) {
	rec, err := s.company(ctx, who.Org)
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, who.Org, rec)
}

type orgIn struct {
	ID string `path:"orgId" maxLen:"100"`
}

// one returns the caller's org whole. Of another org in which somebody has an
// account with the caller's address, it returns what everybody may know: an
// address alone is no proof of being that somebody.
func (s *service) one(ctx context.Context, who auth.Principal, in orgIn) (*account.Record, error) {
	id, err := org.Parse(strings.ToLower(in.ID))
	if err != nil {
		return nil, ErrUnknownOrg
	}
	if id == who.Org || who.IsPlatformAdmin() {
		return s.current(ctx, auth.Principal{Org: id}, nothing{})
	}
	if _, ok, err := s.card(ctx, id, who.Email); err != nil || !ok {
		return nil, errors.Join(err, ErrUnknownOrg)
	}
	rec, err := s.company(ctx, id)
	if err != nil {
		return nil, err
	}
	public := account.Fields{}
	for _, name := range []string{"name", "displayName", "logo"} {
		if value, ok := rec.Data[name]; ok {
			public[name] = value
		}
	}
	return &account.Record{PK: rec.PK, SK: rec.SK, Name: rec.Name, Datatype: rec.Datatype, Data: public}, nil
}

type createIn struct {
	Name        string `json:"name" required:"true" maxLen:"100" doc:"id of the organisation: lower case letters, digits and hyphens"`
	DisplayName string `json:"displayName" maxLen:"100"`
	Email       string `json:"email" maxLen:"150" doc:"the owner's, unless the caller is signed in"`
	Password    string `json:"password" maxLen:"1024" doc:"the owner's, unless the caller is signed in"`
	FirstName   string `json:"firstName" maxLen:"100"`
	LastName    string `json:"lastName" maxLen:"100"`
	Plan        string `json:"plan" maxLen:"40" doc:"anything but free stays pending until it is subscribed to"`
	Interest    string `json:"interest" maxLen:"100"`
}

// create founds an organisation, the same way as signing up does. A staff member
// who is signed in becomes its owner with the password they have; anybody else
// sends one.
func (s *service) create(ctx context.Context, who auth.Principal, in createIn) (*account.Record, error) {
	id, err := org.Parse(strings.ToLower(strings.TrimSpace(in.Name)))
	if err != nil {
		return nil, err
	}
	if in.Plan != "" && !slices.Contains(usage.PlanNames(), in.Plan) {
		return nil, ErrUnknownPlan
	}
	founder, err := s.founder(ctx, who, in)
	if err != nil {
		return nil, err
	}
	o := account.NewOrg{
		ID: string(id), Name: first(in.DisplayName, string(id)), Email: founder.Fields.Text("email"),
		Plan: in.Plan, Interest: in.Interest,
	}
	if _, err := s.accounts.Found(ctx, o, founder); err != nil {
		return nil, err
	}
	return s.current(ctx, auth.Principal{Org: id}, nothing{})
}

// founder is the first user of a new organisation.
func (s *service) founder(ctx context.Context, who auth.Principal, in createIn) (account.New, error) {
	fields := account.Fields{}
	if who.Kind == auth.User {
		rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Home), account.Users, who.ID)
		if err != nil {
			return account.New{}, err
		}
		hash, err := s.accounts.HashOf(ctx, who)
		if err != nil {
			return account.New{}, err
		}
		fields.Set("email", who.Email)
		p := rec.Data.Person()
		return account.New{Kind: auth.User, Fields: account.StaffFields(fields, p.FirstName, p.LastName), Hash: hash}, nil
	}
	if in.Email == "" || in.Password == "" {
		return account.New{}, ErrNoFounder
	}
	email, err := account.CheckEmail(in.Email)
	if err != nil {
		return account.New{}, err
	}
	if err := account.CheckPassword(in.Password); err != nil {
		return account.New{}, err
	}
	fields.Set("email", email)
	return account.New{Kind: auth.User, Fields: account.StaffFields(fields, in.FirstName, in.LastName), Password: in.Password}, nil
}

type nameIn struct {
	Name string `path:"orgName" maxLen:"200"`
}

// availability says whether an org id is free, and what else is when it is not.
type availability struct {
	Available   bool     `json:"available"`
	Name        string   `json:"name"`
	Suggestions []string `json:"suggestions,omitempty"`
}

const suggestions = 3

func (s *service) checkName(ctx context.Context, _ auth.Principal, in nameIn) (availability, error) {
	out := availability{Name: strings.ToLower(strings.TrimSpace(in.Name))}
	if id, err := org.Parse(out.Name); err == nil {
		if out.Available, err = s.accounts.Free(ctx, id); err != nil || out.Available {
			return out, err
		}
	}
	base := account.Slug(out.Name)
	candidates := []string{base}
	for range suggestions {
		candidates = append(candidates, base+"-"+s.accounts.Ending())
	}
	for _, text := range candidates {
		id, err := org.Parse(text)
		if err != nil || len(out.Suggestions) == suggestions {
			continue
		}
		free, err := s.accounts.Free(ctx, id)
		if err != nil {
			return out, err
		}
		if free {
			out.Suggestions = append(out.Suggestions, text)
		}
	}
	return out, nil
}
