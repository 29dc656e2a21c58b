package authorizer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/auth"
)

func TestNobodyIsAnonymous(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	for _, headers := range [][]string{
		{"orgid", "acme"},
		{"orgid", "acme", "authorization", "Bearer "},
		{"orgid", "acme", "authorization", "Bearer undefined", "x-api-key", ""},
		{"orgid", "acme", "x-api-key", "undefined"},
	} {
		v := k.call("/crm/x", headers...)
		if v.Principal.Kind != auth.Anonymous || v.Principal.Org != "acme" || v.TokenFault != "" || v.Refused != "" || v.Plan != "free" {
			t.Errorf("%v = %+v", headers, v)
		}
	}
}

func TestPersonDirect(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	for _, token := range []string{"Bearer " + owner.token, owner.token} {
		v := k.call("/crm/x", "orgid", "acme", "authorization", token)
		p := v.Principal
		if p.Kind != auth.User || p.ID != owner.id || p.Home != "acme" || !p.IsAdmin() || p.Verbs != auth.AllVerbs || p.Session == "" || v.TokenFault != "" {
			t.Errorf("verdict = %+v", v)
		}
	}
	cy := k.customer("acme")
	if p := k.call("/crm/x", "orgid", "acme", "authorization", cy.token).Principal; p.Kind != auth.Customer || !slices.Equal(p.Roles, []auth.Role{auth.RoleCustomer}) {
		t.Errorf("customer = %+v", p)
	}
	if v := k.authorize(auth.Call{Method: "GET", Path: "/x", Query: map[string]string{"orgid": "acme"}, Headers: pairs([]string{"authorization", owner.token})}); v.Principal.ID != owner.id {
		t.Errorf("org in the query: %+v", v)
	}
}

func TestAppAndPersonThroughApp(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	token, _ := k.app("write:crm")
	p := k.call("/crm/x", "orgid", "acme", "authorization", "Bearer "+token).Principal
	if p.Kind != auth.App || p.Verbs != auth.Verbs(auth.Read|auth.Create|auth.Update) || len(p.Roles) > 0 {
		t.Errorf("app = %+v", p)
	}
	if p := k.call("/repository/x", "orgid", "acme", "authorization", token).Principal; p.Verbs != auth.Verbs(auth.Read) {
		t.Errorf("app elsewhere = %+v", p)
	}
	app := p.ID
	for _, person := range []string{owner.token, "Bearer " + owner.token} {
		p := k.call("/crm/x", "orgid", "acme", "authorization", "Bearer "+token, "x-client-authorization", person).Principal
		if p.Kind != auth.User || p.ID != owner.id || p.Client != app {
			t.Errorf("person = %+v", p)
		}
	}
	cy := k.customer("acme")
	if p := k.call("/crm/x", "orgid", "acme", "authorization", owner.token, "x-client-authorization", cy.token).Principal; p.Kind != auth.Customer || p.Client != "" {
		t.Errorf("the client header wins: %+v", p)
	}
	if v := k.call("/crm/x", "orgid", "acme", "x-client-authorization", token); v.TokenFault != "invalid_token" || v.Principal.Kind != auth.Anonymous {
		t.Errorf("an app is no person: %+v", v)
	}
}

