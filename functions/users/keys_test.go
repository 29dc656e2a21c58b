package users_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/usage"
)

// holds says whether a key would be accepted for the org now.
func (k kit) holds(id, key string) bool {
	k.T.Helper()
	directory := account.NewDirectory(k.Deps.Records, k.Deps.Table, k.Clock.Now, 0)
	_, ok, err := directory.Key(k.T.Context(), "acme", key, k.Clock.Now())
	if err != nil {
		k.T.Fatalf("%s: %v", id, err)
	}
	return ok
}

func TestAPIKeyLife(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.ignore()
	r := owner.Call("POST", "/api-key/create", m{
		"name": "Nightly", "permissions": []string{"read", "write:profile"}, "rateLimits": m{"perMinute": 7}, "expiresAt": nil,
	}).Want(200)
	k.announces("collection-create")
	key, id := r.String("key"), r.String("data", "sk")
	if r.String("data", "key") != key || !strings.HasPrefix(key, "ak_live_") || len(key) != 51 || strings.Contains(string(r.Body), "keyHash") {
		t.Errorf("created = %s", r.Body)
	}
	if !k.holds(id, key) || k.holds(id, key[:50]+"x") {
		t.Error("the key is not what is checked")
	}
	list := owner.Call("GET", "/api-key/list", nil).Want(200)
	k.secretless(list)
	one := owner.Call("GET", "/api-key/"+id, nil).Want(200)
	if strings.Contains(string(list.Body)+string(one.Body), key[16:]) || one.String("keyPrefix") != key[8:16] {
		t.Errorf("list = %s, one = %s", list.Body, one.Body)
	}
	if limits, _ := one.Map()["rateLimits"].(m); limits["perMinute"] != 7.0 || limits["perHour"] != 1000.0 {
		t.Errorf("limits = %v", limits)
	}
	owner.Call("PUT", "/api-key/update/"+id, m{"status": "inactive", "description": "off"}).Want(200)
	if k.holds(id, key) {
		t.Error("an inactive key holds")
	}
	owner.Call("PUT", "/api-key/update/"+id, m{"status": "active"}).Want(200)
	owner.Call("POST", "/api-key/revoke/"+id, nil).Want(200)
	if k.holds(id, key) {
		t.Error("a revoked key holds")
	}
	owner.Call("PUT", "/api-key/update/"+id, m{"status": "active"}).Refused(409, "key_revoked")
	owner.Call("POST", "/api-key/rotate/"+id, nil).Refused(409, "key_revoked")
	owner.Call("DELETE", "/api-key/delete/"+id, nil).Want(200)
	owner.Call("GET", "/api-key/"+id, nil).Refused(404, "key_not_found")
}

