package users_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/repository"
)

// stored is a person's payload as it is in the repository.
func (k kit) stored(p person) account.Person {
	k.T.Helper()
	who := p.Principal()
	rec, err := repository.Get[account.Fields](k.T.Context(), k.Deps.Records.Tenant(who.Org), account.Datatype(who.Kind), who.ID)
	if err != nil {
		k.T.Fatal(err)
	}
	return rec.Data.Person()
}

func (k kit) customer(id, email string) person {
	k.T.Helper()
	who := k.Anonymous("acme")
	return k.as(who.Call("POST", "/profile/customer/signup", m{"email": email, "password": password, "firstName": id}).Want(200))
}

func TestWhoami(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	cy := k.customer("cy", "cy@x.example")
	for _, path := range []string{"/profile/whoami", "/whoami"} {
		if body := k.Anonymous("acme").Call("GET", path, nil).Want(200).Map(); body["user"] != nil || body["customer"] != nil {
			t.Errorf("nobody is %v", body)
		}
		if body := owner.Call("GET", path, nil).Want(200); body.String("user", "sk") != owner.id || body.Map()["customer"] != nil {
			t.Errorf("the owner is %s", body.Body)
		}
		if body := cy.Call("GET", path, nil).Want(200); body.String("customer", "sk") != cy.id || body.Map()["user"] != nil {
			t.Errorf("the customer is %s", body.Body)
		}
	}
}

func TestOwnProfileChangesWithoutPrivileges(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	k.ignore()
	in := m{"firstName": "Robert", "roles": []string{"Owner"}, "groups": []string{"Admin"}, "status": "gone", "lockout": "true", "password": "x", "data": m{"phone": "1", "balance": 5}}
	for _, path := range []string{"/profile/user/update", "/profile/update", "/user/update", "/profile"} {
		k.secretless(bob.Call("POST", path, in).Want(200))
	}
	k.announces("user-update")
	got := k.stored(bob)
	if got.FirstName != "Robert" || len(got.Roles) > 0 || len(got.Groups) > 0 || got.Status != "active" {
		t.Errorf("bob = %+v", got)
	}
	if body := bob.Call("GET", "/profile", nil).Want(200); body.String("data", "phone") != "1" {
		t.Errorf("profile = %s", body.Body)
	}
	bob.Call("POST", "/profile/user/update", m{"email": owner.email, "firstName": "Eve"}).Want(403)
}

func TestCustomersChangeOnlyThemselves(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	cy, other := k.customer("cy", "cy@x.example"), k.customer("di", "di@x.example")
	cy.Call("POST", "/profile/customer/update", m{"sk": other.id, "data": m{"firstName": "Cyrus", "groups": []string{"vip"}}}).Want(200)
	if got := k.stored(cy); got.FirstName != "Cyrus" || len(got.Groups) > 0 {
		t.Errorf("cy = %+v", got)
	}
	if got := k.stored(other); got.FirstName != "di" {
		t.Errorf("di = %+v", got)
	}
	if body := cy.Call("GET", "/profile/customer/profile", nil).Want(200); body.String("sk") != cy.id {
		t.Errorf("profile = %s", body.Body)
	}
	owner.Call("POST", "/profile/customer/update", m{"email": "di@x.example", "status": "vip"}).Want(200)
	if got := k.stored(other); got.Status != "vip" {
		t.Errorf("di = %+v", got)
	}
	owner.Call("POST", "/profile/customer/update", m{"sk": other.id, "data": m{"email": "cy@x.example"}}).Refused(409, "email_taken")
	owner.Call("POST", "/profile/customer/update", m{"sk": "customer-none", "firstName": "x"}).Refused(404, "user_not_found")
}

func TestAdministratorsChangeOthers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	config := k.hire(owner, "con@acme.example", "ConfigAdmin")
	config.Call("POST", "/profile/user/update", m{"id": bob.id, "lastName": "Ross", "roles": []string{"Owner"}}).Want(200)
	if got := k.stored(bob); got.LastName != "Ross" || len(got.Roles) > 0 {
		t.Errorf("bob = %+v", got)
	}
	config.Call("POST", "/profile/user/update", m{"email": owner.email, "data": m{"status": "inactive"}}).Refused(403, "insufficient_rank")
	config.Call("POST", "/profile/user/update", m{"id": bob.id, "email": "con@acme.example"}).Refused(409, "email_taken")
	config.Call("POST", "/profile/user/update", m{"id": "user-none"}).Refused(404, "user_not_found")
	config.Call("POST", "/profile/user/update", m{"id": bob.id, "status": "inactive"}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": bob.refresh}).Refused(401, "token_revoked")
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": password}).Refused(403, "account_inactive")
}

