package modules_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/invoke"
	"github.com/appmint/appengine/shared/testkit"
)

// BenchmarkInvokeRead is one record read as Lambda sees it: event JSON in,
// answer JSON out, storage in memory.
func BenchmarkInvokeRead(b *testing.B) {
	kit := testkit.New(b, repository.New)
	owner := kit.Owner("acme")
	id := owner.Call("PUT", "/repository/create", `{"datatype":"category","isNew":true,"data":{"name":"novels","title":"Novels"}}`).Want(201).String("sk")
	handler, err := invoke.New(kit.Modules[0], kit.Deps, nil)
	if err != nil {
		b.Fatal(err)
	}
	var e events.APIGatewayV2HTTPRequest
	e.Version, e.RawPath, e.RouteKey = "2.0", "/repository/get/category/"+id, "ANY /repository/{proxy+}"
	e.Headers = map[string]string{"orgid": "acme", "authorization": "Bearer " + strings.Repeat("x", 600), "accept": "application/json", "user-agent": "bench", "host": "api.example.com", "x-forwarded-for": "203.0.113.7"}
	e.RequestContext.HTTP.Method, e.RequestContext.HTTP.Path, e.RequestContext.HTTP.SourceIP = "GET", e.RawPath, "203.0.113.7"
	e.RequestContext.RequestID, e.RequestContext.DomainName = "req-1", "api.example.com"
	context, err := auth.Verdict{Principal: owner.Principal(), Plan: "free", Limit: 600, Remaining: 599, Reset: 1775809260}.Context()
	if err != nil {
		b.Fatal(err)
	}
	e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: context}
	payload, err := json.Marshal(e)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		answer, err := handler.Invoke(b.Context(), payload)
		if err != nil || !strings.HasPrefix(string(answer[:20]), `{"statusCode":200`) {
			b.Fatalf("got %s, %v", answer, err)
		}
	}
}
