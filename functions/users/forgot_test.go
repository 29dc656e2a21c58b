package users_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

var (
	mailedToken = regexp.MustCompile(`[?&]token=([A-Za-z0-9_.%-]+)`)
	mailedCode  = regexp.MustCompile(`\n    (\d{6})\n`)
)

// mailed returns the mails that are sent by what act does.
func (k kit) mailed(act func()) []mail.Message {
	k.T.Helper()
	k.Settle()
	before := len(k.Mail.Sent())
	act()
	k.Settle()
	return k.Mail.Sent()[before:]
}

// secret is what one of the expressions finds in the one mail that act sends.
func (k kit) secret(find *regexp.Regexp, to string, act func()) string {
	k.T.Helper()
	sent := k.mailed(act)
	if len(sent) != 1 || sent[0].To != to {
		k.T.Fatalf("mails = %+v, want one to %s", sent, to)
	}
	match := find.FindStringSubmatch(sent[0].Text)
	if match == nil {
		k.T.Fatalf("mail = %s, want %s", sent[0].Text, find)
	}
	return match[1]
}

// activities are the types in the org's activity trail.
func (k kit) activities(id org.ID) string {
	k.T.Helper()
	page, err := k.Deps.Records.Tenant(id).Find(k.T.Context(), "activity", everything)
	if err != nil {
		k.T.Fatal(err)
	}
	types := make([]string, 0, len(page.Data))
	for _, raw := range page.Data {
		rec, err := record.Typed[struct {
			Type string `json:"type"`
		}](raw)
		if err != nil {
			k.T.Fatal(err)
		}
		types = append(types, rec.Data.Type)
	}
	return strings.Join(types, " ")
}

func TestForgottenPasswordsOfEverySpelling(t *testing.T) {
	t.Parallel()
	for base, email := range map[string]string{
		"/profile/user": "owner@acme.example", "/profile": "owner@acme.example", "/user": "owner@acme.example", "/profile/customer": "cy@x.example",
	} {
		for _, ask := range []struct {
			method, suffix string
			body           any
		}{
			{"GET", "/" + email, nil},
			{"GET", "/" + strings.ReplaceAll(email, "@", "%2540"), nil},
			{"GET", "?email=" + email, nil},
			{"POST", "", m{"email": strings.ToUpper(email)}},
		} {
			t.Run(ask.method+base+ask.suffix, func(t *testing.T) {
				t.Parallel()
				k := newKit(t)
				owner := k.found("acme")
				cy := k.customer("Cy", "cy@x.example")
				token := k.secret(mailedToken, email, func() {
					k.Anonymous("acme").Call(ask.method, base+"/password/forgot"+ask.suffix, ask.body).Want(200)
				})
				k.ignore()
				k.resets(base, token, email)
				for _, p := range []person{owner, cy} {
					want := 200
					if p.email == email {
						want = 401
					}
					kind := map[bool]string{true: "user", false: "customer"}[p.email == owner.email]
					k.Anonymous("acme").Call("POST", "/profile/"+kind+"/refresh", m{"refresh_token": p.refresh}).Want(want)
				}
			})
		}
	}
}

// resets sets a new password, once.
func (k kit) resets(base, token, email string) {
	k.T.Helper()
	valid := func(want bool) {
		k.T.Helper()
		if r := k.Anonymous("acme").Call("POST", base+"/password/validate-token", m{"token": token}).Want(200); r.Map()["valid"] != want {
			k.T.Errorf("valid = %s, want %v", r.Body, want)
		}
	}
	valid(true)
	k.Anonymous("acme").Call("POST", base+"/password/reset", m{"token": token, "password": "short"}).Refused(400, "weak_password")
	k.secretless(k.Anonymous("acme").Call("POST", base+"/password/reset", m{"token": token, "password": "Another123"}).Want(200))
	valid(false)
	k.announces("collection-create")
	if got := k.activities("acme"); !strings.Contains(got, "resetPassword") {
		k.T.Errorf("activities = %s", got)
	}
	k.Anonymous("acme").Call("POST", base+"/password/reset", m{"token": token, "password": "Another124"}).Refused(400, "invalid_reset_token")
	signin := strings.Replace(strings.Replace(base+"/signin", "/profile/signin", "/profile/user/signin", 1), "/user/user", "/user", 1)
	k.Anonymous("acme").Call("POST", signin, m{"email": email, "password": password}).Refused(400, "invalid_credentials")
	k.Anonymous("acme").Call("POST", signin, m{"email": email, "password": "Another123"}).Want(200)
}