func TestReadingAndDeletingUsers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	config := k.hire(owner, "con@acme.example", "ConfigAdmin")
	for _, name := range []string{"bob@acme.example", "bob%40acme.example", bob.id} {
		r := config.Call("GET", "/profile/user/profile/"+name, nil).Want(200)
		k.secretless(r)
		if r.String("sk") != bob.id {
			t.Errorf("%s = %s", name, r.Body)
		}
	}
	config.Call("GET", "/user/profile/nobody", nil).Refused(404, "user_not_found")
	config.Call("DELETE", "/profile/user/profile/"+owner.email, nil).Refused(403, "insufficient_rank")
	k.found("acme-corp").Call("GET", "/profile/user/profile/bob@acme.example", nil).Refused(404, "user_not_found")
	k.ignore()
	config.Call("DELETE", "/profile/user/profile/bob@acme.example", nil).Want(200)
	k.announces("user-delete")
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": password}).Refused(400, "invalid_credentials")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": bob.refresh}).Refused(401, "token_revoked")
}

func TestRolesAndGroups(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	for _, base := range []string{"/profile/user/", "/profile/", "/user/"} {
		owner.Call("POST", base+"role/add", m{"email": "BOB@acme.example", "roles": []string{"Publisher", "Reviewer"}}).Want(200)
		owner.Call("POST", base+"role/add", m{"email": bob.email, "roles": []string{"Publisher"}}).Want(200)
		owner.Call("POST", base+"group/add", m{"email": bob.email, "groups": []string{"Agent"}}).Want(200)
		if got := k.stored(bob); !slices.Equal(got.Roles, []string{"Publisher", "Reviewer"}) || !slices.Equal(got.Groups, []string{"Agent"}) {
			t.Errorf("bob = %+v", got)
		}
		owner.Call("POST", base+"role/remove", m{"email": bob.email, "roles": []string{"Publisher", "Reviewer", "None"}}).Want(200)
		owner.Call("POST", base+"group/remove", m{"email": bob.email, "groups": []string{"Agent"}}).Want(200)
		if got := k.stored(bob); len(got.Roles)+len(got.Groups) > 0 {
			t.Errorf("bob = %+v", got)
		}
	}
	k.announces("user-update")
	owner.Call("POST", "/profile/role/add", m{"email": "x@acme.example", "roles": []string{"User"}}).Refused(404, "user_not_found")
	owner.Call("POST", "/profile/role/add", m{"email": bob.email, "roles": []string{"Unheard"}}).Refused(400, "unknown_role")
	owner.Call("POST", "/profile/group/add", m{"email": bob.email, "groups": []string{"Unheard"}}).Refused(400, "unknown_role")
	k.put("acme", owner.Principal(), "userrole", m{"name": "Curator", "permissions": m{"content": []string{"read", "approve"}}})
	owner.Call("POST", "/profile/role/add", m{"email": bob.email, "roles": []string{"Curator"}}).Want(200)
}

func TestNobodyRisesAboveTheirAdministrator(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	config := k.hire(owner, "con@acme.example", "ConfigAdmin")
	bob := k.hire(owner, "bob@acme.example")
	for _, role := range []string{"Owner", "RootAdmin", "RootSystem", "System", "Publisher"} {
		for _, email := range []string{bob.email, config.email} {
			config.Call("POST", "/profile/role/add", m{"email": email, "roles": []string{role}}).Refused(403, "insufficient_rank")
		}
	}
	config.Call("POST", "/profile/group/add", m{"email": bob.email, "groups": []string{"Admin"}}).Refused(403, "insufficient_rank")
	config.Call("POST", "/profile/role/remove", m{"email": owner.email, "roles": []string{"Owner"}}).Refused(403, "insufficient_rank")
	owner.Call("POST", "/profile/role/add", m{"email": bob.email, "roles": []string{"System"}}).Refused(403, "insufficient_rank")
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	all := m{"email": owner.email, "roles": []string{"Owner", "RootAdmin"}}
	owner.Call("POST", "/profile/role/remove", all).Refused(409, "last_admin")
	owner.Call("DELETE", "/profile/user/profile/"+owner.email, nil).Refused(409, "last_admin")
	bob := k.hire(owner, "bob@acme.example")
	owner.Call("POST", "/profile/group/add", m{"email": bob.email, "groups": []string{"Admin"}}).Want(200)
	owner.Call("POST", "/profile/role/remove", all).Refused(409, "last_owner")
	owner.Call("POST", "/profile/role/add", m{"email": bob.email, "roles": []string{"Owner"}}).Want(200)
	owner.Call("POST", "/profile/group/remove", m{"email": bob.email, "groups": []string{"Admin"}}).Want(200)
	owner.Call("POST", "/profile/role/remove", all).Want(200)
	owner.Call("POST", "/profile/role/remove", m{"email": bob.email, "roles": []string{"Owner"}}).Refused(409, "last_admin")
}

