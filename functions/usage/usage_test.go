package usage_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/usage"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/testkit"
	metering "github.com/appmint/appengine/shared/usage"
)

type m = map[string]any

type kit struct{ *testkit.Kit }

func newKit(t *testing.T) kit {
	t.Helper()
	return kit{testkit.New(t, usage.New)}
}

// root is an administrator of the platform.
func (k kit) root() testkit.Client { return k.Staff(org.Root, "root@x.example", auth.RoleRootAdmin) }

// meter counts n calls of an org, as the authorizer does.
func (k kit) meter(id org.ID, n int) {
	k.T.Helper()
	for range n {
		if _, err := k.Deps.Meter.Take(k.T.Context(), table.Of(k.Deps.Table, id), metering.Limits{}); err != nil {
			k.T.Fatal(err)
		}
	}
}

// record writes the entries of n finished calls, as a module's host does.
func (k kit) record(id org.ID, request string, n int) {
	k.T.Helper()
	for i := range n {
		e := metering.Entry{
			Org: id, RequestID: fmt.Sprint(request, i), At: k.Clock.Now(), Email: "ada@acme.example", Method: "POST", Path: "/crm/tickets",
			Route: "POST /crm/tickets", BytesIn: 10, BytesOut: 90, Failed: i%3 == 2,
		}
		if err := k.Deps.Recorder.Record(k.T.Context(), e); err != nil {
			k.T.Fatal(err)
		}
	}
}

func TestCurrentCountsEveryCall(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.meter("acme", 7)
	k.record("acme", "r", 3)
	r := k.Owner("acme").Call("GET", "/usage/acme/current", nil).Want(200)
	types, _ := r.Map()["types"].(m)
	want := m{"used": 7.0, "limit": nil, "cost": 0.0}
	if diff := cmp.Diff(types["api-calls"], any(want)); diff != "" {
		t.Errorf("api-calls (-got +want):\n%s", diff)
	}
	if bandwidth, _ := types["bandwidth"].(m); bandwidth["used"] != 300.0 {
		t.Errorf("bandwidth = %v", bandwidth)
	}
	period, _ := r.Map()["period"].(m)
	if diff := cmp.Diff(period, m{"start": "2026-04-01T00:00:00.000Z", "end": "2026-05-01T00:00:00.000Z"}); diff != "" {
		t.Errorf("period (-got +want):\n%s", diff)
	}
	one := k.Owner("acme").Call("GET", "/usage/acme/current/api-calls", nil).Want(200).Map()
	none := k.Owner("acme").Call("GET", "/usage/acme/current/unheard", nil).Want(200).Map()
	if one["type"] != "api-calls" || one["used"] != 7.0 || none["used"] != 0.0 {
		t.Errorf("one = %v, none = %v", one, none)
	}
}

