// Package auth says who is calling and what they may do: principals, roles and
// verbs, the Access column of the route table, tokens, passwords and API keys.
// Of storage it knows only the sessions of persons; of HTTP nothing.
package auth

import (
	"context"
	"slices"

	"github.com/appmint/appengine/shared/org"
)

// Kind tells principals apart.
type Kind string

// The kinds of principals.
const (
	Anonymous Kind = "anonymous" // no credential
	User      Kind = "user"      // staff
	Customer  Kind = "customer"  // end customer, own data only
	Guest     Kind = "guest"     // chat visitor: nothing but chat
	App       Kind = "app"       // an application speaking for itself
	APIKey    Kind = "key"       // an API key: its owner, limited to its scopes
	System    Kind = "system"    // the platform itself: jobs and event consumers
)

// Principal is who a call acts for, within one org.
type Principal struct {
	Kind    Kind     `json:"kind"`
	Org     org.ID   `json:"org,omitempty"`     // the org the call works in; "" when the call named none
	Home    org.ID   `json:"home,omitempty"`    // the org the account lives in
	ID      string   `json:"id,omitempty"`      // sk of the user, customer, application or apikey record
	Email   string   `json:"email,omitempty"`   // lower case; "" for apps and keys
	Name    string   `json:"name,omitempty"`    // for display
	Roles   []Role   `json:"roles,omitempty"`   // own roles and those of own groups
	Groups  []string `json:"groups,omitempty"`  // group names
	Scopes  []string `json:"scopes,omitempty"`  // of an app or key, as stored
	Verbs   Verbs    `json:"verbs,omitempty"`   // effective content verbs
	Session string   `json:"session,omitempty"` // session id of a person's token
	Client  string   `json:"client,omitempty"`  // the app through which a person acts
}

// Nobody is an anonymous caller of an org.
func Nobody(id org.ID) Principal { return Principal{Kind: Anonymous, Org: id, Verbs: Verbs(Read)} }

// Platform is the principal of jobs and event consumers within an org.
func Platform(id org.ID) Principal {
	return Principal{Kind: System, Org: id, Home: id, ID: "system", Name: "System", Roles: []Role{RoleSystem}, Verbs: AllVerbs}
}

// Has says whether the principal holds one of the roles.
func (p Principal) Has(roles ...Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// Can says whether the effective verbs include the verb.
func (p Principal) Can(v Verb) bool { return p.Verbs.Has(v) }

// IsPerson says whether a human with an account is acting.
func (p Principal) IsPerson() bool { return p.Kind == User || p.Kind == Customer }

// IsStaff says whether staff, an API key of staff, or the platform is acting.
func (p Principal) IsStaff() bool { return p.Kind == User || p.Kind == APIKey || p.Kind == System }

// IsPlatformAdmin says whether the principal may reach across orgs: a RootAdmin
// (or the like) whose home is the platform's root org. Anywhere else RootAdmin
// is full admin of that one org.
func (p Principal) IsPlatformAdmin() bool {
	return p.Home == org.Root && p.IsStaff() && p.Has(RoleRootAdmin, RoleRootSystem, RoleSystem)
}

// IsAdmin says whether the principal has full control of its org.
func (p Principal) IsAdmin() bool {
	return p.IsStaff() && p.Has(RoleOwner, RoleRootAdmin, RoleRootSystem, RoleSystem)
}

// Label is how records name the principal: the e-mail, or else the id.
func (p Principal) Label() string {
	if p.Email != "" {
		return p.Email
	}
	return p.ID
}

type principalKey struct{}

// With puts the principal into the context; only the entry of a call does.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// From returns the call's principal; without one it is anonymous, of no org.
func From(ctx context.Context) Principal {
	if p, ok := ctx.Value(principalKey{}).(Principal); ok {
		return p
	}
	return Principal{Kind: Anonymous}
}
