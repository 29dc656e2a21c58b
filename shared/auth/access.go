package auth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/fault"
)

// The faults of an access check.
var (
	// ErrUnauthenticated asks for a token.
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated", "Please sign in first.")
	// ErrTokenExpired asks for a fresh token.
	ErrTokenExpired = fault.New(fault.Unauthenticated, "token_expired", "Your session has expired. Please sign in again.")
	// ErrInvalidToken refuses a token that cannot be read or verified.
	ErrInvalidToken = fault.New(fault.Unauthenticated, "invalid_token", "Your session is not valid. Please sign in again.")
	// ErrTokenRevoked refuses a token whose session has ended.
	ErrTokenRevoked = fault.New(fault.Unauthenticated, "token_revoked", "Your session has ended. Please sign in again.")
	// ErrOrgMismatch refuses an org header that the token may not use.
	ErrOrgMismatch = fault.New(fault.Forbidden, "token_org_mismatch", "You have no access to that organisation.")
	// ErrForbidden refuses a principal that lacks the permission.
	ErrForbidden = fault.New(fault.Forbidden, "forbidden", "You are not allowed to do that.")
	// ErrScope refuses an API key or app that lacks the scope.
	ErrScope = fault.New(fault.Forbidden, "insufficient_scope", "This key does not have the permission for that.")
)

// Access is the column of the route table that says who may call. The zero
// value lets nobody in and no module with one can be built.
type Access struct {
	public bool
	rules  []rule // any of them suffices
}

type rule struct {
	kinds    []Kind
	roles    []Role // any of them; none means any role
	verb     Verb   // 0 means no verb is asked for
	platform bool
}

// Public lets everybody in; bad tokens are ignored.
func Public() Access { return Access{public: true} }

// Anyone lets in every principal that has the verb: staff, keys, apps and
// customers. What each then sees is decided by the repository.
func Anyone(v Verb) Access { return one(rule{kinds: []Kind{User, APIKey, App, Customer}, verb: v}) }

// Persons lets in signed-in humans: staff and customers.
func Persons() Access { return one(rule{kinds: []Kind{User, Customer}}) }

// Users lets in staff in person, not through their API keys.
func Users() Access { return one(rule{kinds: []Kind{User}}) }

// Staff lets in users and API keys; verb 0 asks for nothing more.
func Staff(v Verb) Access { return one(rule{kinds: []Kind{User, APIKey}, verb: v}) }

// Customers lets in end customers.
func Customers() Access { return one(rule{kinds: []Kind{Customer}}) }

// Apps lets in applications speaking for themselves.
func Apps() Access { return one(rule{kinds: []Kind{App}}) }

// Roles lets in staff holding one of the roles.
func Roles(roles ...Role) Access { return one(rule{kinds: []Kind{User, APIKey}, roles: roles}) }

// Admins lets in staff who configure the org: ConfigAdmin, RootAdmin,
// RootPowerUser and Owner.
func Admins() Access {
	return Roles(RoleConfigAdmin, RoleRootAdmin, RoleRootPowerUser, RoleOwner)
}

// PlatformAdmins lets in RootAdmins of the platform's own org.
func PlatformAdmins() Access { return one(rule{kinds: []Kind{User, APIKey}, platform: true}) }

// Or lets in whom either lets in.
func (a Access) Or(b Access) Access {
	return Access{public: a.public || b.public, rules: append(slices.Clone(a.rules), b.rules...)}
}

func one(r rule) Access { return Access{rules: []rule{r}} }

// Declared says whether the column was filled in.
func (a Access) Declared() bool { return a.public || len(a.rules) > 0 }

// IsPublic says whether no credential is needed.
func (a Access) IsPublic() bool { return a.public }

// Kinds lists the kinds of principals that some rule admits.
func (a Access) Kinds() []Kind {
	var kinds []Kind
	for _, r := range a.rules {
		kinds = append(kinds, r.kinds...)
	}
	return kinds
}

// AsksMore says whether every rule for the kind asks for a role or a verb too.
func (a Access) AsksMore(k Kind) bool {
	return a.every(k, func(r rule) bool { return r.verb != 0 || len(r.roles) > 0 || r.platform })
}

// PlatformOnly says whether every rule for the kind asks for a home in the
// platform's own org.
func (a Access) PlatformOnly(k Kind) bool {
	return a.every(k, func(r rule) bool { return r.platform })
}

func (a Access) every(k Kind, asks func(rule) bool) bool {
	return !slices.ContainsFunc(a.rules, func(r rule) bool { return slices.Contains(r.kinds, k) && !asks(r) })
}

// Check answers nil when the principal may call, a 401 fault when signing in
// could help, and a 403 fault otherwise.
func (a Access) Check(p Principal) error {
	if a.public || p.Kind == System {
		return nil
	}
	if p.Kind == Anonymous || p.Kind == "" {
		return ErrUnauthenticated
	}
	if slices.ContainsFunc(a.rules, func(r rule) bool { return r.admits(p) }) {
		return nil
	}
	if p.Kind == APIKey || p.Kind == App {
		return ErrScope
	}
	return ErrForbidden
}

func (r rule) admits(p Principal) bool {
	switch {
	case !slices.Contains(r.kinds, p.Kind):
		return false
	case r.platform && !p.IsPlatformAdmin():
		return false
	case len(r.roles) > 0 && !p.Has(r.roles...):
		return false
	}
	return r.verb == 0 || p.Can(r.verb)
}

// String describes the access for documents, for example
// "user, key [create]" or "user, key with role ConfigAdmin".
func (a Access) String() string {
	if a.public {
		return "public"
	}
	parts := make([]string, len(a.rules))
	for i, r := range a.rules {
		parts[i] = r.String()
	}
	return strings.Join(parts, "; or ")
}

func (r rule) String() string {
	kinds := make([]string, len(r.kinds))
	for i, k := range r.kinds {
		kinds[i] = string(k)
	}
	text := strings.Join(kinds, ", ")
	if len(r.roles) > 0 {
		roles := make([]string, len(r.roles))
		for i, role := range r.roles {
			roles[i] = string(role)
		}
		text += " with role " + strings.Join(roles, " or ")
	}
	if r.verb != 0 {
		text += fmt.Sprintf(" [%s]", r.verb)
	}
	if r.platform {
		text += " of the platform's own org with role RootAdmin"
	}
	return text
}