func TestCurrentOfAnotherOrg(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.meter("acme", 2)
	other := k.Owner("acme-corp")
	other.Call("GET", "/usage/acme/current", nil).Refused(403, "token_org_mismatch")
	other.Call("GET", "/usage/acme/current/api-calls", nil).Refused(403, "token_org_mismatch")
	other.Call("GET", "/usage/No%20Good/current", nil).Refused(403, "token_org_mismatch")
	if r := k.root().Call("GET", "/usage/acme/current/api-calls", nil).Want(200).Map(); r["used"] != 2.0 {
		t.Errorf("root sees %v", r)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.root().Call("POST", "/usage/endpoints", m{"endpoint": "/crm/tickets", "cost": 2}).Want(200)
	k.record("acme", "a", 3)
	k.Clock.Advance(24 * time.Hour)
	k.record("acme", "b", 2)
	k.record("acme-corp", "c", 9)
	var got struct {
		Totals    m   `json:"totals"`
		ByDay     []m `json:"byDay"`
		ByFeature []m `json:"byFeature"`
		ByRoute   []m `json:"byRoute"`
		ByUser    []m `json:"byUser"`
	}
	owner := k.Owner("acme")
	owner.Call("GET", "/usage/stats?groupBy=route&from=2026-04-10&to=2026-04-11", nil).Want(200).Into(&got)
	want := m{"requests": 5.0, "failed": 1.0, "bytesIn": 50.0, "bytesOut": 450.0, "tokenCost": 8.0, "dollarCost": 0.08}
	if diff := cmp.Diff(got.Totals, want); diff != "" {
		t.Errorf("totals (-got +want):\n%s", diff)
	}
	if len(got.ByDay) != 2 || got.ByDay[1]["date"] != "2026-04-11" || got.ByDay[1]["requests"] != 2.0 {
		t.Errorf("byDay = %v", got.ByDay)
	}
	if len(got.ByFeature) != 1 || got.ByFeature[0]["feature"] != "crm" || len(got.ByRoute) != 1 || got.ByRoute[0]["requests"] != 5.0 {
		t.Errorf("byFeature = %v, byRoute = %v", got.ByFeature, got.ByRoute)
	}
	owner.Call("GET", "/usage/stats?groupBy=user&from=2026-04-11", nil).Want(200).Into(&got)
	if len(got.ByUser) != 1 || got.ByUser[0]["user"] != "ada@acme.example" || got.ByUser[0]["requests"] != 2.0 {
		t.Errorf("byUser = %v", got.ByUser)
	}
	owner.Call("GET", "/usage/stats?from=soon", nil).Refused(400, "invalid_date")
	owner.Call("GET", "/usage/stats?from=2026-04-11&to=2026-04-10", nil).Refused(400, "invalid_range")
	owner.Call("GET", "/usage/stats?groupBy=moon", nil).Refused(400, "validation_failed")
}

func TestHistory(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.record("acme", "a", 3)
	k.record("acme-corp", "c", 2)
	for path, want := range map[string]int{"/usage/history": 3, "/usage/history/api-calls": 3, "/usage/history/sms": 0} {
		r := k.Owner("acme").Call("GET", path+"?p=1&ps=2", nil).Want(200).Map()
		data, _ := r["data"].([]any)
		if r["total"] != float64(want) || len(data) != min(2, want) || r["hasNext"] != (want > 2) {
			t.Errorf("%s = %v", path, r)
		}
	}
	k.Owner("acme").Call("GET", "/usage/history?p=1000&ps=200", nil).Refused(400, "page_too_far")
	k.Owner("acme").Call("GET", "/usage/history?from=x", nil).Refused(400, "invalid_date")
}

func TestEndpointPrices(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	root, owner := k.root(), k.Owner("acme")
	k.Events()
	if r := root.Call("POST", "/usage/endpoints", m{"endpoint": "/a/{id}", "cost": 1.5}).Want(200).Map(); r["cost"] != 1.5 || r["active"] != true {
		t.Errorf("price = %v", r)
	}
	root.Call("POST", "/usage/endpoints", []m{{"endpoint": "/b", "method": "post", "cost": 1}, {"endpoint": "/c", "cost": 0}}).Want(200)
	listed := map[string]any{}
	var list []m
	owner.Call("GET", "/usage/endpoints", nil).Want(200).Into(&list)
	for _, p := range list {
		listed[fmt.Sprint(p["endpoint"])] = p["cost"]
	}
	if listed["/a/{id}"] != 1.5 || listed["/b"] != 1.0 || listed["/c"] != 0.0 {
		t.Errorf("prices = %v", listed)
	}
	for _, path := range []string{"/usage/endpoints/a/{id}", "/usage/endpoints/%2Fb", "/usage/endpoints/%252Fc"} {
		root.Call("DELETE", path, nil).Want(200)
		root.Call("DELETE", path, nil).Refused(404, "unknown_endpoint")
	}
	for _, in := range []any{m{"endpoint": "/a"}, m{"endpoint": "/a", "cost": -1}, m{"endpoint": "/a", "cost": "x"}, m{}} {
		root.Call("POST", "/usage/endpoints", in).Refused(400, "invalid_cost")
	}
	for _, in := range []any{m{"endpoint": "a", "cost": 1}, []m{}} {
		root.Call("POST", "/usage/endpoints", in).Refused(400, "invalid_endpoint")
	}
	owner.Call("POST", "/usage/endpoints", m{"endpoint": "/a", "cost": 1}).Want(403)
}

func TestBalanceAndLimits(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	text, err := json.Marshal(m{"name": "acme", "plan": "pro", "balance": 7, "spendLimit": 200, "active": true})
	if err != nil {
		t.Fatal(err)
	}
	tx := k.Deps.Records.Tenant("acme").Begin(auth.Platform("acme"))
	tx.Create(record.Raw{Datatype: "company", Data: text})
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	credit := ledger.Credit{Type: ledger.Gift, Amount: 42_100_000}
	if _, err := ledger.Of(table.Of(k.Deps.Table, "acme"), k.Clock.Now, k.Deps.NewID).Credit(t.Context(), credit, nil); err != nil {
		t.Fatal(err)
	}
	k.root().Call("POST", "/usage/endpoints", m{"endpoint": "/crm/tickets", "cost": 100}).Want(200)
	k.record("acme", "a", 2)
	k.meter("acme", 4)
	want := m{
		"balance": 42.1, "currency": "USD", "hasSubscription": true, "subscriptionLimit": 100.0, "subscriptionUsed": 2.0,
		"spendRate": 0.0, "spendLimit": 200.0, "plan": "pro", "active": true,
	}
	if diff := cmp.Diff(k.Owner("acme").Call("GET", "/usage/balance", nil).Want(200).Map(), want); diff != "" {
		t.Errorf("balance (-got +want):\n%s", diff)
	}
	if r := k.Owner("acme-corp").Call("GET", "/usage/balance", nil).Want(200).Map(); r["balance"] != 0.0 || r["plan"] != "free" {
		t.Errorf("balance of an org without record = %v", r)
	}
	limits := k.Owner("acme").Call("GET", "/usage/limits", nil).Want(200)
	minute, _ := limits.Map()["org"].(m)["minute"].(m)
	if limits.String("plan") != "pro" || minute["limit"] != 24000.0 || minute["used"] != 4.0 {
		t.Errorf("limits = %s", limits.Body)
	}
}

func TestEveryRouteRefusesWhoMayNotCall(t *testing.T) {
	t.Parallel()
	if calls := newKit(t).ExerciseAccess(); calls < 60 {
		t.Errorf("only %d calls", calls)
	}
}
