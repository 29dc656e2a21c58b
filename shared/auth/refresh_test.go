package auth_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/table"
)

type family struct {
	clock    *clock
	sessions auth.Sessions
	tenant   table.Tenant
	id       string
	first    string
}

func newFamily(t *testing.T) family {
	t.Helper()
	c := newClock()
	f := family{clock: c, sessions: auth.NewSessions(c.now, random), tenant: newTenant(t, c)}
	f.id, f.first = f.start(t, "user-1")
	return f
}

func (f family) start(t *testing.T, subject string) (id, token string) {
	t.Helper()
	session, put, token, err := f.sessions.Start(auth.Session{Subject: subject, Kind: auth.User})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.tenant.Write(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	return session.ID, token
}

func (f family) refresh(t *testing.T, token string) (string, error) {
	t.Helper()
	session, next, err := f.sessions.Refresh(t.Context(), f.tenant, auth.User, token)
	if err == nil && session.ID != f.id {
		t.Errorf("session %s, want %s: one family", session.ID, f.id)
	}
	return next, err
}

func (f family) alive(t *testing.T) bool {
	t.Helper()
	_, err := f.sessions.Get(t.Context(), f.tenant, f.id)
	if err != nil && !errors.Is(err, auth.ErrTokenRevoked) {
		t.Fatal(err)
	}
	return err == nil
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	token, seen := f.first, map[string]bool{f.first: true}
	for range 5 {
		f.clock.forward(time.Hour)
		next, err := f.refresh(t, token)
		if err != nil || seen[next] {
			t.Fatalf("refresh = %q, %v; want a token not seen before", next, err)
		}
		token, seen[next] = next, true
	}
}

// Nobody is signed out by tabs that race for one token.
func TestRacingRefreshesAllSucceed(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	answers := make([]string, 50)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() {
			next, err := f.refresh(t, f.first)
			if err != nil {
				t.Errorf("refresh %d: %v", i, err)
			}
			answers[i] = next
		})
	}
	group.Wait()
	for _, next := range answers {
		if next != answers[0] || next == f.first {
			t.Fatalf("answers differ or did not rotate: %q and %q", next, answers[0])
		}
	}
	if _, err := f.refresh(t, answers[0]); err != nil {
		t.Errorf("the successor is not usable: %v", err)
	}
}

func TestReplacedTokenLeadsToTheCurrentOneWithinTheGrace(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	second, _ := f.refresh(t, f.first)
	f.clock.forward(20 * time.Second)
	third, _ := f.refresh(t, second)
	f.clock.forward(20 * time.Second)
	for _, replaced := range []string{f.first, second} {
		if got, err := f.refresh(t, replaced); err != nil || got != third {
			t.Errorf("refresh of a replaced token = %q, %v; want the current one", got, err)
		}
	}
}

func TestReplayAfterTheGraceEndsTheFamily(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	second, _ := f.refresh(t, f.first)
	f.clock.forward(auth.RefreshGrace + time.Millisecond)
	if _, err := f.refresh(t, f.first); !errors.Is(err, auth.ErrTokenRevoked) {
		t.Errorf("replay: %v, want ErrTokenRevoked", err)
	}
	if _, err := f.refresh(t, second); !errors.Is(err, auth.ErrTokenRevoked) || f.alive(t) {
		t.Errorf("the rest of the family: %v, want it to have ended", err)
	}
}

// Session ids travel in access tokens; knowing one must not end the session.
func TestGarbageEndsNothing(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	for _, token := range []string{"", ".", f.id, f.id + ".", f.id + "." + strings.Repeat("A", 43), f.first + "x", strings.ToLower(f.first)} {
		if _, err := f.refresh(t, token); err == nil {
			t.Errorf("%q was accepted", token)
		}
	}
	if _, _, err := f.sessions.Refresh(t.Context(), f.tenant, auth.Customer, f.first); !errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("as another kind: %v, want ErrInvalidToken", err)
	}
	if !f.alive(t) {
		t.Error("the session has ended")
	}
}

func TestSessionEndsThirtyDaysAfterItsLastRefresh(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	f.clock.forward(auth.SessionLifetime - time.Second)
	token, err := f.refresh(t, f.first)
	if err != nil {
		t.Fatal(err)
	}
	f.clock.forward(auth.SessionLifetime + time.Second)
	if _, err := f.refresh(t, token); !errors.Is(err, auth.ErrTokenRevoked) {
		t.Errorf("after the lifetime: %v, want ErrTokenRevoked", err)
	}
}

func TestEndAllKeepsTheOneToKeepAndOtherPeople(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	second, _ := f.start(t, "user-1")
	other, _ := f.start(t, "user-10")
	if err := f.sessions.EndAll(t.Context(), f.tenant, "user-1", second); err != nil {
		t.Fatal(err)
	}
	if f.alive(t) {
		t.Error("the first session is alive")
	}
	for _, id := range []string{second, other} {
		if _, err := f.sessions.Get(t.Context(), f.tenant, id); err != nil {
			t.Errorf("session %s: %v", id, err)
		}
	}
}

func TestStoredSessionHoldsNoToken(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	item, err := f.tenant.Get(t.Context(), table.Key{Part: "session", Sort: f.id})
	if err != nil {
		t.Fatal(err)
	}
	secret := f.first[strings.LastIndexByte(f.first, '.')+1:]
	if strings.Contains(string(item.Doc), secret) {
		t.Error("the stored session contains the secret")
	}
}

// Whatever a client does with the tokens it got, the current one works and one
// replaced within the grace leads to it, until a replay.
func TestRefreshModel(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	rapid.Check(t, func(r *rapid.T) {
		f.id, f.first = f.start(t, "user-1")
		type issued struct {
			token    string
			replaced time.Time
		}
		tokens := []issued{{token: f.first}}
		for range rapid.IntRange(1, 30).Draw(r, "steps") {
			f.clock.forward(time.Duration(rapid.IntRange(1, 40).Draw(r, "seconds")) * time.Second)
			i := rapid.IntRange(max(0, len(tokens)-4), len(tokens)-1).Draw(r, "token")
			current := len(tokens) - 1
			next, err := f.refresh(t, tokens[i].token)
			switch {
			case i == current:
				if err != nil || next == tokens[i].token {
					r.Fatalf("current token: %v", err)
				}
				tokens[i].replaced = f.clock.now()
				tokens = append(tokens, issued{token: next})
			case f.clock.now().Sub(tokens[i].replaced) <= auth.RefreshGrace:
				if err != nil || next != tokens[current].token {
					r.Fatalf("token in its grace: %v", err)
				}
			default:
				if !errors.Is(err, auth.ErrTokenRevoked) || f.alive(t) {
					r.Fatalf("replay: %v, want the family to end", err)
				}
				return
			}
		}
	})
}

func FuzzRefresh(f *testing.F) {
	c := newClock()
	sessions := auth.NewSessions(c.now, random)
	f.Add("user-1.abc." + strings.Repeat("A", 43))
	f.Add("..")
	tenant := newTenant(f, c)
	f.Fuzz(func(t *testing.T, token string) {
		if _, _, err := sessions.Refresh(t.Context(), tenant, auth.User, token); err == nil {
			t.Errorf("%q was accepted", token)
		}
	})
}
