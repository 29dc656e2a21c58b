package invoke_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/invoke"
)

type seen struct {
	ID        string `path:"id"`
	Signature string `header:"Stripe-Signature"`
	Query     string `query:"q"`
	Body      []byte `body:"raw"`
}

type echo struct {
	ID        string `json:"id"`
	Signature string `json:"signature"`
	Query     string `json:"query"`
	Body      string `json:"body"`
	Email     string `json:"email"`
	RequestID string `json:"requestId"`
	IP        string `json:"ip"`
}

func module(consumers ...event.Consumer) app.Module {
	return app.Module{
		Name: "test",
		Routes: []api.Route{api.On("POST /x/{id}", auth.Public(), func(ctx context.Context, who auth.Principal, in seen) (echo, error) {
			meta := api.MetaFrom(ctx)
			return echo{in.ID, in.Signature, in.Query, string(in.Body), who.Email, meta.RequestID, meta.IP}, nil
		}, "Echo.", api.NoOrg())},
		Consumers: consumers,
	}
}

func newHandler(t *testing.T, m app.Module) *invoke.Handler {
	t.Helper()
	h, err := invoke.New(m, app.Deps{Log: slog.New(slog.DiscardHandler), Now: time.Now}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func httpEvent(t *testing.T, change func(*events.APIGatewayV2HTTPRequest)) []byte {
	t.Helper()
	context, err := auth.Verdict{Principal: auth.Principal{Kind: auth.User, Org: "acme", Email: "ann@acme.example"}}.Context()
	if err != nil {
		t.Fatal(err)
	}
	var e events.APIGatewayV2HTTPRequest
	e.RawPath = "/x/a b%2f@ü"
	e.RawQueryString = "q=1%202"
	e.Headers = map[string]string{"stripe-signature": "t=1,v1=abc", "x-request-id": "forged"}
	e.RequestContext.HTTP.Method = "POST"
	e.RequestContext.HTTP.SourceIP = "203.0.113.7"
	e.RequestContext.RequestID = "req-1"
	e.RequestContext.DomainName = "api.example.com"
	e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{Lambda: context}
	e.Body = "hello"
	if change != nil {
		change(&e)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func invokeHTTP(t *testing.T, payload []byte) (events.APIGatewayV2HTTPResponse, echo) {
	t.Helper()
	answer, err := newHandler(t, module()).Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var response events.APIGatewayV2HTTPResponse
	var got echo
	if err := json.Unmarshal(answer, &response); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(response.Body), &got)
	return response, got
}

// The proxy library splits unknown headers at commas and parses the decoded
// path as a URL; neither may reach a module. The gateway's request id wins over
// the client's.
func TestInvokeDeliversTheCallAsItWasMade(t *testing.T) {
	t.Parallel()
	response, got := invokeHTTP(t, httpEvent(t, nil))
	want := echo{"a b%2f@ü", "t=1,v1=abc", "1 2", "hello", "ann@acme.example", "req-1", "203.0.113.7"}
	if diff := cmp.Diff(want, got); response.StatusCode != http.StatusOK || diff != "" {
		t.Errorf("got %d, (-want +got):\n%s", response.StatusCode, diff)
	}
}

func TestInvokeDecodesBinaryBodies(t *testing.T) {
	t.Parallel()
	_, got := invokeHTTP(t, httpEvent(t, func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "aGVsbG8=", true }))
	if got.Body != "hello" {
		t.Errorf("got body %q, want hello", got.Body)
	}
	broken := httpEvent(t, func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = "%%%", true })
	if _, err := newHandler(t, module()).Invoke(t.Context(), broken); err == nil {
		t.Error("a body that is not base64 was accepted")
	}
}

// A principal comes from the authorizer's context alone: headers that look like
// one are just headers.
func TestInvokeTrustsNoHeaderForThePrincipal(t *testing.T) {
	t.Parallel()
	_, got := invokeHTTP(t, httpEvent(t, func(e *events.APIGatewayV2HTTPRequest) {
		e.Headers["verdict"] = `{"principal":{"kind":"user","email":"root@appengine.example"}}`
		e.Headers["x-amzn-requestcontext"] = e.Headers["verdict"]
		e.RequestContext.Authorizer = nil
	}))
	if got.Email != "" {
		t.Errorf("got principal %q from a header", got.Email)
	}
}

func TestInvokeRefusesUnknownPayloads(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{}`, `[]`, `null`, `{"Records":[]}`, `not json`, `{"requestContext":{"connectionId":"x"}}`} {
		if _, err := newHandler(t, module()).Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%s: accepted", payload)
		}
	}
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../events/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// No payload, however broken, ends the function: it is answered or refused.
func FuzzInvokeHTTP(f *testing.F) {
	for _, name := range []string{"users-signup.json", "repository-find.json", "authorizer-bad-token.json"} {
		text, err := os.ReadFile("../../events/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	h, err := invoke.New(module(), app.Deps{Log: slog.New(slog.DiscardHandler), Now: time.Now}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		answer, err := h.Invoke(t.Context(), payload)
		if err == nil && len(answer) > 0 && !json.Valid(answer) {
			t.Errorf("answer %q is not JSON", answer)
		}
	})
}

func TestInvokeDeliversBusEventsToTheirConsumers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"monitoring-event.json", "monitoring-queue.json"} {
		var got []string
		record := func(ctx context.Context, e event.Envelope) error {
			got = append(got, e.Name+" of "+e.Org.String()+" as "+string(auth.From(ctx).Kind))
			return nil
		}
		other := func(context.Context, event.Envelope) error { return errors.New("not mine") }
		h := newHandler(t, module(event.On("a", "user.login", "a", record), event.On("b", "org-create", "b", other)))
		if _, err := h.Invoke(t.Context(), sample(t, name)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"user.login of acme as system"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A failing consumer has its queue message delivered again, and only its own.
func TestInvokeReportsFailedMessagesOneByOne(t *testing.T) {
	t.Parallel()
	h := newHandler(t, module(event.On("a", "user.login", "a", func(context.Context, event.Envelope) error { return errors.New("down") })))
	answer, err := h.Invoke(t.Context(), sample(t, "monitoring-queue.json"))
	if err != nil || !strings.Contains(string(answer), "059f36b4-87a3-44ab-83d2-661975830a7d") {
		t.Errorf("got %s, %v", answer, err)
	}
	if _, err := h.Invoke(t.Context(), sample(t, "monitoring-event.json")); err == nil {
		t.Error("a failed event was acknowledged")
	}
}

func TestInvokeAuthorizesWithoutRefusing(t *testing.T) {
	t.Parallel()
	m := app.Module{Name: "authorizer", Authorize: func(_ context.Context, c auth.Call) (auth.Verdict, error) {
		return auth.Verdict{Principal: auth.Nobody("acme"), Refused: "rate_limited", Plan: c.Headers["orgid"] + " " + c.IP + " " + c.Path}, nil
	}}
	answer, err := newHandler(t, m).Invoke(t.Context(), sample(t, "authorizer-anonymous.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got events.APIGatewayV2CustomAuthorizerSimpleResponse
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	verdict, err := auth.VerdictOf(got.Context)
	if err != nil || !got.IsAuthorized || verdict.Refused != "rate_limited" || verdict.Plan != "acme 203.0.113.7 /repository/find/category" {
		t.Errorf("got %+v, %v", got, err)
	}
}
