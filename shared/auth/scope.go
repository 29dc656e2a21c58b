package auth

import (
	"slices"
	"strings"
)

// The scopes of API keys, and of application permissions, beside the
// "verb:area" strings such as "write:profile".
const (
	ScopeRead        = "read"
	ScopeWrite       = "write" // create and update
	ScopeDelete      = "delete"
	ScopeAdmin       = "admin"       // whatever the owner may do
	ScopeIntegration = "integration" // reading and writing under /upstream and /connect
	ScopeWebhook     = "webhook"     // inbound webhook routes
)

// ScopeVerbs returns what a list of scopes permits in one area, the first
// segment of the called path. "data" is another word for the areas of generic
// records. Unknown scopes permit nothing.
func ScopeVerbs(scopes []string, area string) Verbs {
	var set Verbs
	for _, scope := range scopes {
		verb, where, limited := strings.Cut(strings.ToLower(strings.TrimSpace(scope)), ":")
		if limited && !covers(where, area) {
			continue
		}
		set |= scopeVerbs(verb, area)
	}
	return set
}

func scopeVerbs(verb, area string) Verbs {
	switch verb {
	case ScopeRead, "view":
		return Verbs(Read)
	case ScopeWrite:
		return Verbs(Create | Update)
	case ScopeAdmin, "*":
		return AllVerbs
	case ScopeIntegration:
		if area == "upstream" || area == "connect" {
			return Verbs(Read | Create | Update)
		}
		return 0
	case ScopeWebhook:
		if area == "webhook" || area == "webhooks" {
			return Verbs(Create)
		}
		return 0
	}
	return ParseVerbs([]string{verb})
}

func covers(where, area string) bool {
	switch where {
	case "*", area:
		return true
	case "data":
		return slices.Contains([]string{"repository", "dynamic-query", "sync", "graphql", "search"}, area)
	case "profile", "user", "users":
		return slices.Contains([]string{"profile", "user", "customer"}, area)
	}
	return false
}

// Grantable says whether a principal may hand out all of the roles: only to
// somebody who has every verb of them, and the platform's own roles only to a
// platform administrator. RootAdmin means full admin of one org anywhere but in
// the root org, so a full admin may hand that one out.
func Grantable(p Principal, roles []Role, verbs func(Role) (Verbs, bool)) bool {
	for _, r := range roles {
		granted, known := verbs(r)
		if !known || p.Verbs&granted != granted {
			return false
		}
		if !rankCovers(p, r) {
			return false
		}
	}
	return true
}

// Outranks says whether a principal may manage an account that has the roles:
// the platform's and administrators' roles only by those who could hand them out.
func Outranks(p Principal, roles []Role) bool {
	return !slices.ContainsFunc(roles, func(r Role) bool { return !rankCovers(p, r) })
}

// rankCovers guards the roles that are more than their verbs.
func rankCovers(p Principal, r Role) bool {
	switch r {
	case RoleRootSystem, RoleSystem, RoleRootUser, RoleRootPowerUser:
		return p.IsPlatformAdmin()
	case RoleRootAdmin, RoleOwner:
		return p.IsAdmin()
	case RoleConfigAdmin:
		return p.IsAdmin() || p.Has(RoleConfigAdmin)
	default:
		return true
	}
}
