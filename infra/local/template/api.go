package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

type corsProperties struct {
	AllowOrigins     []string `json:"AllowOrigins"`
	AllowMethods     []string `json:"AllowMethods"`
	AllowHeaders     []string `json:"AllowHeaders"`
	ExposeHeaders    []string `json:"ExposeHeaders"`
	MaxAge           number   `json:"MaxAge"`
	AllowCredentials flag     `json:"AllowCredentials"`
	any              bool
}

// UnmarshalJSON accepts an object, and true for any origin.
func (c *corsProperties) UnmarshalJSON(source []byte) error {
	if string(source) == "true" || string(source) == "false" {
		c.any = string(source) == "true"
		return nil
	}
	type plain corsProperties
	return json.Unmarshal(source, (*plain)(c))
}

func (c *corsProperties) model() *CORS {
	if c == nil || (!c.any && len(c.AllowOrigins) == 0) {
		return nil
	}
	if c.any {
		return &CORS{AllowOrigins: []string{"*"}}
	}
	return &CORS{
		AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders,
		ExposeHeaders: c.ExposeHeaders, MaxAgeSeconds: int(c.MaxAge), AllowCredentials: bool(c.AllowCredentials),
	}
}

type httpAPIProperties struct {
	StageName         string          `json:"StageName"`
	CorsConfiguration *corsProperties `json:"CorsConfiguration"`
	Auth              struct {
		DefaultAuthorizer string                          `json:"DefaultAuthorizer"`
		Authorizers       map[string]authorizerProperties `json:"Authorizers"`
	} `json:"Auth"`
}

type authorizerProperties struct {
	FunctionArn           string `json:"FunctionArn"`
	PayloadFormatVersion  string `json:"AuthorizerPayloadFormatVersion"`
	EnableSimpleResponses flag   `json:"EnableSimpleResponses"`
	Identity              struct {
		Headers        []string `json:"Headers"`
		QueryStrings   []string `json:"QueryStrings"`
		StageVariables []string `json:"StageVariables"`
		Context        []string `json:"Context"`
	} `json:"Identity"`
}

func (b *builder) httpAPI(id string, properties map[string]any) error {
	var p httpAPIProperties
	if err := b.into(properties, &p); err != nil {
		return err
	}
	api := &HTTPAPI{ID: id, Stage: p.StageName, CORS: p.CorsConfiguration.model(), Authorizers: map[string]Authorizer{}}
	if api.Stage == "" {
		api.Stage = "$default"
	}
	if api.CORS != nil && api.CORS.AllowCredentials && slices.Contains(api.CORS.AllowOrigins, "*") {
		return errors.New("property CorsConfiguration: credentials cannot be allowed for the origin *")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Auth.Authorizers)) {
		a, err := b.authorizer(p.Auth.Authorizers[name])
		if err != nil {
			return fmt.Errorf("authorizer %s: %w", name, err)
		}
		api.Authorizers[name] = a
	}
	if name := p.Auth.DefaultAuthorizer; name != "" {
		if _, ok := api.Authorizers[name]; !ok {
			return fmt.Errorf("property DefaultAuthorizer: there is no authorizer %s", name)
		}
		b.defaults[id] = name
	}
	b.apis[id] = api
	return nil
}

func (b *builder) authorizer(p authorizerProperties) (Authorizer, error) {
	if p.PayloadFormatVersion != "2.0" || !bool(p.EnableSimpleResponses) {
		return Authorizer{}, errors.New("the local run knows Lambda authorizers of payload version 2.0 with simple responses")
	}
	function, err := b.expect("FunctionArn", p.FunctionArn, "Function")
	if err != nil {
		return Authorizer{}, err
	}
	if len(p.Identity.StageVariables)+len(p.Identity.Context) > 0 {
		return Authorizer{}, errors.New("property Identity: the local run knows headers and query strings")
	}
	a := Authorizer{Function: function}
	for _, name := range p.Identity.Headers {
		a.IdentitySource = append(a.IdentitySource, "$request.header."+name)
	}
	for _, name := range p.Identity.QueryStrings {
		a.IdentitySource = append(a.IdentitySource, "$request.querystring."+name)
	}
	return a, nil
}

// pendingRoute is a function's route before all APIs are known.
type pendingRoute struct {
	function string
	api      string
	key      string
	auth     string
	timeout  time.Duration
}

func (b *builder) route(function string, source json.RawMessage) error {
	var p struct {
		APIID           string `json:"ApiId"`
		Path            string `json:"Path"`
		Method          string `json:"Method"`
		TimeoutInMillis number `json:"TimeoutInMillis"`
		Version         string `json:"PayloadFormatVersion"`
		Auth            struct {
			Authorizer string `json:"Authorizer"`
		} `json:"Auth"`
	}
	if err := json.Unmarshal(source, &p); err != nil {
		return err
	}
	if p.Version != "" && p.Version != "2.0" {
		return errors.New("property PayloadFormatVersion: the local run knows 2.0")
	}
	route := pendingRoute{
		function: function, api: implicitAPI, key: "$default", auth: p.Auth.Authorizer,
		timeout: time.Duration(p.TimeoutInMillis) * time.Millisecond,
	}
	if p.APIID != "" {
		var err error
		if route.api, err = b.expect("ApiId", p.APIID, "HttpApi"); err != nil {
			return err
		}
	}
	if p.Path != "" || p.Method != "" {
		if !strings.HasPrefix(p.Path, "/") {
			return fmt.Errorf("path %q does not begin with a slash", p.Path)
		}
		method := strings.ToUpper(p.Method)
		if method == "" || method == "X-AMAZON-APIGATEWAY-ANY-METHOD" {
			method = "ANY"
		}
		route.key = method + " " + p.Path
	}
	b.pending = append(b.pending, route)
	return nil
}

func (b *builder) addRoutes() error {
	var failures []error
	for _, route := range b.pending {
		if err := b.addRoute(route); err != nil {
			failures = append(failures, fmt.Errorf("%s: route %s: %w", route.function, route.key, err))
		}
	}
	return errors.Join(failures...)
}

func (b *builder) addRoute(route pendingRoute) error {
	api, ok := b.apis[route.api]
	if !ok {
		if route.api != implicitAPI {
			return nil // the API itself was malformed and has been reported
		}
		if err := b.httpAPI(implicitAPI, b.global("HttpApi")); err != nil {
			return fmt.Errorf("globals: %w", err)
		}
		api = b.apis[implicitAPI]
	}
	name := route.auth
	switch name {
	case "":
		name = b.defaults[route.api]
	case "NONE":
		name = ""
	default:
		if _, ok := api.Authorizers[name]; !ok {
			return fmt.Errorf("there is no authorizer %s", name)
		}
	}
	if i := slices.IndexFunc(api.Routes, func(r Route) bool { return r.Key == route.key }); i >= 0 {
		return fmt.Errorf("%s has it already", api.Routes[i].Function)
	}
	api.Routes = append(api.Routes, Route{Key: route.key, Function: route.function, Authorizer: name, Timeout: route.timeout})
	return nil
}