func TestBadTokensInEitherSlot(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	app, _ := k.app()
	k.Clock.Advance(time.Hour)
	fresh := session(k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": "owner@x.example", "password": password}))
	for _, c := range []struct {
		headers []string
		fault   string
		kind    auth.Kind
	}{
		{[]string{"authorization", owner.token}, "token_expired", auth.Anonymous},
		{[]string{"authorization", "a.b.c"}, "invalid_token", auth.Anonymous},
		{[]string{"x-client-authorization", "garbage"}, "invalid_token", auth.Anonymous},
		{[]string{"authorization", app, "x-client-authorization", fresh.token}, "token_expired", auth.User},
		{[]string{"authorization", fresh.token, "x-client-authorization", owner.token}, "token_expired", auth.Anonymous},
		{[]string{"x-api-key", "ak_live_nope"}, "invalid_token", auth.Anonymous},
	} {
		v := k.call("/crm/x", append(c.headers, "orgid", "acme")...)
		if v.TokenFault != c.fault || v.Principal.Kind != c.kind {
			t.Errorf("%v = %+v, want %s as %s", c.headers, v, c.fault, c.kind)
		}
	}
}

func TestOrgsStayApart(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	acme := k.found("acme")
	k.found("acme-corp")
	cy := k.customer("acme")
	app, _ := k.app()
	key, _ := k.key(acme, m{"scopes": []string{"admin"}})
	for _, headers := range [][]string{
		{"authorization", acme.token}, {"authorization", cy.token}, {"authorization", app}, {"authorization", app, "x-client-authorization", acme.token},
	} {
		v := k.call("/crm/x", append(headers, "orgid", "acme-corp")...)
		if v.TokenFault != "token_org_mismatch" || v.Principal.Kind != auth.Anonymous || v.Principal.Org != "acme-corp" {
			t.Errorf("%v = %+v", headers[0], v)
		}
	}
	if v := k.call("/crm/x", "x-api-key", key, "orgid", "acme-corp"); v.TokenFault != "invalid_token" || v.Principal.Kind != auth.Anonymous {
		t.Errorf("key = %+v", v)
	}
}

func TestOnlyThePlatformsAdministratorsCross(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	root := k.root()
	v := k.call("/crm/x", "orgid", "acme", "authorization", root.token)
	if p := v.Principal; v.TokenFault != "" || p.Org != "acme" || p.Home != "appengine" || !p.IsPlatformAdmin() {
		t.Errorf("root = %+v", v)
	}
	cy := k.customer("appengine")
	if v := k.call("/crm/x", "orgid", "acme", "authorization", cy.token); v.TokenFault != "token_org_mismatch" {
		t.Errorf("a customer of the root org = %+v", v)
	}
	k.Owner("appengine").Call("POST", "/profile/role/add", m{"email": "root@x.example", "roles": []string{"PowerUser"}}).Want(200)
}

func TestOrgsThatAreNone(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for text, want := range map[string]string{"no-such": "unknown_org", "No Good": "invalid_org", "a#b": "invalid_org"} {
		if v := k.call("/crm/x", "orgid", text); v.Refused != want || v.Principal.Org != "" {
			t.Errorf("%s = %+v, want %s", text, v, want)
		}
	}
	if calls := k.counted("no-such"); calls.All+calls.Refused != 0 {
		t.Error("a call made an org's counter")
	}
	for _, text := range []string{"", "undefined", "null"} {
		if v := k.call("/profile/user/signup", "orgid", text); v.Refused != "" || v.Principal.Org != "" {
			t.Errorf("%q = %+v", text, v)
		}
	}
}

func TestEndedSessionsAndAccountsAreRevokedAtOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(kit, signed){
		"logout": func(k kit, s signed) {
			k.As(k.call("/profile", "orgid", "acme", "authorization", s.token).Principal).Call("GET", "/profile/logout", nil).Want(200)
		},
		"switched off": func(k kit, s signed) {
			k.Owner("acme").Call("POST", "/profile/customer/update", m{"sk": s.id, "status": "blocked"}).Want(200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			k.found("acme")
			cy := k.customer("acme")
			if v := k.call("/crm/x", "orgid", "acme", "authorization", cy.token); v.TokenFault != "" {
				t.Fatalf("before: %+v", v)
			}
			end(k, cy)
			if v := k.call("/crm/x", "orgid", "acme", "authorization", cy.token); v.TokenFault != "token_revoked" || v.Principal.Kind != auth.Anonymous {
				t.Errorf("after: %+v", v)
			}
		})
	}
}

func TestDeletedAppsLoseTheirTokens(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	token, id := k.app()
	if v := k.call("/crm/x", "orgid", "acme", "authorization", token); v.TokenFault != "" {
		t.Fatalf("before: %+v", v)
	}
	k.Owner("acme").Call("DELETE", "/profile/app/delete/"+id, nil).Want(200)
	if v := k.call("/crm/x", "orgid", "acme", "authorization", token); v.TokenFault != "token_revoked" || v.Principal.Kind != auth.Anonymous {
		t.Errorf("verdict = %+v", v)
	}
	if v := k.call("/crm/x", "orgid", "acme", "authorization", token, "x-client-authorization", owner.token); v.TokenFault != "token_revoked" {
		t.Errorf("with a person: %+v", v)
	}
}

