package users_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/table"
)

func TestSigninAnswersASession(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.ignore()
	for _, path := range []string{"/profile/user/signin", "/profile/signin", "/user/signin"} {
		r := k.Anonymous("acme").Call("POST", path, m{"email": " OWNER@acme.example ", "password": password, "clientQuery": nil}).Want(200)
		k.secretless(r)
		body := r.Map()
		if body["refreshToken"] != body["refresh_token"] || body["expiresIn"] != 3600.0 || r.String("user", "sk") != owner.id {
			t.Errorf("session = %v", body)
		}
	}
	k.announces("user.login")
}

func TestSigninRefusesTheSameForUnknownAndWrong(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	k.found("acme-corp")
	for _, in := range []m{
		{"email": "owner@acme.example", "password": "Wrong1234"},
		{"email": "nobody@acme.example", "password": password},
		{"email": "owner", "password": password},
		{"email": "", "password": password},
		{"email": "owner@acme-corp.example", "password": password}, // of another org
	} {
		k.Anonymous("acme").Call("POST", "/profile/user/signin", in).Refused(400, "invalid_credentials")
	}
	k.Anonymous("acme").Call("POST", "/profile/customer/signin", m{"email": "owner@acme.example", "password": password}).Refused(400, "invalid_credentials")
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": "owner@acme.example"}).Refused(400, "validation_failed")
}

func TestFiveFailuresLockForAQuarterOfAnHour(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	try := func(word string) int {
		return k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": "owner@acme.example", "password": word}).Status
	}
	for i := range 4 {
		if got := try("Wrong1234"); got != 400 {
			t.Fatalf("failure %d: %d", i, got)
		}
	}
	if got := try(password); got != 200 {
		t.Fatalf("the fifth attempt is right: %d", got)
	}
	for range 5 {
		try("Wrong1234")
	}
	r := k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": "owner@acme.example", "password": password})
	r.Refused(403, "account_locked")
	if r.Header.Get("Retry-After") == "" {
		t.Error("the refusal does not say when to come back")
	}
	shows := func(want string) {
		t.Helper()
		if r := k.Owner("acme").Call("GET", "/profile/user/profile/owner@acme.example", nil).Want(200); r.String("data", "lockout") != want {
			t.Errorf("record = %s, want lockout %s", r.Body, want)
		}
	}
	shows("true")
	k.Clock.Advance(15*time.Minute + time.Second)
	if got := try("Wrong1234"); got != 400 {
		t.Errorf("after the lock: %d, want 400", got)
	}
	if got := try(password); got != 200 {
		t.Errorf("after the lock, right: %d, want 200", got)
	}
	shows("false")
}

// However many guesses are made at once, no more than five are looked at.
func TestSimultaneousGuessesGetFiveLooks(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	var mu sync.Mutex
	looked := 0
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() {
			r := k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": "owner@acme.example", "password": "Wrong1234"})
			mu.Lock()
			defer mu.Unlock()
			if r.Status == 400 {
				looked++
			}
		})
	}
	group.Wait()
	if looked != 5 {
		t.Errorf("%d guesses were looked at, want 5", looked)
	}
}

func TestPasswordIsNotInTheRecord(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	item, err := table.Of(k.Deps.Table, "acme").Get(t.Context(), table.Key{Part: "user", Sort: owner.id})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(item.Doc); strings.Contains(text, password) || strings.Contains(text, "argon2") || strings.Contains(text, `"password"`) {
		t.Errorf("record = %s", text)
	}
}

func TestRefreshRotatesAndRaces(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	answers := make([]string, 50)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			r := k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refreshToken": "Bearer " + owner.refresh}).Want(200)
			answers[i] = r.String("refresh_token")
		})
	}
	group.Wait()
	for _, a := range answers {
		if a != answers[0] || a == owner.refresh {
			t.Fatalf("tokens differ or did not rotate")
		}
	}
	k.Anonymous("acme").Call("POST", "/user/refresh", m{"token": answers[0]}).Want(200)
	k.Clock.Advance(2 * auth.RefreshGrace)
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": owner.refresh}).Refused(401, "token_revoked")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": answers[0]}).Refused(401, "token_revoked")
}

func TestRefreshRefusals(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("acme-corp")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{}).Refused(400, "missing_refresh_token")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": "x"}).Refused(401, "invalid_token")
	k.Anonymous("acme").Call("POST", "/profile/customer/refresh", m{"refresh_token": owner.refresh}).Refused(401, "invalid_token")
	k.Anonymous("acme-corp").Call("POST", "/profile/user/refresh", m{"refresh_token": owner.refresh}).Refused(401, "token_revoked")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": owner.refresh}).Want(200)
}

func TestLogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	second := k.as(k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": owner.email, "password": password}).Want(200))
	third := k.as(k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": owner.email, "password": password}).Want(200))
	k.ignore()
	owner.Call("GET", "/profile/logout", nil).Want(200)
	k.announces("user.logout")
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": owner.refresh}).Refused(401, "token_revoked")
	second.Call("POST", "/profile/signout", m{"refresh_token": third.refresh}).Want(200)
	for _, p := range []person{second, third} {
		k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": p.refresh}).Refused(401, "token_revoked")
	}
}

func TestSignoutLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	bob.Call("POST", "/profile/signout", m{"refresh_token": owner.refresh}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/user/refresh", m{"refresh_token": owner.refresh}).Want(200)
}

func TestJWKSIsPublicAndCacheable(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	r := k.Anonymous("").Call("GET", "/.well-known/jwks.json", nil).Want(200)
	if !strings.Contains(string(r.Body), `"kty":"EC"`) || strings.Contains(string(r.Body), `"d"`) || !strings.Contains(r.Header.Get("Cache-Control"), "max-age") {
		t.Errorf("keys = %s, cache %s", r.Body, r.Header.Get("Cache-Control"))
	}
}

func TestEveryRouteRefusesWhoMayNotCall(t *testing.T) {
	t.Parallel()
	if calls := newKit(t).ExerciseAccess(); calls < 100 {
		t.Errorf("only %d calls", calls)
	}
}
