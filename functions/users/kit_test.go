package users_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/appmint/appengine/functions/users"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/testkit"
)

const password = "Secret123"

type m = map[string]any

type kit struct{ *testkit.Kit }

func newKit(t *testing.T) kit {
	t.Helper()
	return kit{testkit.New(t, users.New)}
}

// person is somebody who signed up or in, with the client that acts for them.
type person struct {
	testkit.Client
	id, email, token, refresh string
	body                      m
}

// as makes a person of a session's answer; claims are what the authorizer reads.
func (k kit) as(r testkit.Response) person {
	k.T.Helper()
	roles := make([]auth.Role, 0, 4)
	claims, err := k.Deps.Tokens.Parse(k.T.Context(), r.String("token"))
	if err != nil {
		k.T.Fatalf("token: %v", err)
	}
	for _, name := range claims.Roles {
		roles = append(roles, auth.Role(name))
	}
	p := auth.Principal{
		Kind: claims.Type, Org: claims.Org, Home: claims.Org, ID: claims.SK, Email: claims.Email, Name: claims.Name,
		Roles: roles, Groups: claims.Groups, Verbs: auth.VerbsOf(append(slices.Clone(roles), auth.RoleUser)), Session: claims.Session,
	}
	refresh, _ := r.Map()["refreshToken"].(string)
	return person{Client: k.As(p), id: claims.SK, email: claims.Email, token: r.String("token"), refresh: refresh, body: r.Map()}
}

// found founds an organisation and returns its owner.
func (k kit) found(id org.ID) person {
	k.T.Helper()
	r := k.Anonymous("").Call("POST", "/profile/user/signup", m{
		"email": "owner@" + string(id) + ".example", "password": password, "firstName": "Ada", "lastName": "Byron",
		"orgName": "The " + string(id), "orgId": id,
	}).Want(200)
	return k.as(r)
}

// hire adds a staff user to an org, by invitation, and gives them roles.
func (k kit) hire(owner person, email string, roles ...string) person {
	k.T.Helper()
	id := owner.Principal().Org
	k.invite(id, email, "")
	k.Anonymous(id).Call("POST", "/profile/user/signup", m{"email": email, "password": password, "firstName": "Bob"}).Want(200)
	if len(roles) > 0 {
		owner.Call("POST", "/profile/user/role/add", m{"email": email, "roles": roles}).Want(200)
	}
	return k.as(k.Anonymous(id).Call("POST", "/profile/user/signin", m{"email": email, "password": password}).Want(200))
}

// ignore drops the events so far.
func (k kit) ignore() { k.Events() }

func (k kit) announces(names ...string) {
	k.T.Helper()
	got := k.EventNames()
	for _, name := range names {
		if !slices.Contains(got, name) {
			k.T.Errorf("events %v, want %s among them", got, name)
		}
	}
}

// secretless fails the test when an answer shows what must stay on the server.
func (k kit) secretless(r testkit.Response) {
	k.T.Helper()
	for _, word := range []string{password, "$argon2id", `"keyHash"`, `"password"`, `"hash"`, `"passcode"`} {
		if strings.Contains(string(r.Body), word) {
			k.T.Errorf("the answer shows %s: %s", word, r.Body)
		}
	}
}

// everything is a find without a filter.
var everything = repository.Find{}