// What a token says about roles is for clients; the record decides.
func TestRolesAreThoseOfTheRecord(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.call("/crm/x", "orgid", "acme", "authorization", owner.token)
	k.Owner("acme").Call("POST", "/profile/group/add", m{"email": "owner@x.example", "groups": []string{"Agent"}}).Want(200)
	p := k.call("/crm/x", "orgid", "acme", "authorization", owner.token).Principal
	if !p.Has(auth.RolePublisher) || !slices.Contains(p.Groups, "Agent") {
		t.Errorf("principal = %+v", p)
	}
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	key, sk := k.key(owner, m{"scopes": []string{"read", "write:profile"}})
	p := k.call("/crm/x", "orgid", "acme", "x-api-key", key).Principal
	if p.Kind != auth.APIKey || p.ID != sk || p.Verbs != auth.Verbs(auth.Read) || len(p.Roles) > 0 {
		t.Errorf("principal = %+v", p)
	}
	if p := k.call("/profile", "orgid", "acme", "x-api-key", key).Principal; !p.Can(auth.Update) {
		t.Errorf("principal = %+v", p)
	}
	admin, _ := k.key(owner, m{"scopes": []string{"admin"}})
	if p := k.call("/crm/x", "orgid", "acme", "x-api-key", admin).Principal; p.Verbs != auth.AllVerbs || !p.Has(auth.RoleOwner) {
		t.Errorf("admin key = %+v", p)
	}
	if p := k.call("/crm/x", "orgid", "acme", "x-api-key", "garbage", "authorization", owner.token).Principal; p.Kind != auth.User {
		t.Errorf("beside a token the key does not matter: %+v", p)
	}
	if v := k.call("/crm/x", "x-api-key", key); v.Principal.Kind != auth.Anonymous {
		t.Errorf("without an org: %+v", v)
	}
}

// Other modules read the admin scope as a sign of an administrator.
func TestAdminKeyOfAPlainUserIsNoAdministrators(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	key, _ := k.key(owner, m{"scopes": []string{"admin"}})
	k.demote(owner)
	p := k.call("/crm/x", "orgid", "acme", "x-api-key", key).Principal
	if slices.Contains(p.Scopes, "admin") || p.IsAdmin() || p.Can(auth.Delete) || !p.Can(auth.Approve) {
		t.Errorf("principal = %+v", p)
	}
}

func TestKeysEndAtOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	for method, path := range map[string]string{"PUT": "/api-key/update/", "POST": "/api-key/revoke/", "DELETE": "/api-key/delete/"} {
		key, sk := k.key(owner, m{"scopes": []string{"read"}})
		if v := k.call("/crm/x", "orgid", "acme", "x-api-key", key); v.TokenFault != "" {
			t.Fatalf("before: %+v", v)
		}
		k.Owner("acme").Call(method, path+sk, m{"status": "inactive"}).Want(200)
		if v := k.call("/crm/x", "orgid", "acme", "x-api-key", key); v.TokenFault != "invalid_token" {
			t.Errorf("%s: %+v", path, v)
		}
	}
}

// Asking for an org before it exists must not hide it once it does.
func TestOrgsExistAsSoonAsTheyAreFounded(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.call("/crm/x", "orgid", "acme")
	k.found("acme")
	if v := k.call("/crm/x", "orgid", "acme"); v.Refused != "" {
		t.Errorf("verdict = %+v", v)
	}
}

func TestSuspendedOrgsAnswerBillingAndProfileOnly(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, root := k.found("acme"), k.root()
	k.suspend("acme")
	for path, want := range map[string]string{"/crm/x": "org_inactive", "/profile": "", "/org-management/billing/balance": "", "/api/repository/x": "org_inactive"} {
		if v := k.call(path, "orgid", "acme", "authorization", owner.token); v.Refused != want {
			t.Errorf("%s refused = %q, want %q", path, v.Refused, want)
		}
	}
	if v := k.call("/crm/x", "orgid", "acme", "authorization", root.token); v.Refused != "" {
		t.Errorf("the platform's administrators may: %+v", v)
	}
}
