// Package httpapi is API Gateway's HTTP API with Lambda proxy integrations
// of payload version 2.0, as an http.Handler: routing, Lambda authorizer,
// CORS, limits and the translation between HTTP and the functions' JSON.
//
// It stands in every request's way, so events are appended to pooled buffers
// and answers are read by a scanner for their one shape.
package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/appmint/appengine/infra/local/function"
)

// The limits of an HTTP API.
const (
	MaxRequestBytes    = 10 << 20
	IntegrationTimeout = 30 * time.Second
	AuthorizerTimeout  = 10 * time.Second
)

// Config describes one API. Now and Log may be left out.
type Config struct {
	APIID     string
	AccountID string
	Region    string
	Domain    string // such as localhost:3000; what functions see as domainName
	Stage     string // $default when empty
	Routes    []Route
	CORS      *CORS
	Now       func() time.Time
	Fail      func(r *http.Request, err error) // told why a request became a 5xx
}

// Route binds a route key to a function.
type Route struct {
	Key        string // such as "ANY /crm/{proxy+}", or $default
	Invoker    function.Invoker
	Timeout    time.Duration // of the integration; 0 or more than 30 s means 30 s
	Lambda     time.Duration // the function's own timeout; 0 means none that is shorter
	Authorizer *Authorizer   // nil for an open route
}

// Authorizer is a Lambda authorizer of payload version 2.0 with simple
// responses. It is asked for every call: results are not cached.
type Authorizer struct {
	Invoker function.Invoker

	// IdentitySource are expressions such as $request.header.Authorization.
	// A request that lacks one of them is refused without asking.
	IdentitySource []string
}

// route is a Route prepared for serving.
type route struct {
	key        string
	names      []string // of the path variables, in order
	invoker    function.Invoker
	timeout    time.Duration
	late       int // the status when the timeout passes
	authorizer *Authorizer
	identity   []identity
}

// Gateway serves one API. It is safe for concurrent use.
type Gateway struct {
	config  Config
	routes  router
	cors    *cors
	scratch sync.Pool // of *scratch
	pool    *function.Pool
	prefix  string // of authorizers' route ARNs
}

// New prepares an API. It refuses malformed route keys, doubled routes,
// identity sources it cannot read and CORS that the service would refuse.
func New(config Config) (*Gateway, error) {
	if config.Stage == "" {
		config.Stage = "$default"
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Fail == nil {
		config.Fail = func(*http.Request, error) {}
	}
	g := &Gateway{
		config:  config,
		scratch: sync.Pool{New: func() any { return new(scratch) }},
		pool:    function.NewPool(),
		prefix:  fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/", config.Region, config.AccountID, config.APIID, config.Stage),
	}
	var err error
	if g.cors, err = newCORS(config.CORS); err != nil {
		return nil, err
	}
	for _, source := range config.Routes {
		if err := g.add(source); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *Gateway) add(source Route) error {
	if source.Invoker == nil {
		return fmt.Errorf("route %q: no function", source.Key)
	}
	prepared := &route{key: source.Key, invoker: source.Invoker, timeout: source.Timeout, authorizer: source.Authorizer}
	if prepared.timeout <= 0 || prepared.timeout > IntegrationTimeout {
		prepared.timeout = IntegrationTimeout
	}
	prepared.late = http.StatusServiceUnavailable
	if source.Lambda > 0 && source.Lambda < prepared.timeout {
		// A function that Lambda ends is a failed function, not a slow one.
		prepared.timeout, prepared.late = source.Lambda, http.StatusInternalServerError
	}
	if source.Authorizer != nil {
		for _, expression := range source.Authorizer.IdentitySource {
			id, err := parseIdentity(expression)
			if err != nil {
				return fmt.Errorf("route %q: %w", source.Key, err)
			}
			prepared.identity = append(prepared.identity, id)
		}
	}
	return g.routes.add(source.Key, prepared)
}

// identity is a parsed identity source.
type identity struct {
	header string // canonical; empty for a query parameter
	query  string
}

func parseIdentity(expression string) (identity, error) {
	if name, ok := strings.CutPrefix(expression, "$request.header."); ok && name != "" {
		return identity{header: http.CanonicalHeaderKey(name)}, nil
	}
	if name, ok := strings.CutPrefix(expression, "$request.querystring."); ok && name != "" {
		return identity{query: name}, nil
	}
	return identity{}, fmt.Errorf("identity source %q: want a header or a query string", expression)
}

// ServeHTTP answers one request as the API does.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, ok := g.scratch.Get().(*scratch)
	if !ok {
		s = new(scratch)
	}
	s.reset()
	g.serve(w, r, s)
	if !s.leaked {
		g.scratch.Put(s)
	}
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, s *scratch) {
	s.requestID = newRequestID()
	header := w.Header()
	header["Apigw-Requestid"] = []string{s.requestID}
	g.cors.decorate(header, r)
	to, values := g.routes.find(r.Method, r.URL.Path, s.values[:0])
	s.values = values
	preflight := g.cors.isPreflight(r)
	if to == nil {
		if preflight {
			g.cors.answer(w, r)
			return
		}
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	if err := s.readBody(w, r); err != nil {
		status, text := bodyFault(err)
		refuse(w, status, text)
		return
	}
	s.prepare(g, r, to)
	if to.authorizer != nil && !g.authorize(w, r, to, s) {
		return
	}
	if preflight {
		g.cors.answer(w, r)
		return
	}
	g.integrate(w, r, to, s)
}

func bodyFault(err error) (status int, text string) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge, "Request Entity Too Large"
	}
	return http.StatusBadRequest, "Bad Request"
}

// integrate invokes the route's function and writes its answer.
func (g *Gateway) integrate(w http.ResponseWriter, r *http.Request, to *route, s *scratch) {
	payload := s.integrationEvent()
	if len(payload) > function.MaxPayloadBytes {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	answer, finished, err := g.pool.Call(r.Context(), to.invoker, payload, to.timeout)
	s.leaked = s.leaked || !finished
	if err == nil && len(answer) > function.MaxPayloadBytes {
		err = fmt.Errorf("response of %d bytes exceeds the limit of %d", len(answer), function.MaxPayloadBytes)
	}
	if err == nil {
		if err = s.answer.read(answer); err == nil {
			s.answer.write(w, g.cors != nil)
			return
		}
	}
	g.config.Fail(r, fmt.Errorf("%s: %w", to.key, err))
	if errors.Is(err, function.ErrTimeout) && to.late == http.StatusServiceUnavailable {
		refuse(w, http.StatusServiceUnavailable, "Service Unavailable")
		return
	}
	refuse(w, http.StatusInternalServerError, "Internal Server Error")
}

// refuse answers in the gateway's own words.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"message":"` + message + `"}`)) // a client that is gone is no fault of ours
}
