package organisations_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/appmint/appengine/functions/organisations"
	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/testkit"
)

type m = map[string]any

const password = "correct horse 9"

type kit struct {
	*testkit.Kit
	accounts *account.Accounts
}

func newKit(t *testing.T) kit {
	t.Helper()
	k := testkit.New(t, organisations.New)
	return kit{Kit: k, accounts: account.NewAccounts(k.Deps)}
}

// person is somebody with an account, signed in.
type person struct {
	testkit.Client
	id    string
	email string
}

// as is who a session belongs to, with the roles that the authorizer would find.
func (k kit) as(s account.Session) person {
	k.T.Helper()
	claims, err := k.Deps.Tokens.Parse(k.T.Context(), s.Token)
	if err != nil {
		k.T.Fatal(err)
	}
	p := auth.Principal{
		Kind: claims.Type, Org: claims.Org, Home: claims.Org, ID: claims.Subject, Email: claims.Email, Name: claims.Name,
		Roles: account.AsRoles(claims.Roles), Session: claims.Session,
	}
	p.Verbs = auth.VerbsOf(append(slices.Clone(p.Roles), auth.RoleUser))
	return person{Client: k.As(p), id: claims.Subject, email: claims.Email}
}

func staff(email string) account.New {
	f := account.Fields{}
	f.Set("email", email)
	return account.New{Kind: auth.User, Fields: account.StaffFields(f, "", ""), Password: password}
}

// found makes an org with an owner, owner@<id>.example.
func (k kit) found(id org.ID) person {
	k.T.Helper()
	email := "owner@" + id.String() + ".example"
	s, err := k.accounts.Found(k.T.Context(), account.NewOrg{ID: id.String(), Name: "The " + id.String(), Email: email}, staff(email))
	if err != nil {
		k.T.Fatal(err)
	}
	return k.as(s)
}

// hire makes a user of acme with roles.
func (k kit) hire(name string, roles ...string) person {
	k.T.Helper()
	n := staff(name + "@acme.example")
	n.Fields.Set("roles", append([]string{}, roles...))
	s, err := k.accounts.Create(k.T.Context(), "acme", n, nil)
	if err != nil {
		k.T.Fatal(err)
	}
	return k.as(s)
}

// operator is an administrator of the platform working in an org.
func (k kit) operator(id org.ID) testkit.Client {
	return k.As(auth.Principal{
		Kind: auth.User, Org: id, Home: org.Root, ID: "user-op", Email: "op@appengine.example", Name: "Op",
		Roles: []auth.Role{auth.RoleRootAdmin}, Verbs: auth.AllVerbs,
	})
}

// announces fails the test unless the events since the last look have the names.
func (k kit) announces(names ...string) {
	k.T.Helper()
	got := k.EventNames()
	for _, name := range names {
		if !slices.Contains(got, name) {
			k.T.Errorf("events %v lack %s", got, name)
		}
	}
}

// mailed is the last message to an address; the token of its link is returned.
func (k kit) mailed(to string) (token string) {
	k.T.Helper()
	sent := k.Mail.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if sent[i].To == to {
			_, rest, _ := strings.Cut(sent[i].Text, "token=")
			return strings.Fields(rest + " ")[0]
		}
	}
	k.T.Fatalf("no mail to %s", to)
	return ""
}

// reads fails the test unless a path of an answer has a value.
func reads(t *testing.T, r testkit.Response, want any, path ...string) {
	t.Helper()
	value := any(r.Map())
	for _, name := range path {
		members, _ := value.(m)
		value = members[name]
	}
	if value != want {
		t.Errorf("%v = %v, want %v in %s", path, value, want, r.Body)
	}
}

func TestEveryRouteRefusesWhoMayNotCall(t *testing.T) {
	t.Parallel()
	if calls := newKit(t).ExerciseAccess(); calls < 150 {
		t.Errorf("only %d calls", calls)
	}
}
