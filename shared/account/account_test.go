package account_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/testkit"
	"github.com/appmint/appengine/shared/usage"
)

func fields(t *testing.T, text string) account.Fields {
	t.Helper()
	var f account.Fields
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPersonIsReadFromWhateverIsThere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]account.Person{
		`{}`: {},
		`{"email":"a@b.c","roles":"Owner","groups":null,"status":7}`:                         {Email: "a@b.c", Roles: account.Names{"Owner"}},
		`{"firstName":"Ada","lastName":"Byron","roles":["A","B"],"portrait":{"url":"x"}}`:    {FirstName: "Ada", LastName: "Byron", Roles: account.Names{"A", "B"}},
		`{"name":"Ada B","guestUser":true,"groups":["vip"],"roles":{"x":1},"username":"ab"}`: {FullName: "Ada B", Guest: true, Groups: account.Names{"vip"}, Username: "ab"},
	} {
		if diff := cmp.Diff(fields(t, text).Person(), want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", text, diff)
		}
	}
}

func TestStoppedAccountsAreNotUsable(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{"": true, "active": true, "vip": true, " Inactive ": false, "blocked": false, "SUSPENDED": false} {
		if got := (account.Person{Status: status}).Usable(); got != want {
			t.Errorf("%q usable = %v, want %v", status, got, want)
		}
	}
}

func TestKeysAreUsableWhileActiveAndUnexpired(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 10, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		key  account.Key
		want bool
	}{
		{account.Key{Status: account.KeyActive}, true},
		{account.Key{}, false},
		{account.Key{Status: account.KeyInactive}, false},
		{account.Key{Status: account.KeyRevoked}, false},
		{account.Key{Status: account.KeyActive, ExpiresAt: record.At(now)}, false},
		{account.Key{Status: account.KeyActive, ExpiresAt: record.At(now.Add(time.Second))}, true},
	} {
		if got := c.key.UsableAt(now); got != c.want {
			t.Errorf("%+v usable = %v, want %v", c.key, got, c.want)
		}
	}
	if got := (account.RateLimit{PerHour: 5}).Windows(); got != (usage.Windows{Minute: 100, Hour: 5, Day: 10_000}) {
		t.Errorf("windows = %+v", got)
	}
}

func put(t *testing.T, deps app.Deps, datatype string, data any) {
	t.Helper()
	const id = org.ID("acme")
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	tx := deps.Records.Tenant(id).Begin(auth.Platform(id))
	tx.Create(record.Raw{Datatype: datatype, Data: text})
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

type m = map[string]any

func TestRightsAddUpRolesGroupsAndCustomRoles(t *testing.T) {
	t.Parallel()
	deps := testkit.New(t).Deps
	put(t, deps, account.Groups, m{"name": "Desk", "roles": []string{"Reviewer", "Curator"}})
	put(t, deps, account.Roles, m{"name": "Curator", "permissions": m{"content": []string{"update"}}})
	d := account.NewDirectory(deps.Records, deps.Table, deps.Now, 0)
	for _, c := range []struct {
		roles, groups []string
		wantRoles     []auth.Role
		wantVerbs     auth.Verbs
	}{
		{nil, nil, []auth.Role{}, auth.Verbs(auth.Read | auth.Create)},
		{[]string{"Unheard", "curator"}, []string{"None"}, []auth.Role{"Unheard", "curator"}, auth.Verbs(auth.Read | auth.Create)},
		{[]string{"Curator"}, []string{"Desk"}, []auth.Role{"Curator", "Reviewer"}, auth.Verbs(auth.Read | auth.Create | auth.Update | auth.Review | auth.Approve)},
		{[]string{"Owner"}, nil, []auth.Role{"Owner"}, auth.AllVerbs},
	} {
		roles, verbs, err := d.Rights(t.Context(), "acme", c.roles, c.groups)
		if err != nil || !slices.Equal(roles, c.wantRoles) || verbs != c.wantVerbs {
			t.Errorf("%v %v = %v %v, %v; want %v %v", c.roles, c.groups, roles, verbs.VerbNames(), err, c.wantRoles, c.wantVerbs.VerbNames())
		}
	}
}

func TestDirectoryRemembersForItsTime(t *testing.T) {
	t.Parallel()
	kit := testkit.New(t)
	remembering := account.NewDirectory(kit.Deps.Records, kit.Deps.Table, kit.Clock.Now, time.Minute)
	forgetful := account.NewDirectory(kit.Deps.Records, kit.Deps.Table, kit.Clock.Now, 0)
	roles := func(d *account.Directory) int {
		t.Helper()
		found, _, err := d.GroupRoles(t.Context(), "acme", "Desk")
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if roles(remembering)+roles(forgetful) != 0 {
		t.Error("the group has roles before it exists")
	}
	put(t, kit.Deps, account.Groups, m{"name": "Desk", "roles": []string{"Reviewer"}})
	if roles(remembering) != 0 || roles(forgetful) != 1 {
		t.Error("one remembers, the other does not")
	}
	kit.Clock.Advance(time.Minute)
	if roles(remembering) != 1 {
		t.Error("it remembers for too long")
	}
}

func TestOrgsAreSeenAsSoonAsTheyExist(t *testing.T) {
	t.Parallel()
	deps := testkit.New(t).Deps
	d := account.NewDirectory(deps.Records, deps.Table, deps.Now, time.Minute)
	if _, ok, err := d.Company(t.Context(), "acme"); ok || err != nil {
		t.Errorf("before it was founded: %v, %v", ok, err)
	}
	put(t, deps, account.Companies, m{"name": "acme", "plan": "pro"})
	if c, ok, err := d.Company(t.Context(), "acme"); !ok || c.Plan != "pro" || err != nil {
		t.Errorf("after: %+v, %v, %v", c, ok, err)
	}
	if _, ok, err := d.Company(t.Context(), org.Root); !ok || err != nil {
		t.Errorf("the platform's own org always exists: %v, %v", ok, err)
	}
}

func FuzzNames(f *testing.F) {
	f.Add(`["a","b"]`)
	f.Add(`"a"`)
	f.Fuzz(func(t *testing.T, text string) {
		var names account.Names
		if err := names.UnmarshalJSON([]byte(text)); err == nil && !json.Valid([]byte(text)) {
			t.Errorf("%q is no JSON and was read as %v", text, names)
		}
	})
}
