package users_test

import (
	"testing"

	"github.com/appmint/appengine/shared/auth"
)

func TestBlacklistedDomainsDoNotSignUp(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("acme-corp")
	owner.Call("POST", "/profile/blacklist/add", m{"domain": "@Spam.Example", "reason": "spam"}).Want(200)
	owner.Call("POST", "/profile/blacklist/add/junk.example", m{"reason": "junk"}).Want(200)
	signup := func(org, email string) int {
		t.Helper()
		return k.Anonymous(owner.Principal().Org).Call("POST", "/profile/"+org, m{"email": email, "password": password}).Status
	}
	for _, email := range []string{"a@spam.example", "a@mail.SPAM.example", "a@junk.example"} {
		for _, path := range []string{"customer/signup", "customer/register-guest", "user/signup"} {
			if got := signup(path, email); got != 403 {
				t.Errorf("%s by %s: %d, want 403", path, email, got)
			}
		}
		k.Anonymous("acme").Call("POST", "/profile/customer/signup", m{"email": email, "password": password}).Refused(403, "domain_blocked")
	}
	if got := signup("customer/signup", "a@notspam.example"); got != 200 {
		t.Errorf("another domain: %d", got)
	}
	k.Anonymous("acme-corp").Call("POST", "/profile/customer/signup", m{"email": "a@spam.example", "password": password}).Want(200)
	for _, path := range []string{"/profile/blacklist/get", "/blacklist/get"} {
		if list, _ := owner.Call("GET", path, nil).Want(200).Map()["blacklist"].([]any); len(list) != 2 {
			t.Errorf("%s = %v", path, list)
		}
		if list, _ := other.Call("GET", path, nil).Want(200).Map()["blacklist"].([]any); len(list) != 0 {
			t.Errorf("another org's %s = %v", path, list)
		}
	}
	other.Call("DELETE", "/profile/blacklist/delete/spam.example", nil).Refused(404, "domain_not_found")
	owner.Call("DELETE", "/profile/blacklist/delete/spam.example", nil).Want(200)
	if got := signup("customer/signup", "a@spam.example"); got != 200 {
		t.Errorf("after it was taken off the list: %d", got)
	}
	for _, wrong := range []string{"x", "a b.example", "a@b.example", "-a.example"} {
		owner.Call("POST", "/profile/blacklist/add", m{"domain": wrong}).Refused(400, "invalid_domain")
	}
}

func TestThePlatformsBlacklistHoldsForFounders(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.Staff("appengine", "root@x.example", auth.RoleRootAdmin).Call("POST", "/profile/blacklist/add", m{"domain": "spam.example"}).Want(200)
	k.Anonymous("").Call("POST", "/profile/user/signup", m{"email": "a@spam.example", "password": password, "orgName": "Spammers"}).Refused(403, "domain_blocked")
}
