package organisations_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

func (k kit) stored(id org.ID, sk string) account.Person {
	k.T.Helper()
	rec, err := repository.Get[account.Fields](k.T.Context(), k.Deps.Records.Tenant(id), account.Users, sk)
	if err != nil {
		k.T.Fatal(err)
	}
	return rec.Data.Person()
}

func (k kit) sessions(id org.ID, sk string) int {
	k.T.Helper()
	list, err := k.accounts.Sessions().List(k.T.Context(), table.Of(k.Deps.Table, id), sk)
	if err != nil {
		k.T.Fatal(err)
	}
	return len(list)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("other")
	bob := k.hire("bob")
	r := owner.Call("GET", "/org-management/members", nil).Want(200)
	reads(t, r, 2.0, "total")
	reads(t, owner.Call("GET", "/org-management/members?q=BOB", nil).Want(200), 1.0, "total")
	reads(t, owner.Call("GET", "/org-management/members?ps=1&s=data.email&st=asc", nil).Want(200), true, "hasNext")
	k.Events()
	path := "/org-management/members/" + bob.id
	owner.Call("PUT", path, m{"roles": []string{"Publisher"}, "groups": []string{"Agent"}}).Want(200)
	k.announces("user-update")
	if p := k.stored("acme", bob.id); !slices.Equal(p.Roles, []string{"Publisher"}) || !slices.Equal(p.Groups, []string{"Agent"}) {
		t.Errorf("bob = %+v", p)
	}
	owner.Call("PUT", path, m{"roles": []string{"Nonsense"}}).Refused(400, "unknown_role")
	owner.Call("PUT", path, m{"status": "on fire"}).Refused(400, "validation_failed")
	owner.Call("PUT", path, m{"status": "inactive"}).Want(200)
	if n := k.sessions("acme", bob.id); n != 0 {
		t.Errorf("an inactive member has %d sessions", n)
	}
	other.Call("PUT", path, m{"status": "active"}).Refused(404, "unknown_member")
	other.Call("DELETE", path, nil).Refused(404, "unknown_member")
	owner.Call("DELETE", path, nil).Want(200)
	k.announces("user-delete")
	owner.Call("DELETE", path, nil).Refused(404, "unknown_member")
}

// Nobody rises above, or reaches above, their own rank; an owner and an
// administrator remain.
func TestRanksOfMembers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	config, bob := k.hire("con", "ConfigAdmin"), k.hire("bob")
	at := func(p person) string { return "/org-management/members/" + p.id }
	config.Call("PUT", at(bob), m{"roles": []string{"Owner"}}).Refused(403, "insufficient_rank")
	config.Call("PUT", at(owner), m{"status": "inactive"}).Refused(403, "insufficient_rank")
	config.Call("DELETE", at(owner), nil).Refused(403, "insufficient_rank")
	owner.Call("PUT", at(owner), m{"roles": []string{"Publisher"}}).Refused(409, "last_admin")
	owner.Call("PUT", at(owner), m{"status": "suspended"}).Refused(409, "last_admin")
	owner.Call("DELETE", at(owner), nil).Refused(409, "last_admin")
	owner.Call("PUT", at(bob), m{"roles": []string{"RootAdmin"}}).Want(200)
	owner.Call("PUT", at(owner), m{"roles": []string{"RootAdmin"}}).Refused(409, "last_owner")
}

func TestOwnersCannotRemoveEachOther(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owners := append(make([]person, 0, 4), k.found("acme"))
	for i := range 3 {
		owners = append(owners, k.hire(fmt.Sprint("o", i), "Owner"))
	}
	var group sync.WaitGroup
	for i, victim := range owners {
		group.Go(func() {
			for range 20 {
				r := owners[(i+1)%len(owners)].Call("DELETE", "/org-management/members/"+victim.id, nil)
				if r.Status == 200 || r.Map()["reason"] != "concurrent_change" {
					return
				}
			}
		})
	}
	group.Wait()
	left := 0
	for _, o := range owners {
		if _, err := k.Deps.Records.Tenant("acme").Get(t.Context(), account.Users, o.id); err == nil {
			left++
		}
	}
	if left == 0 {
		t.Error("nobody owns the org any more")
	}
}

func TestPlansLimitUsers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	last := k.hire("a0")
	for i := range 3 {
		k.hire(fmt.Sprint("b", i))
	}
	owner.Call("POST", "/org-management/invitations", m{"email": "x@acme.example"}).Refused(403, "user_limit_reached")
	owner.Call("PUT", "/org-management/members/"+last.id, m{"status": "inactive"}).Want(200)
	owner.Call("POST", "/org-management/invitations", m{"email": "x@acme.example"}).Want(201)
	token := k.mailed("x@acme.example")
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": token, "password": password}).Want(200)
	owner.Call("PUT", "/org-management/members/"+last.id, m{"status": "active"}).Refused(403, "user_limit_reached")
}

