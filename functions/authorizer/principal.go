package authorizer

import (
	"context"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
)

// principal resolves who the call acts for, as things are now.
func (s *service) principal(ctx context.Context, b believed, key *account.Entry[account.Key], area string) (auth.Verdict, error) {
	v := auth.Verdict{Principal: auth.Nobody(b.org), TokenFault: b.fault}
	client, reason, err := s.application(ctx, b, area)
	if err != nil {
		return v, err
	}
	spoil(&v, reason)
	switch {
	case b.person != nil:
		person, reason, err := s.person(ctx, b)
		if err != nil {
			return v, err
		}
		spoil(&v, reason)
		if reason == "" {
			person.Client = client.ID
			v.Principal = person
		}
	case key != nil:
		return s.keyHolder(ctx, b.org, key, area)
	case client.ID != "":
		v.Principal = client
	}
	return v, nil
}

func spoil(v *auth.Verdict, reason string) {
	if v.TokenFault == "" {
		v.TokenFault = reason
	}
}

// application is the app whose token was presented; its record decides, so a
// deleted app's tokens end with it.
func (s *service) application(ctx context.Context, b believed, area string) (p auth.Principal, reason string, err error) {
	if b.app == nil {
		return p, "", nil
	}
	entry, ok, err := s.fresh.App(ctx, b.app.Org, b.app.Subject)
	if err != nil {
		return p, "", err
	}
	if !ok || !entry.Data.Usable() || entry.Data.AppID != b.app.AppID {
		return p, auth.ErrTokenRevoked.Reason, nil
	}
	return auth.Principal{
		Kind: auth.App, Org: b.org, Home: b.app.Org, ID: entry.ID, Name: entry.Data.Name, Scopes: entry.Data.Permissions,
		Verbs: auth.Verbs(auth.Read) | auth.ScopeVerbs(entry.Data.Permissions, area),
	}, "", nil
}

// person is the account whose token was presented: the session must be alive,
// and roles are those of the account now, not those of the token. Both are read
// in one round trip, each time: signing out and losing a role take effect at
// once.
func (s *service) person(ctx context.Context, b believed) (p auth.Principal, reason string, err error) {
	c := b.person
	entry, session, ok, err := s.fresh.Seat(ctx, c.Org, account.Datatype(c.Type), c.Subject, c.Session)
	if err != nil {
		return p, "", err
	}
	if !ok || session.Kind != c.Type || !entry.Data.Usable() {
		return p, auth.ErrTokenRevoked.Reason, nil
	}
	p = auth.Principal{
		Kind: c.Type, Org: b.org, Home: c.Org, ID: entry.ID, Email: account.Email(entry.Data.Email), Name: entry.Data.Name(),
		Groups: entry.Data.Groups, Session: c.Session,
	}
	if err := s.rights(ctx, &p, entry.Data); err != nil {
		return p, "", err
	}
	if b.org != "" && p.Home != b.org && !p.IsPlatformAdmin() {
		return p, auth.ErrOrgMismatch.Reason, nil
	}
	return p, "", nil
}

func (s *service) rights(ctx context.Context, p *auth.Principal, data account.Person) (err error) {
	switch p.Kind {
	case auth.User:
		p.Roles, p.Verbs, err = s.directory.Rights(ctx, p.Home, data.Roles, data.Groups)
		return err
	case auth.Customer:
		p.Roles = []auth.Role{auth.RoleCustomer}
	default:
		p.Roles = []auth.Role{auth.RoleGuest}
	}
	p.Verbs = auth.VerbsOf(p.Roles)
	return nil
}

// keyHolder is a key's owner limited to the key's scopes; roles only with the
// admin scope. A key does not outlive its owner's account.
func (s *service) keyHolder(ctx context.Context, id org.ID, key *account.Entry[account.Key], area string) (auth.Verdict, error) {
	v := auth.Verdict{Principal: auth.Nobody(id)}
	owner, ok, err := s.directory.Person(ctx, id, account.Users, key.Owner.ID)
	if err != nil {
		return v, err
	}
	if !ok || !owner.Data.Usable() {
		v.TokenFault = auth.ErrTokenRevoked.Reason
		return v, nil
	}
	roles, verbs, err := s.directory.Rights(ctx, id, owner.Data.Roles, owner.Data.Groups)
	if err != nil {
		return v, err
	}
	scopes := key.Data.Scopes
	if !slices.Contains(scopes, auth.ScopeAdmin) {
		roles = nil
	} else if !slices.ContainsFunc(roles, configures) {
		// The scope means all that the owner may do; it makes nobody an administrator.
		scopes = slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == auth.ScopeAdmin })
	}
	v.Principal = auth.Principal{
		Kind: auth.APIKey, Org: id, Home: id, ID: key.ID, Name: key.Data.Name, Roles: roles, Scopes: scopes,
		Verbs: verbs & auth.ScopeVerbs(key.Data.Scopes, area),
	}
	return v, nil
}

// configures says whether a role configures an org or its collections.
func configures(r auth.Role) bool {
	switch r {
	case auth.RoleOwner, auth.RoleRootAdmin, auth.RoleConfigAdmin, auth.RoleContentAdmin, auth.RolePowerUser,
		auth.RoleRootPowerUser, auth.RoleRootSystem, auth.RoleSystem:
		return true
	default:
		return false
	}
}
