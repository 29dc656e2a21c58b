package invoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/shared/auth"
)

// authorize answers an HTTP API's Lambda authorizer (payload 2.0, simple
// responses). It always lets the call through: an HTTP API cannot answer 401 or
// 429 with our error body, so the module's own entry renders the refusal from
// the verdict in the context.
func (h *Handler) authorize(ctx context.Context, e events.APIGatewayV2HTTPRequest) ([]byte, error) {
	verdict, err := h.module.Authorize(ctx, callOf(e))
	if err != nil {
		return nil, fmt.Errorf("authorize: %w", err)
	}
	members, err := verdict.Context()
	if err != nil {
		return nil, err
	}
	answer, err := json.Marshal(events.APIGatewayV2CustomAuthorizerSimpleResponse{IsAuthorized: true, Context: members})
	if err != nil {
		return nil, fmt.Errorf("encode authorizer answer: %w", err)
	}
	return answer, nil
}

func callOf(e events.APIGatewayV2HTTPRequest) auth.Call {
	headers := make(map[string]string, len(e.Headers))
	for name, value := range e.Headers {
		headers[strings.ToLower(name)] = value
	}
	query, _ := url.ParseQuery(e.RawQueryString) // what cannot be read is left out
	first := make(map[string]string, len(query))
	for name, values := range query {
		first[name] = values[0]
	}
	return auth.Call{
		Method: e.RequestContext.HTTP.Method, Path: e.RawPath, Headers: headers, Query: first,
		IP: e.RequestContext.HTTP.SourceIP, RequestID: e.RequestContext.RequestID,
	}
}
