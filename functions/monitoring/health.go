package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

// errUnhealthy declares the status that an unhealthy report has.
var errUnhealthy = fault.New(fault.Unavailable, "unhealthy", "A core component is down.")

const (
	// probeTimeout bounds one probe; probesFor is how long a report is good, so
	// that an open, unmetered route cannot be turned into load on storage.
	probeTimeout = 2 * time.Second
	probesFor    = 5 * time.Second
)

// component is the state of one component.
type component struct {
	Status  string `json:"status" enum:"up,down"`
	Message string `json:"message,omitempty"`
}

// report is the answer of /monitoring/health. Info lists components that are
// up, Error those that are down, Details both.
type report struct {
	Status  string               `json:"status" enum:"ok,error"`
	Info    map[string]component `json:"info"`
	Error   map[string]component `json:"error"`
	Details map[string]component `json:"details"`
}

type health struct {
	now    func() time.Time
	probes map[string]func(context.Context) error

	mu    sync.Mutex
	last  report
	until time.Time
}

// newHealth probes the table, and whatever else the deployment names.
func newHealth(deps app.Deps) *health {
	root := table.Of(deps.Table, org.Root)
	probes := map[string]func(context.Context) error{
		"database": func(ctx context.Context) error {
			_, err := root.Get(ctx, table.Key{Part: "health", Sort: "probe"})
			if errors.Is(err, table.ErrNotFound) {
				return nil
			}
			return err
		},
	}
	for name, probe := range deps.Health {
		probes[name] = probe
	}
	return &health{now: deps.Now, probes: probes}
}

// aliases keep dashboards green that were written for other engines.
func aliases() map[string]string {
	return map[string]string{"database": "mongodb", "queue": "redis"}
}

func (h *health) report(ctx context.Context) report {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now().Before(h.until) {
		return h.last
	}
	h.last = report{Status: "ok", Info: map[string]component{}, Error: map[string]component{}, Details: map[string]component{}}
	for name, err := range h.probeAll(ctx) {
		h.last.add(name, err)
		if alias, ok := aliases()[name]; ok {
			h.last.add(alias, err)
		}
	}
	h.until = h.now().Add(probesFor)
	return h.last
}

func (h *health) probeAll(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	results := map[string]error{}
	for name, probe := range h.probes {
		wg.Go(func() {
			err := probe(ctx)
			mu.Lock()
			defer mu.Unlock()
			results[name] = err
		})
	}
	wg.Wait()
	return results
}

func (r *report) add(name string, err error) {
	c := component{Status: "up"}
	if err != nil {
		c = component{Status: "down", Message: "The component does not answer."}
		r.Status = "error"
		r.Error[name] = c
	} else {
		r.Info[name] = c
	}
	r.Details[name] = c
}

type nothing struct{}

type liveness struct {
	Status string `json:"status"`
}

func (s service) alive(context.Context, auth.Principal, nothing) (liveness, error) {
	return liveness{Status: "ok"}, nil
}

func (s service) components(ctx context.Context, _ auth.Principal, _ nothing) (*api.Answer, error) {
	r := s.health.report(ctx)
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode report: %w", err)
	}
	status := 0
	if r.Status != "ok" {
		status = api.StatusOf(errUnhealthy.Kind)
	}
	return &api.Answer{Status: status, ContentType: "application/json; charset=utf-8", Body: text}, nil
}
