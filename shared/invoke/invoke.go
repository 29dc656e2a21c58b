// Package invoke is the entry of a function: it tells the payloads that AWS
// sends apart by their shape (HTTP call, authorizer request, bus event, queue
// batch, stream batch) and hands each to the module. It knows the shapes, not
// the AWS SDK, so the laptop runs the very same entry as Lambda does.
package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
)

// Handler runs one module behind Lambda payloads. It implements lambda.Handler.
type Handler struct {
	module app.Module
	mux    *api.Mux
	proxy  *httpadapter.HandlerAdapterV2
	log    *slog.Logger
}

// New builds the entry of a module. finished, which may be nil, is told how
// every HTTP call went, before the answer leaves.
func New(module app.Module, deps app.Deps, finished func(context.Context, api.Outcome)) (*Handler, error) {
	mux, err := api.NewMux(module.Routes, deps.Log, deps.Now, finished)
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", module.Name, err)
	}
	h := &Handler{module: module, mux: mux, log: deps.Log}
	h.proxy = httpadapter.NewV2(repaired(mux))
	return h, nil
}

// errShape refuses a payload that no entry of the module takes.
var errShape = errors.New("payload has no shape that this function takes")

// call answers what the HTTP API asks: may this run, or run this. An authorizer
// has no routes and is only asked the former.
func (h *Handler) call(ctx context.Context, e events.APIGatewayV2HTTPRequest) ([]byte, error) {
	if h.module.Authorize != nil {
		return h.authorize(ctx, e)
	}
	return h.http(ctx, e)
}

// shape is as much of any other payload as it takes to tell the kinds apart.
type shape struct {
	DetailType string `json:"detail-type"`
	Records    []struct {
		Source string `json:"eventSource"`
	} `json:"Records"`
}

// Invoke handles one payload. An error means that the payload was not handled
// and should be delivered again.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if h.module.Authorize != nil || len(h.module.Routes) > 0 {
		if e, ok := decodeHTTP(payload); ok {
			return h.call(ctx, e)
		}
	}
	var s shape
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("decode payload: %w", err)
	}
	switch {
	case s.DetailType != "":
		return nil, h.busEvent(ctx, payload)
	case len(s.Records) > 0 && s.Records[0].Source == "aws:sqs":
		return h.queueBatch(ctx, payload)
	case len(s.Records) > 0 && s.Records[0].Source == "aws:dynamodb" && h.module.Changes != nil:
		return h.streamBatch(ctx, payload)
	}
	return nil, fmt.Errorf("function %s: %w", h.module.Name, errShape)
}
