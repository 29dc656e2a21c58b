package auth_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/auth"
)

func TestAPIKeysHaveTheirShape(t *testing.T) {
	t.Parallel()
	key, prefix := auth.NewAPIKey(random)
	if !strings.HasPrefix(key, "ak_live_"+prefix) || len(prefix) != 8 || len(key) != 8+43 {
		t.Errorf("key of %d characters, prefix %q", len(key), prefix)
	}
	if got, ok := auth.KeyPrefix(key); !ok || got != prefix {
		t.Errorf("prefix = %q, %v; want %q", got, ok, prefix)
	}
	for _, wrong := range []string{"", "ak_live_", key + "x", key[:len(key)-1], strings.ToUpper(key), " " + key, key + "\n"} {
		if _, ok := auth.KeyPrefix(wrong); ok {
			t.Errorf("%q passes for a key", wrong)
		}
	}
}

func TestSecretsMatchTheirHashOnly(t *testing.T) {
	t.Parallel()
	key, _ := auth.NewAPIKey(random)
	if !auth.SecretMatches(key, auth.HashSecret(key)) || auth.SecretMatches(key+"x", auth.HashSecret(key)) || auth.SecretMatches("", "") {
		t.Error("hashes do not tell secrets apart")
	}
}

func TestScopesPermitWhatTheySay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scopes []string
		area   string
		want   []string
	}{
		{nil, "crm", []string{}},
		{[]string{"read"}, "crm", []string{"read"}},
		{[]string{"write"}, "crm", []string{"create", "update"}},
		{[]string{"read", "delete"}, "crm", []string{"read", "delete"}},
		{[]string{"admin"}, "crm", []string{"read", "create", "update", "delete", "review", "approve"}},
		{[]string{"write:profile"}, "profile", []string{"create", "update"}},
		{[]string{"write:profile"}, "crm", []string{}},
		{[]string{"read:data"}, "repository", []string{"read"}},
		{[]string{"integration"}, "upstream", []string{"read", "create", "update"}},
		{[]string{"integration", "webhook"}, "crm", []string{}},
		{[]string{"fly"}, "crm", []string{}},
	} {
		if diff := cmp.Diff(auth.ScopeVerbs(c.scopes, c.area).VerbNames(), c.want); diff != "" {
			t.Errorf("%v in %s (-got +want):\n%s", c.scopes, c.area, diff)
		}
	}
}

func TestNobodyGrantsAboveTheirOwnRank(t *testing.T) {
	t.Parallel()
	as := func(home string, roles ...auth.Role) auth.Principal {
		p := auth.Principal{Kind: auth.User, Org: "acme", Home: "acme", Roles: roles, Verbs: auth.VerbsOf(roles)}
		if home == "root" {
			p.Home = "appengine"
		}
		return p
	}
	for _, c := range []struct {
		who  auth.Principal
		role auth.Role
		want bool
	}{
		{as("acme", auth.RoleOwner), auth.RoleRootAdmin, true},
		{as("acme", auth.RoleOwner), auth.RoleConfigAdmin, true},
		{as("acme", auth.RoleOwner), auth.RoleRootSystem, false},
		{as("root", auth.RoleRootAdmin), auth.RoleRootSystem, true},
		{as("acme", auth.RoleContentAdmin), auth.RoleOwner, false},
		{as("acme", auth.RoleContentAdmin), auth.RolePublisher, true},
		{as("acme", auth.RoleConfigAdmin), auth.RolePublisher, false},
		{as("acme", auth.RoleConfigAdmin), auth.RoleUser, true},
		{as("acme", auth.RoleOwner), "Unheard", false},
	} {
		if got := auth.Grantable(c.who, []auth.Role{c.role}, auth.SystemVerbs); got != c.want {
			t.Errorf("%v grants %s = %v, want %v", c.who.Roles, c.role, got, c.want)
		}
	}
}

func TestBearerIsForgiving(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "", "Bearer ": "", "Bearer": "", "bearer  a.b.c ": "a.b.c", "Bearer a.b.c": "a.b.c", "a.b.c": "a.b.c",
		"Bearer undefined": "", "Bearer null": "", "null": "", "undefined": "", "BEARER\ta": "a", "Bearerless": "Bearerless",
	} {
		if got := auth.Bearer(header); got != want {
			t.Errorf("%q = %q, want %q", header, got, want)
		}
	}
}

func FuzzBearer(f *testing.F) {
	f.Add("Bearer a.b.c")
	f.Fuzz(func(t *testing.T, header string) {
		got := auth.Bearer(header)
		if got != strings.TrimSpace(got) || !strings.Contains(header, got) {
			t.Errorf("%q = %q", header, got)
		}
	})
}

func FuzzKeyPrefix(f *testing.F) {
	f.Add("ak_live_" + strings.Repeat("a", 43))
	f.Fuzz(func(t *testing.T, key string) {
		if prefix, ok := auth.KeyPrefix(key); ok && !strings.HasPrefix(key, auth.KeyBegin+prefix) {
			t.Errorf("%q has prefix %q", key, prefix)
		}
	})
}
