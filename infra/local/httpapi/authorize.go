package httpapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/appmint/appengine/infra/local/function"
)

// authorize asks the route's authorizer and keeps its context for the
// integration. It answers the request itself when the call may not go on.
func (g *Gateway) authorize(w http.ResponseWriter, r *http.Request, to *route, s *scratch) bool {
	for _, id := range to.identity {
		value, ok := id.in(r)
		if !ok {
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return false
		}
		s.sources = append(s.sources, value)
	}
	payload := s.authorizerEvent()
	if len(payload) > function.MaxPayloadBytes {
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return false
	}
	answer, finished, err := g.pool.Call(r.Context(), to.authorizer.Invoker, payload, AuthorizerTimeout)
	if !finished {
		// It may still be reading the event, so that buffer is its own now.
		s.payload, s.leaked = nil, true
	}
	var allowed bool
	if err == nil {
		allowed, s.lambda, err = readDecision(answer)
	}
	if err != nil {
		g.config.Fail(r, fmt.Errorf("authorizer of %s: %w", to.key, err))
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return false
	}
	if !allowed {
		refuse(w, http.StatusForbidden, "Forbidden")
	}
	return allowed
}

// in finds an identity source that is there and not empty.
func (i identity) in(r *http.Request) (string, bool) {
	if i.header == "Host" {
		return r.Host, r.Host != ""
	}
	if i.header != "" {
		value := r.Header.Get(i.header)
		return value, value != ""
	}
	for _, p := range appendQuery(nil, r.URL.RawQuery) {
		if p.name == i.query && p.value != "" {
			return p.value, true
		}
	}
	return "", false
}

var errDecision = errors.New("answer is not a simple response")

// readDecision reads {"isAuthorized": bool, "context": {…}}. The context is
// null when the authorizer gives none, as in the service.
func readDecision(source []byte) (allowed bool, context []byte, err error) {
	decided := false
	context = []byte("null")
	p := parser{source: source}
	err = p.object(func(name []byte) error {
		start := p.next()
		if err := p.skip(); err != nil {
			return err
		}
		value := source[start:p.at]
		switch string(name) {
		case "isAuthorized":
			allowed, decided = string(value) == "true", true
			if !allowed && string(value) != "false" {
				return errDecision
			}
		case "context":
			context = value
			if value[0] != '{' && string(value) != "null" {
				return errDecision
			}
		}
		return nil
	})
	if err == nil {
		err = p.end()
	}
	if err == nil && !decided {
		err = errDecision
	}
	return allowed, context, err
}
