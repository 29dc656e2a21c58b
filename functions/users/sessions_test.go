package users_test

import (
	"testing"

	"github.com/appmint/appengine/shared/auth"
)

func TestSessionsAreListedAndEnded(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	in := func() person {
		return k.as(k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": owner.email, "password": password}, "User-Agent", "Browser 7").Want(200))
	}
	second, third := in(), in()
	r := third.Call("GET", "/profile/security/sessions", nil).Want(200)
	k.secretless(r)
	list, _ := r.Map()["data"].([]any)
	current := 0
	for _, one := range list {
		if one.(m)["current"] == true {
			current++
		}
	}
	if len(list) != 3 || current != 1 {
		t.Errorf("sessions = %s", r.Body)
	}
	alive := func(p person, want int) {
		t.Helper()
		k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": p.refresh}).Want(want)
	}
	path := "/profile/security/sessions/"
	bob.Call("DELETE", path+second.Principal().Session, nil).Refused(404, "session_not_found")
	owner.Call("DELETE", path+"user-x.y", nil).Refused(404, "session_not_found")
	k.ignore()
	owner.Call("DELETE", path+second.Principal().Session, nil).Want(200)
	k.announces("user.logout")
	alive(second, 401)
	alive(third, 200)
	owner.Call("DELETE", "/profile/security/sessions", nil).Want(200)
	alive(third, 401)
	alive(owner, 200)
	alive(bob, 200)
}

func TestSessionsOfAnotherOrgAreNotFound(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("acme-corp")
	other.Call("DELETE", "/profile/security/sessions/"+owner.Principal().Session, nil).Refused(404, "session_not_found")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": owner.refresh}).Want(200)
}

func TestLoginHistory(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	cy := k.customer("Cy", "cy@x.example")
	try := func(word string) {
		k.Anonymous("acme").Call("POST", "/profile/customer/signin", m{"email": cy.email, "password": word})
	}
	try("Wrong1234")
	try(password)
	if got := k.redeem(cy.email, k.code(cy.email)); got != 200 {
		t.Fatalf("code: %d", got)
	}
	r := cy.Call("GET", "/profile/security/login-history", nil).Want(200)
	type entry struct {
		Method  string `json:"method"`
		Success bool   `json:"success"`
	}
	var got struct {
		Data []entry `json:"data"`
	}
	r.Into(&got)
	want := []entry{{"code", true}, {"password", true}, {"password", false}}
	if len(got.Data) != 3 || got.Data[0] != want[0] || got.Data[1] != want[1] || got.Data[2] != want[2] {
		t.Errorf("history = %+v, want %+v", got.Data, want)
	}
	stranger := k.As(auth.Principal{Kind: auth.Customer, Org: "acme", Home: "acme", ID: "customer-x"})
	if r := stranger.Call("GET", "/profile/security/login-history", nil).Want(200); string(r.Body) != `{"data":[]}`+"\n" && string(r.Body) != `{"data":[]}` {
		t.Errorf("a stranger's history = %s", r.Body)
	}
}
