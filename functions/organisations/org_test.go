package organisations_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/testkit"
)

func names(t *testing.T, r testkit.Response) []string {
	t.Helper()
	var cards []struct {
		Name string `json:"name"`
	}
	r.Into(&cards)
	list := make([]string, 0, len(cards))
	for _, c := range cards {
		list = append(list, c.Name)
	}
	return list
}

func TestReadingAnOrg(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	acme := k.found("acme")
	k.found("other")
	reads(t, acme.Call("GET", "/repository/org", nil).Want(200), "acme", "data", "name")
	reads(t, acme.Call("GET", "/repository/org", nil).Want(200), 0.0, "data", "balance")
	reads(t, acme.Call("GET", "/repository/org/acme", nil).Want(200), "active", "data", "status")
	acme.Call("GET", "/repository/org/other", nil).Refused(404, "unknown_org")
	acme.Call("GET", "/repository/org/nobody", nil).Refused(404, "unknown_org")
	acme.Call("GET", "/repository/org/a%23b", nil).Refused(404, "unknown_org")
	reads(t, k.operator(org.Root).Call("GET", "/repository/org/other", nil).Want(200), "active", "data", "status")
	k.Owner("ghost").Call("GET", "/repository/org", nil).Refused(404, "unknown_org")

	n := staff(acme.email)
	if _, err := k.accounts.Create(t.Context(), "other", n, nil); err != nil {
		t.Fatal(err)
	}
	r := acme.Call("GET", "/repository/org/other", nil).Want(200)
	if _, shown := r.Map()["data"].(m)["status"]; shown || r.String("data", "name") != "other" {
		t.Errorf("an address alone reads %s", r.Body)
	}
}

// The lists of an address follow its accounts, whatever the order of events, and
// forget who left.
func TestOrgsOfAnAddress(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	acme := k.found("acme")
	k.found("other")
	if got := names(t, acme.Call("GET", "/repository/org/user", nil).Want(200)); !slices.Equal(got, []string{"acme"}) {
		t.Errorf("before any event: %v", got)
	}
	bob, err := k.accounts.Create(t.Context(), "other", staff(acme.email), nil)
	if err != nil {
		t.Fatal(err)
	}
	k.Settle()
	lookup := func() []string {
		return names(t, k.Anonymous("").Call("GET", "/repository/org/user/"+strings.ToUpper(acme.email), nil).Want(200))
	}
	if got := lookup(); !slices.Equal(got, []string{"acme", "other"}) {
		t.Errorf("public list = %v", got)
	}
	if r := k.Anonymous("").Call("GET", "/repository/org/user/who%40x.example", nil).Want(200); string(r.Body) != "[]" {
		t.Errorf("unknown address: %s, want []", r.Body)
	}
	k.as(bob).Call("DELETE", "/repository/org/user", nil).Want(200)
	k.Settle()
	if got := lookup(); !slices.Equal(got, []string{"acme"}) {
		t.Errorf("after leaving: %v", got)
	}
	page, err := table.Of(k.Deps.Table, org.Root).Query(t.Context(), table.Query{Part: "memberof"})
	if err != nil || len(page.Items) != 2 {
		t.Errorf("%d entries, %v; want the two owners", len(page.Items), err)
	}
}

func TestMembershipsEnd(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("other")
	bob, eve := k.hire("bob"), k.hire("eve")
	bob.Call("DELETE", "/repository/org/user", m{"email": eve.email}).Refused(403, "forbidden")
	bob.Call("DELETE", "/repository/org/user?orgId=other", nil).Refused(404, "unknown_org")
	owner.Call("DELETE", "/repository/org/user", m{"email": "who@x.example"}).Refused(404, "unknown_member")
	owner.Call("DELETE", "/repository/org/user", nil).Refused(409, "last_admin")
	owner.Call("DELETE", "/repository/org/user/"+eve.email+"?orgId=acme", nil).Want(200)
	k.hire("ann", "RootAdmin")
	owner.Call("DELETE", "/repository/org/user/"+owner.email, nil).Refused(409, "last_owner")
	k.Events()
	bob.Call("DELETE", "/repository/org/user", nil).Want(200)
	k.announces("user-delete")
	k.operator(org.Root).Call("DELETE", "/repository/org/user", nil).Refused(404, "unknown_member")
}

func TestFoundingAnOrg(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	in := m{"name": "Books", "displayName": "Books & More", "email": "Ada@X.example", "password": password, "plan": "pro", "interest": "crm"}
	r := k.Anonymous("").Call("POST", "/repository/org/create", in).Want(201)
	k.announces("org-create", "user-create")
	reads(t, r, "books", "data", "name")
	reads(t, r, "free", "data", "plan")
	k.Anonymous("").Call("POST", "/repository/org/create", in).Refused(409, "org_taken")
	for reason, in := range map[string]m{
		"invalid_org": {"name": "a b"}, "unknown_plan": {"name": "fine", "plan": "gold"}, "missing_founder": {"name": "fine"},
		"weak_password": {"name": "fine", "email": "a@x.example", "password": "short"}, "invalid_email": {"name": "fine", "email": "a", "password": password},
	} {
		k.Anonymous("").Call("POST", "/repository/org/create", in).Refused(400, reason)
	}
	owner := k.found("acme")
	owner.Call("POST", "/repository/org/create", m{"name": "second"}).Want(201)
	user, err := k.Deps.Records.Tenant("second").Lookup(t.Context(), "user", "email", owner.email)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.accounts.Prove(t.Context(), table.Of(k.Deps.Table, "second"), user.SK, password); err != nil {
		t.Errorf("the founder's password in the new org: %v", err)
	}
}

