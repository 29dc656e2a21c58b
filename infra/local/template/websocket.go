package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// defaultSelection is how SAM and most templates choose a route.
const defaultSelection = "$request.body.action"

// webSocket reads AWS::Serverless::WebSocketApi.
func (b *builder) webSocket(id string, properties map[string]any) error {
	var p struct {
		Selection string `json:"RouteSelectionExpression"`
		StageName string `json:"StageName"`
		Routes    map[string]struct {
			FunctionArn string `json:"FunctionArn"`
		} `json:"Routes"`
		Auth struct {
			AuthType       string   `json:"AuthType"`
			AuthArn        string   `json:"AuthArn"`
			IdentitySource []string `json:"IdentitySource"`
		} `json:"Auth"`
	}
	if err := b.into(properties, &p); err != nil {
		return err
	}
	api := newSocket(id, p.Selection, p.StageName)
	for _, key := range slices.Sorted(maps.Keys(p.Routes)) {
		function, err := b.expect("route "+key, p.Routes[key].FunctionArn, "Function")
		if err != nil {
			return err
		}
		api.Routes[key] = function
	}
	switch p.Auth.AuthType {
	case "", "NONE":
	case "CUSTOM":
		var err error
		if api.Authorizer, err = b.expect("AuthArn", p.Auth.AuthArn, "Function"); err != nil {
			return err
		}
		api.IdentitySource = p.Auth.IdentitySource
	default:
		return fmt.Errorf("AuthType: %s is not known to the local run", p.Auth.AuthType)
	}
	b.sockets[id] = api
	return nil
}

func newSocket(id, selection, stage string) *WebSocketAPI {
	if selection == "" {
		selection = defaultSelection
	}
	if stage == "" {
		stage = "default"
	}
	return &WebSocketAPI{ID: id, Selection: selection, Stage: stage, Routes: map[string]string{}}
}

// plainSockets reads WebSocket APIs in their AWS::ApiGatewayV2 form, where
// routes, integrations and authorizers are resources of their own.
func (b *builder) plainSockets() error {
	var failures []error
	for _, id := range b.ofKind("AWS::ApiGatewayV2::Api") {
		var p struct {
			ProtocolType string `json:"ProtocolType"`
			Selection    string `json:"RouteSelectionExpression"`
		}
		if err := b.into(b.resources[id].properties, &p); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", id, err))
			continue
		}
		if p.ProtocolType == "WEBSOCKET" {
			b.sockets[id] = newSocket(id, p.Selection, "")
		} else {
			b.ignored["AWS::ApiGatewayV2::Api "+p.ProtocolType] = true
		}
	}
	for _, id := range b.ofKind("AWS::ApiGatewayV2::Route") {
		if err := b.plainRoute(id); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", id, err))
		}
	}
	return errors.Join(failures...)
}

func (b *builder) ofKind(kind string) []string {
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(b.resources)) {
		if b.resources[id].kind == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

func (b *builder) plainRoute(id string) error {
	var p struct {
		APIID        string `json:"ApiId"`
		RouteKey     string `json:"RouteKey"`
		Target       string `json:"Target"`
		AuthorizerID string `json:"AuthorizerId"`
	}
	if err := b.into(b.resources[id].properties, &p); err != nil {
		return err
	}
	api, ok := b.sockets[b.known(p.APIID)]
	if !ok {
		b.ignored["AWS::ApiGatewayV2::Route of an HTTP API"] = true
		return nil
	}
	var integration struct {
		URI string `json:"IntegrationUri"`
	}
	target := b.known(strings.TrimPrefix(p.Target, "integrations/"))
	if err := b.into(b.resources[target].properties, &integration); err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	function, err := b.expect("Target", integration.URI, "Function")
	if err != nil {
		return err
	}
	api.Routes[p.RouteKey] = function
	if p.AuthorizerID == "" {
		return nil
	}
	return b.plainAuthorizer(api, b.known(p.AuthorizerID))
}

func (b *builder) plainAuthorizer(api *WebSocketAPI, id string) error {
	var p struct {
		URI            string   `json:"AuthorizerUri"`
		IdentitySource []string `json:"IdentitySource"`
	}
	if err := b.into(b.resources[id].properties, &p); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	function, err := b.expect("AuthorizerId", p.URI, "Function")
	api.Authorizer, api.IdentitySource = function, p.IdentitySource
	return err
}
