package authorizer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/appmint/appengine/functions/authorizer"
	"github.com/appmint/appengine/functions/users"
	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/testkit"
	"github.com/appmint/appengine/shared/usage"
)

const password = "Secret123"

type m = map[string]any

// counting counts what reaches the table.
type counting struct {
	table.Table
	reads, writes atomic.Int64
}

func (c *counting) Get(ctx context.Context, k table.Key) (table.Item, error) {
	c.reads.Add(1)
	return c.Table.Get(ctx, k)
}

func (c *counting) BatchGet(ctx context.Context, keys []table.Key) ([]table.Item, error) {
	c.reads.Add(1)
	return c.Table.BatchGet(ctx, keys)
}

func (c *counting) Write(ctx context.Context, op table.Op) (table.Item, error) {
	c.writes.Add(1)
	return c.Table.Write(ctx, op)
}

// kit runs the users module beside the authorizer: accounts, keys and apps are
// made the way people make them.
type kit struct {
	*testkit.Kit
	authorizer app.Module
	table      *counting
	calls      *atomic.Int64
}

func newKit(t *testing.T) kit {
	t.Helper()
	k := kit{Kit: testkit.New(t), calls: new(atomic.Int64)}
	k.table = &counting{Table: k.Deps.Table}
	mail := k.Deps.Mail
	k.Deps = testkit.Deps(t, k.table, k.Clock.Now)
	k.Deps.Mail = mail
	k.Build(users.New)
	k.authorizer = authorizer.New(k.Deps)
	return k
}

// call authorizes a call; headers are name, value pairs.
func (k kit) call(path string, headers ...string) auth.Verdict {
	k.T.Helper()
	return k.authorize(auth.Call{Method: "GET", Path: path, Headers: pairs(headers), IP: "192.0.2.1"})
}

func pairs(headers []string) map[string]string {
	set := map[string]string{}
	for i := 0; i+1 < len(headers); i += 2 {
		set[headers[i]] = headers[i+1]
	}
	return set
}

func (k kit) authorize(c auth.Call) auth.Verdict {
	k.T.Helper()
	c.RequestID = fmt.Sprint("r", k.calls.Add(1))
	v, err := k.authorizer.Authorize(k.T.Context(), c)
	if err != nil {
		k.T.Fatal(err)
	}
	return v
}

// signed is a session of somebody.
type signed struct{ id, token, refresh string }

func session(r testkit.Response) signed {
	r.Want(200)
	return signed{id: r.String("user", "sk"), token: r.String("token"), refresh: r.String("refreshToken")}
}

func (k kit) found(id org.ID) signed {
	k.T.Helper()
	return session(k.Anonymous("").Call("POST", "/profile/user/signup", m{"email": "owner@x.example", "password": password, "orgId": id}))
}

// root founds the platform's own org and signs its administrator in.
func (k kit) root() signed {
	k.T.Helper()
	if err := users.Found(k.T.Context(), k.Deps, org.Root, "Root", "root@x.example", password); err != nil {
		k.T.Fatal(err)
	}
	return session(k.Anonymous(org.Root).Call("POST", "/profile/user/signin", m{"email": "root@x.example", "password": password}))
}

func (k kit) customer(id org.ID) signed {
	k.T.Helper()
	return session(k.Anonymous(id).Call("POST", "/profile/customer/signup", m{"email": "cy@x.example", "password": password}))
}

// app registers an application and signs it in.
func (k kit) app(permissions ...string) (token, appID string) {
	k.T.Helper()
	const id = org.ID("acme")
	r := k.Owner(id).Call("POST", "/profile/app/register", m{"name": "Shop", "permissions": permissions}).Want(200)
	in := m{"appId": r.String("appId"), "key": r.String("appKey"), "secret": r.String("appSecret")}
	return k.Anonymous(id).Call("POST", "/profile/app/key", in).Want(200).String("token"), r.String("appId")
}

// key makes an API key of a founder.
func (k kit) key(owner signed, in m) (key, sk string) {
	k.T.Helper()
	const id = org.ID("acme")
	in["name"] = "Nightly"
	who := auth.Principal{Kind: auth.User, Org: id, Home: id, ID: owner.id, Email: "owner@x.example", Roles: []auth.Role{auth.RoleOwner}, Verbs: auth.AllVerbs}
	r := k.As(who).Call("POST", "/api-key/create", in).Want(200)
	return r.String("key"), r.String("data", "sk")
}

func (k kit) counted(id org.ID) usage.Calls {
	k.T.Helper()
	calls, err := k.Deps.Meter.Calls(k.T.Context(), table.Of(k.Deps.Table, id))
	if err != nil {
		k.T.Fatal(err)
	}
	return calls
}

// demote takes the founder's administrator roles, as a broken org might have it.
func (k kit) demote(owner signed) {
	k.T.Helper()
	_, err := repository.Change(k.T.Context(), k.Deps.Records.Tenant("acme"), auth.Platform("acme"), account.Users, owner.id, func(rec *account.Record, _ *repository.Tx) error {
		rec.Data.Set("roles", []string{"Reviewer"})
		return nil
	})
	if err != nil {
		k.T.Fatal(err)
	}
}
