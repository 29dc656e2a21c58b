package invoke

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/shared/auth"
)

// authorize answers an HTTP API's Lambda authorizer (payload 2.0, simple
// responses). It always lets the call through: an HTTP API cannot answer 401 or
// 429 with our error body, so the module's own entry renders the refusal from
// the verdict in the context.
func (h *Handler) authorize(ctx context.Context, payload []byte) ([]byte, error) {
	var e events.APIGatewayV2CustomAuthorizerV2Request
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("decode authorizer request: %w", err)
	}
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

func callOf(e events.APIGatewayV2CustomAuthorizerV2Request) auth.Call {
	headers := make(map[string]string, len(e.Headers))
	for name, value := range e.Headers {
		headers[strings.ToLower(name)] = value
	}
	return auth.Call{
		Method: e.RequestContext.HTTP.Method, Path: e.RawPath, Headers: headers, Query: e.QueryStringParameters,
		IP: e.RequestContext.HTTP.SourceIP, RequestID: e.RequestContext.RequestID,
	}
}
