package invoke

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/shared/auth"
)

// http serves an HTTP API call.
func (h *Handler) http(ctx context.Context, e events.APIGatewayV2HTTPRequest) ([]byte, error) {
	ctx, err := withVerdict(ctx, e.RequestContext.Authorizer)
	if err != nil {
		return nil, err
	}
	response, err := h.serve(ctx, e)
	if err != nil {
		return nil, err
	}
	return marshalResponse(response)
}

// withVerdict trusts the authorizer's context and nothing else.
func withVerdict(ctx context.Context, authorizer *events.APIGatewayV2HTTPRequestContextAuthorizerDescription) (context.Context, error) {
	var members map[string]any
	if authorizer != nil {
		members = authorizer.Lambda
	}
	verdict, err := auth.VerdictOf(members)
	if err != nil {
		return nil, err
	}
	return auth.WithVerdict(ctx, verdict), nil
}

func (h *Handler) serve(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if e.IsBase64Encoded && !isBase64(e.Body) {
		return events.APIGatewayV2HTTPResponse{}, fmt.Errorf("body of %s: not base64", e.RequestContext.RequestID)
	}
	original := e
	ctx = context.WithValue(ctx, eventKey{}, &original)
	e.RawPath = (&url.URL{Path: e.RawPath}).EscapedPath()
	return h.proxy.ProxyWithContext(ctx, e)
}

func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

type eventKey struct{}

// repaired undoes two habits of the proxy library (v0.16.2) before the mux sees
// the request: it splits every header it does not know at commas, which breaks
// signature headers such as Stripe's, and it parses rawPath as a URL although
// HTTP APIs deliver it decoded. It also makes the gateway's request id the only
// one: what a client sent under that name is dropped.
func repaired(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e, ok := r.Context().Value(eventKey{}).(*events.APIGatewayV2HTTPRequest); ok {
			for name, value := range e.Headers {
				r.Header[http.CanonicalHeaderKey(name)] = []string{value}
			}
			r.Header["X-Request-Id"] = []string{e.RequestContext.RequestID}
			r.URL.Path, r.URL.RawPath = e.RawPath, ""
		}
		next.ServeHTTP(w, r)
	})
}