func TestUnknownAddressesAreAnsweredTheSame(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	k.found("acme-corp")
	guest := "guest@x.example"
	k.Anonymous("acme").Call("POST", "/profile/customer/register-guest", m{"email": guest}).Want(200)
	k.put("acme", auth.Platform("acme"), "user", m{"email": "off@acme.example", "firstName": "O", "lastName": "Ff", "status": "blocked"})
	known := k.Anonymous("acme").Call("GET", "/profile/user/password/forgot?email=owner@acme.example", nil).Want(200)
	sent := k.mailed(func() {
		for _, path := range []string{
			"/profile/user/password/forgot?email=nobody@acme.example", "/profile/user/password/forgot?email=owner@acme-corp.example",
			"/profile/user/password/forgot?email=off@acme.example", "/profile/customer/password/forgot?email=owner@acme.example",
			"/profile/customer/password/forgot?email=" + guest, "/profile/customer/password/forgot?email=nonsense",
			"/profile/magic-link?email=" + guest, "/profile/user/magic-link?type=code&email=nobody@acme.example", "/profile/code/nobody@x.example",
		} {
			if r := k.Anonymous("acme").Call("GET", path, nil).Want(200); string(r.Body) != string(known.Body) {
				t.Errorf("%s answers %s, want %s", path, r.Body, known.Body)
			}
		}
	})
	if len(sent) > 0 {
		t.Errorf("mails = %+v, want none", sent)
	}
}

func TestResetTokensEnd(t *testing.T) {
	t.Parallel()
	ask := func(k kit) string {
		return k.secret(mailedToken, "owner@acme.example", func() {
			k.Anonymous("acme").Call("POST", "/profile/user/password/forgot", m{"email": "owner@acme.example"}).Want(200)
		})
	}
	for name, end := range map[string]func(k kit, owner person){
		"after an hour": func(k kit, _ person) { k.Clock.Advance(time.Hour) },
		"with a newer":  func(k kit, _ person) { k.Clock.Advance(time.Second); ask(k) },
		"with the address": func(k kit, owner person) {
			k.Staff("acme", "boss@acme.example", auth.RoleRootAdmin, auth.RoleOwner).Call("POST", "/profile/user/update", m{"sk": owner.id, "email": "new@acme.example"}).Want(200)
		},
		"with the account": func(k kit, owner person) {
			k.Staff("acme", "boss@acme.example", auth.RoleRootAdmin, auth.RoleOwner).Call("POST", "/profile/user/update", m{"sk": owner.id, "status": "blocked"}).Want(200)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			owner := k.found("acme")
			token := ask(k)
			end(k, owner)
			k.Anonymous("acme").Call("POST", "/profile/user/password/reset", m{"token": token, "password": "Another123"}).Refused(400, "invalid_reset_token")
		})
	}
}

func TestResetTokensAreForOneOrgAndKind(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("acme-corp")
	token := k.secret(mailedToken, owner.email, func() {
		k.Anonymous("acme").Call("GET", "/profile/user/password/forgot/"+owner.email, nil).Want(200)
	})
	body := m{"token": token, "password": "Another123"}
	k.Anonymous("acme-corp").Call("POST", "/profile/user/password/reset", body).Refused(400, "invalid_reset_token")
	k.Anonymous("acme").Call("POST", "/profile/customer/password/reset", body).Refused(400, "invalid_reset_token")
	k.Anonymous("acme").Call("POST", "/profile/user/magic-link/redirect", body).Refused(400, "invalid_link")
	for _, wrong := range []string{"x", ".", owner.id + ".", owner.id + ".wrong", strings.Repeat("x", 300)} {
		k.Anonymous("acme").Call("POST", "/profile/user/password/reset", m{"token": wrong, "password": "Another123"}).Refused(400, "invalid_reset_token")
	}
	item, err := table.Of(k.Deps.Table, "acme").Get(t.Context(), table.Key{Part: "ticket", Sort: "reset/" + owner.id})
	if err != nil || strings.Contains(string(item.Doc), strings.TrimPrefix(token, owner.id+".")) {
		t.Errorf("ticket = %s, %v", item.Doc, err)
	}
}

