package users_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/auth"
)

func TestMagicLinksAndCodesSignIn(t *testing.T) {
	t.Parallel()
	const owner, cy = "owner@acme.example", "cy@x.example"
	for _, c := range []struct{ ask, redeem, email string }{
		{"/profile/user/magic-link?email=" + owner, "/profile/user/magic-link/redirect", owner},
		{"/user/magic-link?type=code&email=" + owner, "/user/magic-link/redirect", owner},
		{"/profile/magic-link?type=link&email=" + cy, "/profile/magic-link/redirect", cy},
		{"/profile/magic-link?type=code&email=" + cy, "/profile/magic-link/redirect", cy},
		{"/magic-link?email=" + cy, "/magic-link/redirect", cy},
		{"/profile/magiclink?email=" + cy, "/profile/magiclink/redirect", cy},
		{"/profile/magiclink/" + cy, "/profile/magiclink/redirect", cy},
		{"/profile/code?email=" + cy, "/profile/magic-link/redirect", cy},
		{"/profile/code/cy%2540x.example", "/profile/magic-link/redirect", cy},
	} {
		t.Run(c.ask, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			k.found("acme")
			k.customer("Cy", cy)
			sent := k.mailed(func() { k.Anonymous("acme").Call("GET", c.ask, nil).Want(200) })
			if len(sent) != 1 || sent[0].To != c.email {
				t.Fatalf("mails = %+v", sent)
			}
			body := m{}
			if code := mailedCode.FindStringSubmatch(sent[0].Text); code != nil {
				body["email"], body["code"] = c.email, code[1]
			} else {
				body["token"] = mailedToken.FindStringSubmatch(sent[0].Text)[1]
			}
			k.ignore()
			r := k.Anonymous("acme").Call("POST", c.redeem, body).Want(200)
			k.secretless(r)
			k.announces("user.login")
			if p := k.as(r); p.email != c.email || p.refresh == "" {
				t.Errorf("session = %s", r.Body)
			}
			if again := k.Anonymous("acme").Call("POST", c.redeem, body); again.Status != 400 {
				t.Errorf("a second time: %d %s", again.Status, again.Body)
			}
		})
	}
}

func (k kit) code(email string) string {
	k.T.Helper()
	return k.secret(mailedCode, email, func() { k.Anonymous("acme").Call("GET", "/profile/code?email="+email, nil).Want(200) })
}

func (k kit) redeem(email, code string) int {
	k.T.Helper()
	r := k.Anonymous("acme").Call("POST", "/profile/magic-link/redirect", m{"email": email, "code": code})
	if r.Status != 200 {
		r.Refused(400, "invalid_code")
	}
	return r.Status
}

func TestCodesEnd(t *testing.T) {
	t.Parallel()
	const cy = "cy@x.example"
	wrong := func(code string) string {
		if code == "000000" {
			return "000001"
		}
		return "000000"
	}
	for name, c := range map[string]struct {
		between func(k kit, code string)
		want    int
	}{
		"four wrong tries": {func(k kit, code string) {
			for range 4 {
				k.redeem(cy, wrong(code))
			}
		}, 200},
		"five wrong tries": {func(k kit, code string) {
			for range 5 {
				k.redeem(cy, wrong(code))
			}
		}, 400},
		"ten minutes":        {func(k kit, _ string) { k.Clock.Advance(10 * time.Minute) }, 400},
		"almost ten minutes": {func(k kit, _ string) { k.Clock.Advance(10*time.Minute - time.Second) }, 200},
		"a newer link": {func(k kit, _ string) {
			k.Clock.Advance(time.Second)
			k.secret(mailedToken, cy, func() { k.Anonymous("acme").Call("GET", "/profile/magic-link?email="+cy, nil).Want(200) })
		}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			k.found("acme")
			k.customer("Cy", cy)
			code := k.code(cy)
			c.between(k, code)
			if got := k.redeem(cy, code); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestCodesOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	k.found("acme-corp")
	cy := k.customer("Cy", "cy@x.example")
	k.Anonymous("acme-corp").Call("POST", "/profile/customer/signup", m{"email": "cy@x.example", "password": password}).Want(200)
	code := k.code(cy.email)
	k.Anonymous("acme-corp").Call("POST", "/profile/magic-link/redirect", m{"email": cy.email, "code": code}).Refused(400, "invalid_code")
	k.Anonymous("acme").Call("POST", "/profile/user/magic-link/redirect", m{"email": cy.email, "code": code}).Refused(400, "invalid_code")
	k.redeem("nobody@x.example", code)
	k.redeem("", "")
	if got := k.redeem(cy.email, code); got != 200 {
		t.Errorf("the right one: %d", got)
	}
	k.Anonymous("acme").Call("GET", "/profile/magic-link?type=sms&email=x", nil).Refused(400, "validation_failed")
}

// However many try one link at once, one gets in.
func TestLinksWorkOnceAtOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	token := k.secret(mailedToken, owner.email, func() { k.Anonymous("acme").Call("GET", "/profile/user/magic-link?email="+owner.email, nil).Want(200) })
	var in atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if r := k.Anonymous("acme").Call("POST", "/profile/user/magic-link/redirect", m{"token": token}); r.Status == 200 {
				in.Add(1)
			}
		})
	}
	group.Wait()
	if in.Load() != 1 {
		t.Errorf("%d got in, want 1", in.Load())
	}
}

