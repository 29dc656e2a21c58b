package testkit

import (
	"net/http"
	"regexp"
	"slices"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
)

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// ExerciseAccess attacks every route of the kit's modules as callers who must be
// refused: nobody, nobody's org, every other kind of principal however powerful,
// the right kind without verb or role, and a token of another org. It returns
// how many calls it made.
func (k *Kit) ExerciseAccess() int {
	k.T.Helper()
	calls := 0
	for _, r := range k.mux.Routes() {
		for _, a := range attacks(r) {
			calls++
			k.attack(r, a)
		}
	}
	if events := k.EventNames(); len(events) > 0 {
		k.T.Errorf("refused calls announced %v", events)
	}
	return calls
}

type attack struct {
	name    string
	verdict auth.Verdict
	status  int
}

func attacks(r api.Route) []attack {
	if r.Access.IsPublic() {
		if r.Orgless {
			return nil
		}
		return []attack{{"no org", auth.Verdict{}, http.StatusBadRequest}}
	}
	mismatch := auth.Verdict{Principal: auth.Nobody("acme"), TokenFault: auth.ErrOrgMismatch.Reason}
	expired := auth.Verdict{Principal: auth.Nobody("acme"), TokenFault: auth.ErrTokenExpired.Reason}
	list := []attack{
		{"anonymous", auth.Verdict{Principal: auth.Nobody("acme")}, http.StatusUnauthorized},
		{"expired token", expired, http.StatusUnauthorized},
		{"token of another org", mismatch, http.StatusForbidden},
	}
	if !r.Orgless {
		list = append(list, attack{"no org", auth.Verdict{}, http.StatusBadRequest})
	}
	for _, kind := range []auth.Kind{auth.User, auth.Customer, auth.Guest, auth.App, auth.APIKey} {
		powerful := auth.Principal{Kind: kind, Org: "acme", Home: "acme", ID: "x", Verbs: auth.AllVerbs, Roles: everyRole()}
		powerless := auth.Principal{Kind: kind, Org: "acme", Home: "acme", ID: "x"}
		switch {
		case !slices.Contains(r.Access.Kinds(), kind) || r.Access.PlatformOnly(kind):
			list = append(list, attack{"powerful " + string(kind), auth.Verdict{Principal: powerful}, http.StatusForbidden})
		case r.Access.AsksMore(kind):
			list = append(list, attack{"powerless " + string(kind), auth.Verdict{Principal: powerless}, http.StatusForbidden})
		}
	}
	return list
}

func everyRole() []auth.Role {
	return []auth.Role{auth.RoleOwner, auth.RoleRootAdmin, auth.RoleConfigAdmin, auth.RoleContentAdmin, auth.RoleRootPowerUser, auth.RolePublisher}
}

func (k *Kit) attack(r api.Route, a attack) {
	k.T.Helper()
	path := parameter.ReplaceAllString(r.Path, "x1")
	got := Client{kit: k, verdict: a.verdict}.Call(r.Method, path, `{`)
	if got.Status != a.status {
		k.T.Errorf("%s as %s: got %d %s, want %d", r.Pattern(), a.name, got.Status, got.Body, a.status)
	}
}