func TestOrgNames(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	check := func(name string, want bool) {
		r := owner.Call("GET", "/org-management/check-org-name/"+name, nil).Want(200)
		if got := r.Map(); got["available"] != want || !want && got["suggestions"] == nil {
			t.Errorf("%s: %s, want available %v", name, r.Body, want)
		}
	}
	check("free-one", true)
	check("ACME", false)
	check("appengine", false)
	check("limits", false)
	check("a%20b", false)
}

// A pre-approved address founds with its plan and credits, once.
func TestPreApprovedFounders(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	root := k.operator(org.Root)
	in := m{"email": "VIP@x.example", "plan": "team", "credits": 25.005}
	reads(t, root.Call("POST", "/org-management/pre-approved", in).Want(200), 25.01, "credits")
	k.Anonymous("").Call("POST", "/repository/org/create", m{"name": "vip", "email": "vip@x.example", "password": password}).Want(201)
	r := root.Call("GET", "/repository/org/vip", nil).Want(200)
	reads(t, r, "team", "data", "plan")
	reads(t, r, 25.01, "data", "balance")
	k.Anonymous("").Call("POST", "/repository/org/create", m{"name": "vip2", "email": "vip@x.example", "password": password}).Want(201)
	reads(t, root.Call("GET", "/repository/org/vip2", nil).Want(200), "free", "data", "plan")
	reads(t, root.Call("GET", "/org-management/pre-approved", nil).Want(200), 1.0, "total")
	root.Call("DELETE", "/org-management/pre-approved/vip%40x.example", nil).Want(200)
	root.Call("DELETE", "/org-management/pre-approved/vip%40x.example", nil).Refused(404, "unknown_approval")
	root.Call("POST", "/org-management/pre-approved", m{"email": "a@x.example", "plan": "gold"}).Refused(400, "unknown_plan")
	root.Call("POST", "/org-management/pre-approved", m{"email": "a@x.example", "credits": 10_001}).Refused(400, "invalid_amount")
	root.Call("POST", "/org-management/pre-approved", m{"email": "a"}).Refused(400, "invalid_email")
	past := record.At(k.Clock.Now().Add(-time.Hour))
	root.Call("POST", "/org-management/pre-approved", m{"email": "a@x.example", "expiresAt": past}).Refused(400, "invalid_expiry")
	owner := k.found("acme")
	owner.Call("POST", "/org-management/pre-approved", m{"email": "a@x.example", "credits": 5}).Refused(403, "platform_only")
	owner.Call("POST", "/org-management/pre-approved", m{"email": "a@x.example"}).Want(200)
	fields := staff("a@x.example").Fields
	if _, err := k.accounts.JoinApproved(t.Context(), "acme", fields, password); err != nil {
		t.Errorf("joining: %v", err)
	}
	for _, id := range []org.ID{"acme", "vip", org.Root} {
		if _, err := k.accounts.JoinApproved(t.Context(), id, fields, password); err == nil {
			t.Errorf("an approval that is used, or of another org, let join %s", id)
		}
	}
}

func TestFeatureFlags(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	root := k.operator(org.Root)
	put := func(flags m) testkit.Response {
		return root.Call("PUT", "/org-management/feature-flags", m{"orgId": "acme", "flags": flags})
	}
	put(m{"beta.search": true, "old": false}).Want(200)
	put(m{"old": nil}).Want(200)
	k.announces("org-update")
	r := k.Customer("acme", "cy@x.example").Call("GET", "/org-management/feature-flags", nil).Want(200)
	if string(r.Body) != `{"flags":{"beta.search":true}}`+"\n" && string(r.Body) != `{"flags":{"beta.search":true}}` {
		t.Errorf("flags = %s", r.Body)
	}
	put(m{"a b": true}).Refused(400, "invalid_flags")
	root.Call("PUT", "/org-management/feature-flags", m{"orgId": "nobody", "flags": m{"a": true}}).Refused(404, "unknown_org")
	owner.Call("PUT", "/org-management/feature-flags", m{"flags": m{"a": true}}).Refused(403, "forbidden")
}

func TestServiceAgreements(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	tx := k.Deps.Records.Tenant(org.Root).Begin(auth.Platform(org.Root))
	for name, needs := range map[string]bool{"twilio-sms": true, "free-maps": false} {
		text, err := json.Marshal(m{"name": name, "provider": "x", "requiresAgreement": needs, "agreementText": "Be good.", "price": 0.05, "markup": m{"percentage": 20}})
		if err != nil {
			t.Fatal(err)
		}
		tx.Create(record.Raw{Datatype: "service_pricing", Data: text})
	}
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var offers []m
	owner.Call("GET", "/org-management/service-agreements", nil).Want(200).Into(&offers)
	if len(offers) != 2 || offers[0]["service"] != "twilio-sms" || offers[0]["status"] != "pending" || offers[0]["pricing"].(m)["markup"] != nil {
		t.Errorf("offers = %v", offers)
	}
	path := "/org-management/service-agreements/twilio-sms/"
	owner.Call("POST", path+"revoke", nil).Refused(409, "no_agreement")
	owner.Call("POST", path+"accept", nil).Refused(400, "not_accepted")
	reads(t, owner.Call("POST", path+"accept", m{"accepted": true}).Want(200), "active", "status")
	k.announces("org-update")
	reads(t, owner.Call("POST", path+"accept", m{"accepted": true}).Want(200), owner.email, "acceptedBy")
	reads(t, owner.Call("POST", path+"revoke", nil).Want(200), "revoked", "status")
	owner.Call("POST", "/org-management/service-agreements/none/accept", m{"accepted": true}).Refused(404, "unknown_service")
	k.Owner("ghost").Call("GET", "/org-management/service-agreements", nil).Refused(404, "unknown_org")
}