func TestInvitationsLeadToASession(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("other")
	k.Events()
	r := owner.Call("POST", "/org-management/invitations", m{"email": "Bob@x.example", "roles": []string{"Publisher", "Reviewer"}, "message": "Come!"},
		"X-Client-Host", "app.acme.example").Want(201)
	k.announces("user.invited")
	reads(t, r, nil, "data", "invitationToken")
	token := k.mailed("bob@x.example")
	got := k.Anonymous("").Call("GET", "/org-management/invitations/validate/"+token, nil).Want(200)
	reads(t, got, true, "valid")
	reads(t, got, "bob@x.example", "email")
	reads(t, got, "The acme", "orgName")
	reads(t, got, false, "existingUser")
	for _, bad := range []string{"x", "acme.user_invitation-0.x", token + "x", "a#b.c.d"} {
		k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": bad, "password": password}).Refused(404, "unknown_invitation")
	}
	reads(t, k.Anonymous("").Call("GET", "/org-management/invitations/validate/acme.x.y", nil).Want(200), false, "valid")
	accept := m{"token": token, "password": password, "firstName": "Bob"}
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": token, "password": "short"}).Refused(400, "weak_password")
	var s account.Session
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", accept).Want(200).Into(&s)
	k.announces("user-create", "user.login")
	bob := k.as(s).Principal()
	if bob.Org != "acme" || !bob.Has(auth.RolePublisher) || !bob.Has(auth.RoleReviewer) {
		t.Errorf("bob = %+v", bob)
	}
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", accept).Refused(404, "unknown_invitation")
	owner.Call("POST", "/org-management/invitations", m{"email": "bob@x.example"}).Refused(409, "email_taken")
	reads(t, owner.Call("GET", "/org-management/invitations?status=accepted", nil).Want(200), 1.0, "total")
}

func TestInvitationsExpireAndAreSentAgain(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("other")
	in := m{"email": "bob@x.example"}
	id := owner.Call("POST", "/org-management/invitations", in).Want(201).String("sk")
	owner.Call("POST", "/org-management/invitations", in).Refused(409, "already_invited")
	old := k.mailed("bob@x.example")
	other.Call("POST", "/org-management/invitations/"+id+"/resend", nil).Refused(404, "unknown_invitation")
	other.Call("DELETE", "/org-management/invitations/"+id, nil).Refused(404, "unknown_invitation")
	owner.Call("POST", "/org-management/invitations/"+id+"/resend", nil).Want(200)
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": old, "password": password}).Refused(404, "unknown_invitation")
	fresh := k.mailed("bob@x.example")
	k.Clock.Advance(7 * 24 * time.Hour)
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": fresh, "password": password}).Refused(400, "invitation_expired")
	reads(t, k.Anonymous("").Call("GET", "/org-management/invitations/validate/"+fresh, nil).Want(200), "invitation_expired", "reason")
	reads(t, owner.Call("GET", "/org-management/invitations?status=expired", nil).Want(200), 1.0, "total")
	reads(t, owner.Call("GET", "/org-management/invitations?status=pending", nil).Want(200), 0.0, "total")
	owner.Call("POST", "/org-management/invitations", in).Want(201)
	fresh = k.mailed("bob@x.example")
	reads(t, owner.Call("DELETE", "/org-management/invitations/"+id, nil).Want(200), "revoked", "data", "status")
	owner.Call("DELETE", "/org-management/invitations/"+id, nil).Refused(409, "invitation_closed")
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": fresh, "password": password}).Refused(404, "unknown_invitation")
	owner.Call("POST", "/org-management/invitations", m{"email": "b"}).Refused(400, "invalid_email")
	past := record.At(k.Clock.Now().Add(-time.Hour))
	owner.Call("POST", "/org-management/invitations", m{"email": "b@x.example", "expiryDate": past}).Refused(400, "invalid_expiry")
}

