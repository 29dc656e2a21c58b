package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/table"
)

// Faults that come before a route's own.
var (
	// ErrNoRoute answers for a path or method that nothing serves.
	ErrNoRoute = fault.New(fault.NotFound, "no_such_route", "There is nothing at that address.")
	// ErrMissingOrg asks for the orgid header.
	ErrMissingOrg = fault.New(fault.Invalid, "missing_org", "The request does not say which organisation it is for (orgid header).")
	// ErrRateLimited asks to wait.
	ErrRateLimited = fault.New(fault.RateLimited, "rate_limited", "Too many requests. Please wait a moment and try again.")
	// ErrQuota refuses what the plan does not include.
	ErrQuota = fault.New(fault.Forbidden, "quota_exceeded", "Your plan's limit is reached.")
	// ErrOrgInactive refuses calls of a suspended org.
	ErrOrgInactive = fault.New(fault.Forbidden, "org_inactive", "This organisation's account is not active.")
	// ErrUnknownOrg answers for an orgid that names nobody.
	ErrUnknownOrg = fault.New(fault.NotFound, "unknown_org", "There is no such organisation.")
	// ErrInvalidOrg refuses an orgid that cannot name anybody.
	ErrInvalidOrg = fault.New(fault.Invalid, "invalid_org", "That is not a valid organisation id.")
	// errPanic is what a client learns of a panic.
	errPanic = errors.New("panic")
)

// Outcome is how a call went, for the usage entry.
type Outcome struct {
	Route    Route
	Matched  bool // false when no route was found
	Status   int
	Began    time.Time
	BytesIn  int64
	BytesOut int64
	Duration time.Duration
	Meta     Meta
	Consumed *table.Consumption // what the call cost the table
}

// Mux serves route tables.
type Mux struct {
	tree   tree
	routes []Route
	log    *slog.Logger
	now    func() time.Time
	done   func(context.Context, Outcome)
}

// NewMux builds a server of routes. It refuses a row without access or summary,
// two rows of the same shape, and a path parameter that the input does not bind
// (or the reverse). done may be nil.
func NewMux(routes []Route, log *slog.Logger, now func() time.Time, done func(context.Context, Outcome)) (*Mux, error) {
	m := &Mux{routes: routes, log: log, now: now, done: done}
	wrong := make([]error, 0, 2*len(routes))
	for i := range routes {
		r := &m.routes[i]
		wrong = append(wrong, r.check(), m.tree.add(r))
	}
	return m, errors.Join(wrong...)
}

func (r Route) check() error {
	switch {
	case !r.Access.Declared():
		return fmt.Errorf("route %s: says nothing about who may call it", r.Pattern())
	case r.Summary == "":
		return fmt.Errorf("route %s: has no summary", r.Pattern())
	}
	var scratch tree
	if err := scratch.add(&r); err != nil {
		return err
	}
	names, bound := paramNames(r.Path), r.binder.pathNames()
	for _, n := range names {
		if !slices.Contains(bound, n) {
			return fmt.Errorf("route %s: input %s does not bind {%s}", r.Pattern(), r.in, n)
		}
	}
	return nil
}

// Routes returns the table.
func (m *Mux) Routes() []Route { return m.routes }

// Find returns the route that would serve a method and path.
func (m *Mux) Find(method, path string) (Route, bool) {
	l, _ := m.tree.find(method, segments(path), nil)
	if l == nil {
		return Route{}, false
	}
	return *l.route, true
}