func TestKeysShowTheirUse(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	id := owner.Call("POST", "/api-key/create", m{"name": "Nightly"}).Want(200).String("data", "id")
	for i := range 3 {
		k.Clock.Advance(time.Minute)
		e := usage.Entry{Org: "acme", RequestID: fmt.Sprint(i), At: k.Clock.Now(), KeyID: id, Path: "/x", Route: "GET /x"}
		if err := k.Deps.Recorder.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	r := owner.Call("GET", "/api-key/"+id, nil).Want(200)
	if stats, _ := r.Map()["usageStats"].(m); stats["totalRequests"] != 3.0 || r.String("lastUsedAt") != "2026-04-10T08:23:11.000Z" {
		t.Errorf("key = %s", r.Body)
	}
}

func TestRotationLeavesTheOldKeyItsGrace(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	created := owner.Call("POST", "/api-key/create", m{"name": "Nightly"}).Want(200)
	first, id := created.String("key"), created.String("data", "id")
	second := owner.Call("POST", "/api-key/rotate/"+id, m{"graceSeconds": 60}).Want(200).String("key")
	if !k.holds(id, first) || !k.holds(id, second) {
		t.Error("both keys hold during the grace")
	}
	k.Clock.Advance(time.Minute)
	if k.holds(id, first) || !k.holds(id, second) {
		t.Error("only the new key holds after the grace")
	}
	third := owner.Call("POST", "/api-key/rotate/"+id, nil).Want(200).String("key")
	if k.holds(id, second) || !k.holds(id, third) {
		t.Error("without grace the old key dies at once")
	}
}

func TestKeyRefusals(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example")
	id := owner.Call("POST", "/api-key/create", m{"name": "Nightly", "expiresAt": "2026-04-10T09:00:00Z"}).Want(200).String("data", "id")
	bob.Call("GET", "/api-key/"+id, nil).Refused(404, "key_not_found")
	bob.Call("POST", "/api-key/revoke/"+id, nil).Refused(404, "key_not_found")
	bob.Call("DELETE", "/api-key/delete/"+id, nil).Refused(404, "key_not_found")
	if page := bob.Call("GET", "/api-key/list", nil).Want(200).Map(); page["total"] != 0.0 {
		t.Errorf("bob sees %v", page)
	}
	k.found("acme-corp").Call("GET", "/api-key/"+id, nil).Refused(404, "key_not_found")
	for _, in := range []m{{}, {"name": "ab"}, {"name": "abc", "rateLimit": m{"requestsPerMinute": 10001}}, {"name": "abc", "expiresAt": "soon"}} {
		if r := bob.Call("POST", "/api-key/create", in); r.Status != 400 {
			t.Errorf("%v: %d %s", in, r.Status, r.Body)
		}
	}
	k.Key("acme", "admin").Call("POST", "/api-key/create", m{"name": "abc"}).Want(403)
}

func TestExpiredKeysDoNotHold(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	created := owner.Call("POST", "/api-key/create", m{"name": "Nightly", "expiresAt": "2026-04-10T09:00:00Z"}).Want(200)
	if !k.holds("", created.String("key")) {
		t.Error("the key does not hold before it expires")
	}
	k.Clock.Advance(time.Hour)
	if k.holds("", created.String("key")) {
		t.Error("the key outlives its expiry")
	}
}

func TestApplicationLife(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	app := owner.Call("POST", "/profile/app/register", m{"name": "Shop", "domain": "shop.example", "permissions": []string{"write"}}).Want(200)
	triple := m{"appId": app.String("appId"), "key": app.String("appKey"), "secret": app.String("appSecret")}
	signed := k.Anonymous("acme").Call("POST", "/profile/app/key", triple).Want(200)
	claims, err := k.Deps.Tokens.Parse(t.Context(), signed.String("token"))
	if err != nil || claims.Type != auth.App || claims.AppID != triple["appId"] || claims.Org != "acme" {
		t.Errorf("claims = %+v, %v", claims, err)
	}
	for _, path := range []string{"/profile/validate-app-key", "/validate-app-key"} {
		r := k.Anonymous("acme").Call("POST", path, m{"appId": triple["appId"], "appKey": triple["key"], "appSecret": triple["secret"]}).Want(200).Map()
		if r["valid"] != true || r["access_token"] != r["token"] || r["expiresIn"] != 3600.0 {
			t.Errorf("valid = %v", r)
		}
	}
	list := owner.Call("GET", "/profile/app/list", nil).Want(200)
	if text := string(list.Body); strings.Contains(text, app.String("appSecret")) || !strings.Contains(text, `"lastUsed":"2026-04-10T`) {
		t.Errorf("list = %s", text)
	}
	id := app.String("appId")
	if r := owner.Call("PUT", "/profile/app/update/"+id, m{"name": "Store"}).Want(200); r.String("app", "name") != "Store" || r.String("app", "domain") != "shop.example" {
		t.Errorf("updated = %s", r.Body)
	}
	fresh := owner.Call("POST", "/profile/app/regenerate-secret/"+id, nil).Want(200).String("appSecret")
	k.Anonymous("acme").Call("POST", "/profile/app/key", triple).Refused(401, "invalid_app")
	triple["secret"] = fresh
	k.Anonymous("acme").Call("POST", "/profile/app/key", triple).Want(200)
	owner.Call("DELETE", "/profile/app/delete/"+id, nil).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/app/key", triple).Refused(401, "invalid_app")
	owner.Call("DELETE", "/profile/app/delete/"+id, nil).Refused(404, "app_not_found")
}

func TestApplicationRefusals(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("acme-corp")
	app := owner.Call("POST", "/app/register", m{"name": "Shop"}).Want(200)
	triple := m{"appId": app.String("appId"), "key": app.String("appKey"), "secret": app.String("appSecret")}
	k.Anonymous("acme-corp").Call("POST", "/profile/app/key", triple).Refused(401, "invalid_app")
	for _, name := range []string{"appId", "key", "secret"} {
		wrong := m{"appId": triple["appId"], "key": triple["key"], "secret": triple["secret"]}
		wrong[name] = "wrong"
		k.Anonymous("acme").Call("POST", "/profile/app/key", wrong).Refused(401, "invalid_app")
	}
	id := app.String("appId")
	other.Call("PUT", "/profile/app/update/"+id, m{"name": "Mine"}).Refused(404, "app_not_found")
	other.Call("POST", "/profile/app/regenerate-secret/"+id, nil).Refused(404, "app_not_found")
	k.hire(owner, "bob@acme.example").Call("POST", "/profile/app/register", m{"name": "Mine"}).Want(403)
}