// Two administrators who take each other's rank at once do not both succeed.
func TestAdministratorsCannotRemoveEachOther(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	admins := append(make([]person, 0, 5), owner)
	for i := range 4 {
		admins = append(admins, k.hire(owner, fmt.Sprintf("a%d@acme.example", i), "Owner"))
	}
	var group sync.WaitGroup
	for i, victim := range admins {
		group.Go(func() {
			for range 20 {
				r := admins[(i+1)%len(admins)].Call("POST", "/profile/role/remove", m{"email": victim.email, "roles": []string{"Owner", "RootAdmin"}})
				if b := r.Map()["reason"]; b != "concurrent_change" {
					return
				}
			}
		})
	}
	group.Wait()
	left := 0
	for _, a := range admins {
		if slices.Contains(k.stored(a).Roles, "Owner") {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d administrators are left, want 1", left)
	}
}

func TestChangingPasswords(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	elsewhere := k.as(k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": password}).Want(200))
	bob.Call("POST", "/profile/user/password/change", m{"password": "Wrong1234", "newPassword": "Another123"}).Refused(400, "invalid_credentials")
	bob.Call("POST", "/profile/user/password/change", m{"password": password, "newPassword": "weak"}).Refused(400, "weak_password")
	k.secretless(bob.Call("POST", "/user/change-password", m{"password": password, "newPassword": "Another123"}).Want(200))
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": password}).Refused(400, "invalid_credentials")
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": "Another123"}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": elsewhere.refresh}).Refused(401, "token_revoked")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": bob.refresh}).Want(200)

	bob.Call("POST", "/profile/user/password/change", m{"userId": owner.id, "newPassword": "Taken1234"}).Refused(403, "forbidden")
	config := k.hire(owner, "con@acme.example", "ConfigAdmin")
	config.Call("POST", "/profile/password/change", m{"userId": owner.id, "newPassword": "Taken1234"}).Refused(403, "insufficient_rank")
	config.Call("POST", "/user/password/change", m{"userId": bob.id, "newPassword": "Fresh1234"}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": "Fresh1234"}).Want(200)
	config.Call("POST", "/user/password/change", m{"userId": "user-none", "newPassword": "Fresh1234"}).Refused(404, "user_not_found")

	cy := k.customer("cy", "cy@x.example")
	cy.Call("POST", "/profile/customer/password/change", m{"password": password, "newPassword": "Another123"}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/customer/signin", m{"email": "cy@x.example", "password": "Another123"}).Want(200)
}

// Guessing the current password through the change route locks as sign-in does.
func TestPasswordChangeCountsGuesses(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	for range 5 {
		owner.Call("POST", "/profile/user/password/change", m{"password": "Wrong1234", "newPassword": "Another123"}).Refused(400, "invalid_credentials")
	}
	owner.Call("POST", "/profile/user/password/change", m{"password": password, "newPassword": "Another123"}).Refused(403, "account_locked")
	bob := k.hire(k.as(k.Anonymous("").Call("POST", "/profile/user/signup", m{"email": "o@b.example", "password": password, "orgId": "bcorp"}).Want(200)), "bob@b.example")
	for range 5 {
		k.Anonymous("bcorp").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": "Wrong1234"}).Refused(400, "invalid_credentials")
	}
	k.Anonymous("bcorp").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": password}).Refused(403, "account_locked")
	admin := k.Staff("bcorp", "admin@b.example", auth.RoleOwner)
	admin.Call("POST", "/profile/user/update", m{"id": bob.id, "lockout": "false"}).Want(200)
	k.Anonymous("bcorp").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": password}).Want(200)
}