// ServeHTTP serves one call. The context carries the authorizer's verdict
// (auth.WithVerdict); without one the caller is anonymous.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := m.now()
	meta := metaOf(r)
	ctx, consumed := table.WithConsumption(withMeta(r.Context(), meta))
	r = r.WithContext(ctx)
	answer := writer{ResponseWriter: w}
	verdict := auth.VerdictFrom(ctx)
	announce(w.Header(), meta, verdict)

	found, values := m.tree.find(r.Method, segments(r.URL.Path), nil)
	out := Outcome{Meta: meta, Began: began, BytesIn: max(r.ContentLength, 0), Consumed: consumed}
	switch {
	case found == nil && r.Method == http.MethodOptions:
		answer.send(http.StatusNoContent, "", nil) // a preflight that the gateway did not answer itself
	case found == nil:
		m.fail(&answer, r, ErrNoRoute)
	default:
		out.Route, out.Matched = *found.route, true
		answer.consumed = consumedBy(verdict.Principal, consumed)
		m.serve(&answer, r, found, values, verdict)
	}
	if m.done != nil {
		out.Status, out.BytesOut, out.Duration = answer.status, answer.bytes, m.now().Sub(began)
		m.done(ctx, out)
	}
}

func (m *Mux) serve(w *writer, r *http.Request, l *leaf, values []string, v auth.Verdict) {
	ctx := r.Context()
	defer func() {
		if p := recover(); p != nil {
			m.log.ErrorContext(ctx, "panic in handler", "route", l.route.Pattern(), "panic", fmt.Sprint(p), "stack", stack())
			m.fail(w, r, errPanic)
		}
	}()
	if err := m.run(w, r, l, values, v); err != nil {
		m.fail(w, r, err)
	}
}

// run is the order of a call: may it run at all, may this caller, is the input
// right, was it answered before, then the implementation.
func (m *Mux) run(w *writer, r *http.Request, l *leaf, values []string, v auth.Verdict) error {
	route := *l.route
	in, err := route.input(r, l.names, values, v)
	if err != nil {
		return err
	}
	do := func(ctx context.Context) (any, error) { return route.call(ctx, v.Principal, in) }
	a, keyed, err := route.attemptOf(r, v.Principal, in)
	if err != nil {
		return err
	}
	if keyed {
		return m.once(w, r, route, a, do)
	}
	out, err := do(r.Context())
	if err != nil {
		return err
	}
	return route.send(w, out)
}

// input checks that the call may run, and reads what it brings.
func (r Route) input(req *http.Request, names, values []string, v auth.Verdict) (any, error) {
	if err := r.admit(v); err != nil {
		return nil, err
	}
	params := make(map[string]string, len(names))
	for i, name := range names {
		params[name] = values[i]
	}
	return r.binder.bind(req, params, r.BodyMax)
}

// admit decides whether the call may run, from the authorizer's verdict and the
// route's row alone.
func (r Route) admit(v auth.Verdict) error {
	if v.Refused != "" && !r.Free && (!r.Orgless || v.Refused != ErrUnknownOrg.Reason) {
		return refusal(v)
	}
	if !r.Orgless && v.Principal.Org == "" && v.TokenFault == "" {
		return ErrMissingOrg
	}
	if !r.Access.IsPublic() && v.TokenFault != "" {
		return tokenFault(v.TokenFault)
	}
	return r.Access.Check(v.Principal)
}

func refusal(v auth.Verdict) error {
	for _, f := range []*fault.Error{ErrRateLimited, ErrQuota, ErrOrgInactive, ErrUnknownOrg, ErrInvalidOrg} {
		if f.Reason == v.Refused {
			return f.WithRetryAfter(v.Wait())
		}
	}
	return auth.ErrForbidden
}

func tokenFault(reason string) error {
	for _, f := range []*fault.Error{auth.ErrTokenExpired, auth.ErrTokenRevoked, auth.ErrOrgMismatch} {
		if f.Reason == reason {
			return f
		}
	}
	return auth.ErrInvalidToken
}

// consumedBy is who is shown what a call cost: staff.
func consumedBy(who auth.Principal, c *table.Consumption) *table.Consumption {
	if who.IsStaff() {
		return c
	}
	return nil
}

// announce sets the headers every answer carries.
func announce(h http.Header, meta Meta, v auth.Verdict) {
	h.Set("X-Request-Id", meta.RequestID)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if v.Limit > 0 {
		h.Set("X-Ratelimit-Limit", strconv.FormatInt(v.Limit, 10))
		h.Set("X-Ratelimit-Remaining", strconv.FormatInt(v.Remaining, 10))
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(v.Reset, 10))
	}
}
