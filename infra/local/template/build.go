package template

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// builder collects the model while it walks the resources.
type builder struct {
	*resolver
	globals  map[string]any
	template *Template
	apis     map[string]*HTTPAPI
	sockets  map[string]*WebSocketAPI
	defaults map[string]string // HTTP API to its default authorizer
	ignored  map[string]bool
	pending  []pendingRoute // routes wait until all APIs are known
}

// build reads the resources: APIs first, because functions add routes to them.
func build(r *resolver, globals map[string]any) (*Template, error) {
	ids, err := r.identities()
	if err != nil {
		return nil, err
	}
	b := &builder{
		resolver: r, globals: globals, template: &Template{ids: ids}, apis: map[string]*HTTPAPI{},
		sockets: map[string]*WebSocketAPI{}, defaults: map[string]string{}, ignored: map[string]bool{},
	}
	var failures []error
	for _, id := range slices.Sorted(maps.Keys(r.resources)) {
		if err := b.resource(id, r.resources[id]); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", id, err))
		}
	}
	failures = append(failures, b.addRoutes(), b.plainSockets())
	if err := errors.Join(failures...); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

func (b *builder) resource(id string, of resource) error {
	switch of.kind {
	case "AWS::Serverless::Function":
		return b.function(id, merge(b.global("Function"), of.properties))
	case "AWS::Serverless::HttpApi":
		return b.httpAPI(id, merge(b.global("HttpApi"), of.properties))
	case "AWS::Serverless::WebSocketApi":
		return b.webSocket(id, merge(b.global("WebSocketApi"), of.properties))
	case "AWS::SQS::Queue":
		return b.queue(id, of.properties)
	case "AWS::Events::Rule":
		return b.rule(id, of.properties)
	case "AWS::Scheduler::Schedule":
		return b.schedule(id, of.properties)
	case "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Authorizer":
		return nil // read by plainSockets
	default:
		b.ignored[of.kind] = true
		return nil
	}
}

func (b *builder) global(kind string) map[string]any {
	members, _ := b.globals[kind].(map[string]any)
	return members
}

// merge lays a resource's properties over the globals as SAM does: mappings
// merge, lists are appended, everything else is replaced.
func merge(global, own map[string]any) map[string]any {
	merged := maps.Clone(global)
	if merged == nil {
		merged = map[string]any{}
	}
	for name, value := range own {
		merged[name] = mergeValue(merged[name], value)
	}
	return merged
}

func mergeValue(global, own any) any {
	switch o := own.(type) {
	case map[string]any:
		g, ok := global.(map[string]any)
		if _, _, function := intrinsic(o); ok && !function {
			return merge(g, o)
		}
	case []any:
		if g, ok := global.([]any); ok {
			return slices.Concat(g, o)
		}
	}
	return own
}

// known translates a name, URL or ARN into a logical id when it is one of
// this template's.
func (b *builder) known(value string) string {
	if id, ok := b.template.LogicalID(value); ok {
		return id
	}
	return value
}

// expect is known for references that must lead to a resource of this template.
func (b *builder) expect(what, value, kind string) (string, error) {
	arn := value
	if _, after, ok := strings.Cut(value, "/functions/"); ok {
		arn, _, _ = strings.Cut(after, "/") // an API's integration wraps the function's ARN
	}
	for _, id := range b.template.ids[arn] {
		if strings.Contains(b.resources[id].kind, kind) {
			return id, nil
		}
	}
	return "", fmt.Errorf("%s: %q is no %s of this template", what, value, strings.ToLower(kind))
}

// optionalQueue is expect for a queue that may be left out.
func (b *builder) optionalQueue(what, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	return b.expect(what, value, "Queue")
}

func (b *builder) finish() *Template {
	t := b.template
	for _, id := range slices.Sorted(maps.Keys(b.apis)) {
		t.HTTPAPIs = append(t.HTTPAPIs, *b.apis[id])
	}
	for _, id := range slices.Sorted(maps.Keys(b.sockets)) {
		t.WebSockets = append(t.WebSockets, *b.sockets[id])
	}
	slices.SortFunc(t.Rules, func(x, y Rule) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(t.Schedules, func(x, y Schedule) int { return cmp.Compare(x.ID, y.ID) })
	t.Ignored = slices.Sorted(maps.Keys(b.ignored))
	return t
}