// A reset proves who one is, so it ends the lock of somebody else's guesses.
func TestResetUnlocks(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	for range 5 {
		k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": owner.email, "password": "Wrong1234"})
	}
	token := k.secret(mailedToken, owner.email, func() {
		k.Anonymous("acme").Call("GET", "/profile/user/password/forgot/"+owner.email, nil).Want(200)
	})
	k.Anonymous("acme").Call("POST", "/profile/user/password/reset", m{"token": token, "password": "Another123"}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": owner.email, "password": "Another123"}).Want(200)
}

func TestMailsToOnePersonAreBounded(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	ask := func() {
		k.Clock.Advance(time.Second)
		k.Anonymous("acme").Call("GET", "/profile/user/password/forgot/"+owner.email, nil).Want(200)
	}
	sent := k.mailed(func() {
		for range 15 {
			ask()
			k.Settle()
		}
	})
	if len(sent) != 10 {
		t.Errorf("%d mails, want 10", len(sent))
	}
	k.Clock.Advance(time.Hour)
	if sent := k.mailed(ask); len(sent) != 1 {
		t.Errorf("%d mails an hour later, want 1", len(sent))
	}
}

// A link leads to the org's own site, whatever the caller says.
func TestLinksLeadToTheOrgsSiteOnly(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	first := func(headers ...string) string {
		k.Clock.Advance(time.Second)
		sent := k.mailed(func() {
			k.Anonymous("acme").Call("GET", "/profile/user/magic-link?email=owner@acme.example&redirect=https://evil.example/x", nil, headers...).Want(200)
		})
		return sent[0].Text
	}
	if text := first("X-Client-Host", "evil.example"); !strings.Contains(text, "http://localhost/auth/magic-link?") || strings.Contains(text, "evil") {
		t.Errorf("mail = %s", text)
	}
	rec, err := repository.Lookup[m](t.Context(), k.Deps.Records.Tenant("acme"), "company", "name", "acme")
	if err != nil {
		t.Fatal(err)
	}
	_, err = repository.Change(t.Context(), k.Deps.Records.Tenant("acme"), auth.Platform("acme"), "company", rec.SK, func(rec *record.Record[m], _ *repository.Tx) error {
		rec.Data["website"] = "shop.acme.example/home"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := first("X-Client-Host", "evil.example"); !strings.Contains(text, "https://shop.acme.example/auth/magic-link?") || strings.Contains(text, "evil") {
		t.Errorf("mail = %s", text)
	}
	for redirect, want := range map[string]string{
		"/members": "https://shop.acme.example/members?", "https://shop.acme.example/a?b=c": "https://shop.acme.example/a?b=c&",
		"//evil.example": "https://shop.acme.example/auth/magic-link?", "/\\evil.example": "https://shop.acme.example/auth/magic-link?",
		"https://shop.acme.example@evil.example/": "https://shop.acme.example/auth/magic-link?", "javascript:alert(1)": "https://shop.acme.example/auth/magic-link?",
	} {
		k.Clock.Advance(10 * time.Minute)
		sent := k.mailed(func() {
			k.Anonymous("acme").Call("GET", "/profile/user/magic-link?email=owner@acme.example&redirect="+strings.ReplaceAll(redirect, "&", "%26"), nil).Want(200)
		})
		if len(sent) != 1 || !strings.Contains(sent[0].Text, want) {
			t.Errorf("%s: mails = %+v, want %s", redirect, sent, want)
		}
	}
}