func TestStoppedAccountsDoNotSignInByLink(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{"status": "account_inactive", "lockout": "account_locked"} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			k.found("acme")
			cy := k.customer("Cy", "cy@x.example")
			code := k.code(cy.email)
			value := map[string]string{"status": "blocked", "lockout": "true"}[change]
			k.Owner("acme").Call("POST", "/profile/customer/update", m{"sk": cy.id, change: value}).Want(200)
			k.Anonymous("acme").Call("POST", "/profile/magic-link/redirect", m{"email": cy.email, "code": code}).Refused(403, want)
		})
	}
}

func TestVerifyingAnAddress(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("acme-corp")
	resend := func() {
		k.Anonymous("acme").Call("POST", "/profile/verify-email/resend", m{"email": owner.email}).Want(200)
	}
	token := k.secret(mailedToken, owner.email, resend)
	k.Anonymous("acme-corp").Call("GET", "/profile/verify-email?token="+token, nil).Refused(400, "invalid_verification_token")
	k.ignore()
	if r := k.Anonymous("acme").Call("GET", "/profile/verify-email?token="+token, nil).Want(200); r.Map()["success"] != true {
		t.Errorf("answer = %s", r.Body)
	}
	k.announces("user-update")
	data := func() m {
		d, _ := owner.Call("GET", "/profile", nil).Want(200).Map()["data"].(m)
		return d
	}
	if data()["emailVerified"] != true {
		t.Errorf("record = %v", data())
	}
	k.Anonymous("acme").Call("GET", "/profile/verify-email?token="+token, nil).Refused(400, "invalid_verification_token")
	if sent := k.mailed(resend); len(sent) != 0 {
		t.Errorf("mails = %+v, want none once it is confirmed", sent)
	}
	k.Staff("acme", "boss@acme.example", auth.RoleRootAdmin, auth.RoleOwner).Call("POST", "/profile/user/update", m{"sk": owner.id, "email": "new@acme.example"}).Want(200)
	if data()["emailVerified"] != false {
		t.Errorf("another address is confirmed: %v", data())
	}
}

func TestVerificationLeadsBackToTheSite(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	token := k.secret(mailedToken, owner.email, func() {
		k.Anonymous("acme").Call("POST", "/profile/verify-email/resend", m{"email": owner.email, "redirect": "/welcome"}).Want(200)
	})
	if r := k.Anonymous("acme").Call("GET", "/profile/verify-email?token="+token, nil); r.Status != 302 || r.Header.Get("Location") != "http://localhost/welcome" {
		t.Errorf("got %d to %s", r.Status, r.Header.Get("Location"))
	}
}

func TestOnlyAppsLearnWhetherACustomerExists(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	k.found("acme-corp")
	k.customer("Cy", "cy@x.example")
	k.Anonymous("acme-corp").Call("POST", "/profile/customer/signup", m{"email": "other@x.example", "password": password}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/customer/register-guest", m{"email": "guest@x.example"}).Want(200)
	app := k.As(auth.Principal{Kind: auth.App, Org: "acme", Home: "acme", ID: "application-1", Verbs: auth.Verbs(auth.Read)})
	for email, want := range map[string]bool{"cy@x.example": true, "cy%40x.example": true, "nobody@x.example": false, "other@x.example": false, "guest@x.example": false} {
		for _, path := range []string{"/profile/customer/exist/" + email, "/profile/customer/exist?email=" + email} {
			if r := app.Call("GET", path, nil).Want(200); r.Map()["exists"] != want || r.Map()["exist"] != want {
				t.Errorf("%s = %s, want %v", path, r.Body, want)
			}
		}
	}
}
