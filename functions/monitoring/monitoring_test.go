package monitoring_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/monitoring"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table/tabletest"
	"github.com/appmint/appengine/shared/testkit"
)

func operator(k *testkit.Kit) testkit.Client {
	return k.Staff(org.Root, "op@appengine.example", auth.RoleRootAdmin)
}

func TestHealthReportsEveryComponent(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, monitoring.New)
	anybody := k.Anonymous("")
	if diff := cmp.Diff(map[string]any{"status": "ok"}, anybody.Call("GET", "/health", nil).Want(200).Map()); diff != "" {
		t.Errorf("liveness (-want +got):\n%s", diff)
	}
	up := map[string]any{"database": map[string]any{"status": "up"}, "mongodb": map[string]any{"status": "up"}}
	want := map[string]any{"status": "ok", "info": up, "error": map[string]any{}, "details": up}
	if diff := cmp.Diff(want, anybody.Call("GET", "/monitoring/health", nil).Want(200).Map()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A core component that is down makes the report a 503, and its cause stays
// inside.
func TestHealthIs503WhenAComponentIsDown(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	k.Deps.Table = tabletest.Broken()
	k.Deps.Health = map[string]func(context.Context) error{"queue": func(context.Context) error { return errors.New("secret cause") }}
	k.Build(monitoring.New)
	got := k.Anonymous("").Call("GET", "/monitoring/health", nil).Want(503).Map()
	down := map[string]any{"status": "down", "message": "The component does not answer."}
	want := map[string]any{"database": down, "mongodb": down, "queue": down, "redis": down}
	if diff := cmp.Diff(want, got["error"]); got["status"] != "error" || diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func happened(name string, of org.ID, id string, at time.Time) event.Envelope {
	return event.Envelope{ID: id, Name: name, Org: of, OrgID: of, OccurredAt: record.At(at), Source: "api"}
}

// The roll-ups count an event once, however often it is delivered, for the
// platform and for its org.
func TestActivityCountsEachEventOnce(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, monitoring.New)
	now := k.Clock.Now()
	for _, e := range []event.Envelope{
		happened("user.login", "acme", "1", now), happened("user.login", "acme", "1", now),
		happened("user.login", "other", "2", now.Add(-2*time.Hour)), happened("contact.registered", "acme", "3", now),
		happened("org-create", "acme", "4", now.Add(-26*time.Hour)),
	} {
		for _, c := range k.Modules[0].Consumers {
			if c.Event != e.Name {
				continue
			}
			if err := c.Handle(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	type answer struct {
		Totals map[string]int64 `json:"totals"`
		Points []struct {
			T string `json:"t"`
		} `json:"points"`
	}
	cases := map[string]map[string]int64{
		"/monitoring/user-activity":              {"signIns": 2, "customers": 1},
		"/monitoring/user-activity?range=1h":     {"signIns": 1, "customers": 1},
		"/monitoring/user-activity?orgId=acme":   {"signIns": 1, "customers": 1},
		"/monitoring/company-creation":           {"companies": 0},
		"/monitoring/company-creation?range=30d": {"companies": 1},
	}
	for path, want := range cases {
		var got answer
		operator(k).Call("GET", path, nil).Want(200).Into(&got)
		if diff := cmp.Diff(want, got.Totals); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	operator(k).Call("GET", "/monitoring/user-activity?range=2h", nil).Refused(400, "invalid_range")
	operator(k).Call("GET", "/monitoring/user-activity?orgId=a%23b", nil).Refused(400, "invalid_org")
}

// What names tenants is for the platform's own admins, unless the operator
// opens it: an org's full admin is nobody here.
func TestTenantsAreShownToOperatorsOnly(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, monitoring.New)
	k.Owner("acme").Call("GET", "/monitoring/user-activity", nil).Refused(403, "forbidden")
	k.ExerciseAccess()
	k.Deps.Settings.MonitoringPublic = true
	k.Build(monitoring.New)
	k.Anonymous("").Call("GET", "/monitoring/user-activity", nil).Want(200)
}
