package authorizer_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appmint/appengine/functions/authorizer"
	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/testkit"
	"github.com/appmint/appengine/shared/usage"
)

func (k kit) suspend(id org.ID) {
	k.T.Helper()
	tenant := k.Deps.Records.Tenant(id)
	raw, err := tenant.Lookup(k.T.Context(), account.Companies, "name", string(id))
	if err != nil {
		k.T.Fatal(err)
	}
	_, err = repository.Change(k.T.Context(), tenant, auth.Platform(id), account.Companies, raw.SK, func(rec *account.Record, _ *repository.Tx) error {
		rec.Data.Set("status", "suspended")
		return nil
	})
	if err != nil {
		k.T.Fatal(err)
	}
	k.Clock.Advance(3 * time.Second)
}

func TestEachCallIsCountedOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	for range 5 {
		k.call("/crm/x", "orgid", "acme", "authorization", owner.token)
		k.call("/crm/x", "orgid", "acme")
		k.call("/health", "orgid", "acme")
		k.authorize(auth.Call{Method: "OPTIONS", Path: "/crm/x", Headers: pairs([]string{"orgid", "acme"})})
	}
	if got := k.counted("acme").Month; got != 10 {
		t.Errorf("%d calls counted, want 10", got)
	}
}

// In the steady state a call costs one write, and one read for each credential:
// session and account come together.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	key, _ := k.key(owner, m{"scopes": []string{"admin"}})
	app, _ := k.app()
	for name, c := range map[string]struct {
		headers []string
		want    int64
	}{
		"anonymous": {nil, 0}, "person": {[]string{"authorization", owner.token}, 1}, "key": {[]string{"x-api-key", key}, 1},
		"person through app": {[]string{"authorization", app, "x-client-authorization", owner.token}, 2},
	} {
		headers := append(c.headers, "orgid", "acme")
		k.call("/crm/x", headers...)
		reads, writes := k.table.reads.Load(), k.table.writes.Load()
		k.call("/crm/x", headers...)
		if r, w := k.table.reads.Load()-reads, k.table.writes.Load()-writes; r != c.want || w != 1 {
			t.Errorf("%s: %d reads and %d writes, want %d and 1", name, r, w, c.want)
		}
	}
}

func TestAnonymousCallersAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	var allowed atomic.Int64
	var group sync.WaitGroup
	for range 150 {
		group.Go(func() {
			if k.call("/crm/x", "orgid", "acme").Refused == "" {
				allowed.Add(1)
			}
		})
	}
	group.Wait()
	if got := allowed.Load(); got != 100 {
		t.Errorf("%d calls were let through, want 100", got)
	}
	v := k.call("/crm/x", "orgid", "acme")
	if v.Refused != "rate_limited" || v.RetryAfter <= 0 || v.Limit != 100 || v.Remaining != 0 || v.Reset == 0 {
		t.Errorf("verdict = %+v", v)
	}
	if v := k.call("/crm/x", "orgid", "acme", "authorization", owner.token); v.Refused != "" || v.Limit != 600 {
		t.Errorf("a person from there = %+v", v)
	}
	other := auth.Call{Method: "GET", Path: "/crm/x", Headers: pairs([]string{"orgid", "acme"}), IP: "192.0.2.2"}
	if v := k.authorize(other); v.Refused != "" {
		t.Errorf("another address = %+v", v)
	}
}

func TestPasswordsAreTriedTenTimesAMinute(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	for _, path := range []string{"/profile/user/signin", "/profile/customer/signin", "/profile/magic-link", "/profile/user/password/forgot"} {
		for range 3 {
			k.call(path, "orgid", "acme")
		}
	}
	if v := k.call("/profile/user/signin", "orgid", "acme"); v.Refused != "rate_limited" || v.Limit != 10 {
		t.Errorf("verdict = %+v", v)
	}
	if v := k.call("/profile/whoami", "orgid", "acme"); v.Refused != "" {
		t.Errorf("elsewhere = %+v", v)
	}
	app, _ := k.app()
	if v := k.call("/profile/user/signin", "orgid", "acme", "authorization", app); v.Refused != "" {
		t.Errorf("a site's server signs in many = %+v", v)
	}
}

// The public look-up of an address's organisations, which takes no org.
func TestAddressesAreLookedUpTenTimesAMinute(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for range 10 {
		if v := k.call("/repository/org/user/ada@x.example"); v.Refused != "" {
			t.Fatalf("verdict = %+v", v)
		}
	}
	if v := k.call("/repository/org/user/ada@x.example"); v.Refused != "rate_limited" || v.Limit != 10 {
		t.Errorf("verdict = %+v", v)
	}
}

func TestKeysHaveTheirOwnLimits(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	key, _ := k.key(owner, m{"scopes": []string{"read"}, "rateLimit": m{"requestsPerMinute": 3}})
	other, _ := k.key(owner, m{"scopes": []string{"read"}})
	for i := range 5 {
		if v := k.call("/crm/x", "orgid", "acme", "x-api-key", key); (v.Refused == "") != (i < 3) {
			t.Errorf("call %d = %+v", i, v)
		}
	}
	if v := k.call("/crm/x", "orgid", "acme", "x-api-key", other); v.Refused != "" || v.Limit != 100 {
		t.Errorf("another key = %+v", v)
	}
	// The prefix is no secret: presenting it must not use up the key's calls.
	forged := other[:16] + strings.Repeat("A", 35)
	for range 20 {
		k.call("/crm/x", "orgid", "acme", "x-api-key", forged)
	}
	if v := k.call("/crm/x", "orgid", "acme", "x-api-key", other); v.Remaining != 98 {
		t.Errorf("%d calls remain, want 98", v.Remaining)
	}
}

func TestUnlimitedPlanLimitsNothing(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	key, _ := k.key(k.found("acme"), m{"scopes": []string{"read"}})
	k.Deps.Meter = usage.NewMeter(usage.MeterOptions{Table: k.Deps.Table, Now: k.Clock.Now, Plan: usage.Unlimited})
	k.authorizer = authorizer.New(k.Deps)
	for range 200 {
		if v := k.call("/profile/user/signin", "orgid", "acme"); v.Refused != "" || v.Limit != 0 {
			t.Fatalf("verdict = %+v", v)
		}
	}
	if v := k.call("/crm/x", "orgid", "acme", "x-api-key", key); v.Principal.Kind != auth.APIKey || v.Limit != 0 {
		t.Errorf("a key = %+v", v)
	}
	if got := k.counted("acme").Month; got != 201 {
		t.Errorf("%d calls counted, want 200", got)
	}
}

// Whatever a client sends, it becomes nobody it is not, and nothing breaks.
func FuzzHeaders(f *testing.F) {
	f.Add("acme", "Bearer a.b.c", "x", "ak_live_")
	f.Add("undefined", "Bearer ", "", "")
	k := authorizer.New(testkit.New(f).Deps)
	f.Fuzz(func(t *testing.T, id, token, person, key string) {
		v, err := k.Authorize(context.WithoutCancel(t.Context()), auth.Call{Method: "GET", Path: "/crm/x", IP: "192.0.2.1", Headers: map[string]string{
			"orgid": id, "authorization": token, "x-client-authorization": person, "x-api-key": key,
		}})
		if err != nil || v.Principal.Kind != auth.Anonymous {
			t.Errorf("verdict = %+v, %v", v, err)
		}
	})
}