// An invitation hands out no more than its author may, now and then.
func TestInvitationsGiveNothingAboveTheirAuthor(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	config := k.hire("con", "ConfigAdmin")
	config.Call("POST", "/org-management/invitations", m{"email": "eve@x.example", "roles": []string{"Owner"}}).Refused(403, "insufficient_rank")
	config.Call("POST", "/org-management/invitations", m{"email": "eve@x.example", "roles": []string{"Nonsense"}}).Refused(400, "unknown_role")
	config.Call("POST", "/org-management/invitations", m{"email": "eve@x.example", "roles": []string{"ConfigAdmin"}}).Want(201)
	owner.Call("PUT", "/org-management/members/"+config.id, m{"roles": []string{}}).Want(200)
	var s account.Session
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": k.mailed("eve@x.example"), "password": password}).Want(200).Into(&s)
	if k.as(s).Principal().Has(auth.RoleConfigAdmin) {
		t.Error("an invitation gave a role that its author had lost")
	}
	owner.Call("POST", "/org-management/invitations", m{"email": "late@x.example"}).Want(201)
	owner.Call("POST", "/org-management/account/cancel", m{"confirm": "acme"}).Want(200)
	k.Anonymous("").Call("POST", "/org-management/invitations/accept", m{"token": k.mailed("late@x.example"), "password": password}).Refused(403, "org_inactive")
}

func TestOwnershipIsTransferred(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("other")
	bob, eve := k.hire("bob"), k.hire("eve")
	const path = "/org-management/transfer/ownership"
	in := m{"toEmail": bob.email, "password": password}
	owner.Call("POST", path+"/cancel", nil).Refused(404, "no_transfer")
	bob.Call("POST", path+"/accept", m{"token": "x"}).Refused(404, "no_transfer")
	owner.Call("POST", path, m{"toEmail": bob.email, "password": "wrong"}).Refused(400, "invalid_credentials")
	owner.Call("POST", path, m{"toEmail": "who@x.example", "password": password}).Refused(404, "unknown_member")
	owner.Call("POST", path, m{"toEmail": other.email, "password": password}).Refused(404, "unknown_member")
	owner.Call("POST", path, m{"toEmail": owner.email, "password": password}).Refused(400, "already_owner")
	owner.Call("POST", path, in).Want(200)
	owner.Call("POST", path, in).Refused(409, "transfer_pending")
	owner.Call("POST", path+"/cancel", nil).Want(200)
	owner.Call("POST", path, in).Want(200)
	token := k.mailed(bob.email)
	eve.Call("POST", path+"/accept", m{"token": token}).Refused(404, "no_transfer")
	other.Call("POST", path+"/accept", m{"token": token}).Refused(404, "no_transfer")
	k.Events()
	r := bob.Call("POST", path+"/accept", m{"token": token}).Want(200)
	k.announces("org.transferred", "org-update", "user-update")
	reads(t, r, bob.email, "data", "email")
	if p := k.stored("acme", bob.id); !slices.Equal(p.Roles, []string{"Owner", "RootAdmin"}) {
		t.Errorf("bob = %v", p.Roles)
	}
	if p := k.stored("acme", owner.id); !slices.Equal(p.Roles, []string{"ConfigAdmin"}) {
		t.Errorf("the owner until now = %v", p.Roles)
	}
	bob.Call("POST", path+"/accept", m{"token": token}).Refused(404, "no_transfer")
}

// Guessing the password of a session locks the account as signing in does.
func TestTransfersCountPasswordAttempts(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire("bob")
	for range account.FailuresMax {
		owner.Call("POST", "/org-management/transfer/ownership", m{"toEmail": bob.email, "password": "wrong"}).Refused(400, "invalid_credentials")
	}
	owner.Call("POST", "/org-management/transfer/ownership", m{"toEmail": bob.email, "password": password}).Refused(403, "account_locked")
	key := k.Key("acme", "admin").Principal()
	key.Roles = []auth.Role{auth.RoleOwner}
	k.As(key).Call("POST", "/org-management/transfer/ownership", m{"toEmail": bob.email, "password": password}).Refused(403, "forbidden")
}

// Every change leaves a trace with what was before and after.
func TestChangesAreTraced(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	owner.Call("POST", "/org-management/billing/spend-limit", m{"spendLimit": 5}).Want(200)
	owner.Call("POST", "/org-management/billing/spend-limit", m{"spendLimit": 7}).Want(200)
	page, err := k.Deps.Records.Tenant("acme").Find(t.Context(), "activity", repository.Find{Options: repository.ListOptions{Sort: "sk", Desc: true}})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := record.Typed[account.Fields](page.Data[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"before":{"spendLimit":5},"after":{"spendLimit":7}}`
	if got := string(rec.Data["meta"]); got != want || rec.Author != owner.email || rec.Owner.Datatype != "company" {
		t.Errorf("trace = %s by %s about %+v, want %s", got, rec.Author, rec.Owner, want)
	}
}
