package main

import (
	"testing"
	"time"

	"github.com/appmint/appengine/functions/monitoring"
	"github.com/appmint/appengine/functions/users"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/testkit"
)

// The first administrator can sign in and reach across tenants; there is no
// second first one.
func TestFoundMakesThePlatformsAdministratorOnce(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, users.New, monitoring.New)
	k.Clock.Advance(time.Until(k.Clock.Now())) // the command goes by the wall clock
	password, err := found(t.Context(), k.Deps.Table, "ops@example.com")
	if err != nil {
		t.Fatal(err)
	}
	k.Deps.Passwords = nil // hashed at the recommended cost
	k.Build(users.New, monitoring.New)
	var session struct {
		Token string `json:"token"`
	}
	k.Anonymous(org.Root).Call("POST", "/profile/user/signin", map[string]string{"email": "ops@example.com", "password": password}).Want(200).Into(&session)
	claims, err := k.Deps.Tokens.Parse(t.Context(), session.Token)
	if err != nil || claims.Org != org.Root || claims.Type != auth.User {
		t.Errorf("got claims %+v, %v", claims, err)
	}
	if _, err := found(t.Context(), k.Deps.Table, "other@example.com"); err == nil {
		t.Error("a second founder was let in")
	}
}
