package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/httpapi"
)

// answers is a function that always answers the same and keeps what it got.
func answers(text string, got *[]byte) function.Func {
	return func(_ context.Context, payload []byte) ([]byte, error) {
		if got != nil {
			*got = bytes.Clone(payload)
		}
		return []byte(text), nil
	}
}

func gateway(t testing.TB, config httpapi.Config) *httpapi.Gateway {
	t.Helper()
	config.APIID, config.AccountID, config.Region, config.Domain = "api", "000000000000", "us-east-1", "localhost:3000"
	config.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC) }
	g, err := httpapi.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(method, target, body string, headers ...string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, reader)
	r.Host = "localhost:3000"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func serve(g http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func full() *http.Request {
	body := `{"hello":"\"wörld"}`
	return request("POST", "/crm/a%20b/%C3%BC?q=1&q=2&name=J%C3%BCrg+K&flag", body,
		"Content-Type", "application/json", "Content-Length", "18", "OrgId", "acme", "Stripe-Signature", "t=1,v1=abc", "User-Agent", "test/1.0",
		"X-Amzn-Trace-Id", "Root=1-00000000-000000000000000000000000", "X-Many", "one", "X-Many", "two", "Cookie", "a=1; b=2")
}

// golden compares JSON with a hand-checked sample, order of members included.
func golden(t *testing.T, path, requestID string, got []byte) {
	t.Helper()
	sample, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want, indented bytes.Buffer
	if err := json.Compact(&want, bytes.Replace(sample, []byte("REQUEST-ID"), []byte(requestID), 1)); err != nil {
		t.Fatal(err)
	}
	if err := json.Indent(&indented, got, "", " "); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestEventsAreWhatTheServiceSends(t *testing.T) {
	t.Parallel()
	var event, asked []byte
	g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{
		Key: "ANY /crm/{proxy+}", Invoker: answers(`{"statusCode":200}`, &event),
		Authorizer: &httpapi.Authorizer{
			Invoker:        answers(`{"isAuthorized":true,"context":{"org":"acme","roles":["a"],"n":1}}`, &asked),
			IdentitySource: []string{"$request.header.OrgID", "$request.querystring.name"},
		},
	}}})
	w := serve(g, full())
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	id := w.Header().Get("Apigw-Requestid")
	golden(t, "testdata/event.json", id, event)
	golden(t, "testdata/authorizer.json", id, asked)
}

// What aws-lambda-go decodes is the request that was sent.
func TestEventDecodesWithTheRuntimeLibrary(t *testing.T) {
	t.Parallel()
	var source []byte
	g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{Key: "$default", Invoker: answers(`{"statusCode":200}`, &source)}}})
	serve(g, full())
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(source, &event); err != nil {
		t.Fatal(err)
	}
	if event.Body != `{"hello":"\"wörld"}` || event.Headers["stripe-signature"] != "t=1,v1=abc" || event.RouteKey != "$default" ||
		event.RequestContext.HTTP.SourceIP != "192.0.2.1" || event.PathParameters != nil || event.RequestContext.Authorizer != nil {
		t.Errorf("event = %+v", event)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		headers    []string
		want       string
		base64     bool
	}{
		{"text", "hä\x01\n", []string{"Content-Type", "text/plain; charset=utf-8"}, "hä\x01\n", false},
		{"vendor JSON", "{}", []string{"Content-Type", "application/problem+json"}, "{}", false},
		{"form", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, "YT1i", true},
		{"no type", "a=b", nil, "YT1i", true},
		{"compressed", "a=b", []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, "YT1i", true},
		{"not UTF-8", "\xff", []string{"Content-Type", "text/plain"}, "/w==", true},
		{"none", "", []string{"Content-Type", "image/png"}, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var source []byte
			g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{Key: "$default", Invoker: answers(`{"statusCode":200}`, &source)}}})
			serve(g, request("POST", "/", test.body, test.headers...))
			var event events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(source, &event); err != nil {
				t.Fatalf("%v in %s", err, source)
			}
			if event.Body != test.want || event.IsBase64Encoded != test.base64 {
				t.Errorf("body = %q, %v; want %q, %v", event.Body, event.IsBase64Encoded, test.want, test.base64)
			}
		})
	}
}

func TestRouteSelection(t *testing.T) {
	t.Parallel()
	keys := []string{
		"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "ANY /crm", "ANY /crm/{proxy+}",
		"POST /crm/fixed", "OPTIONS /{proxy+}", "GET /{a}/x/{b}", "$default",
	}
	config := httpapi.Config{}
	for _, key := range keys {
		config.Routes = append(config.Routes, httpapi.Route{Key: key, Invoker: function.Func(func(_ context.Context, payload []byte) ([]byte, error) {
			var event events.APIGatewayV2HTTPRequest
			if err := json.Unmarshal(payload, &event); err != nil {
				return nil, err
			}
			return json.Marshal(map[string]any{"key": event.RouteKey, "parameters": event.PathParameters})
		})})
	}
	g := gateway(t, config)
	tests := []struct{ method, path, want string }{
		{"GET", "/pets/dog/1", `{"key":"GET /pets/dog/1","parameters":null}`},
		{"GET", "/pets/dog/2", `{"key":"GET /pets/dog/{id}","parameters":{"id":"2"}}`},
		{"GET", "/pets/cat/1", `{"key":"GET /pets/{proxy+}","parameters":{"proxy":"cat/1"}}`},
		{"POST", "/pets/cat/1", `{"key":"ANY /{proxy+}","parameters":{"proxy":"pets/cat/1"}}`},
		{"POST", "/test/5", `{"key":"ANY /{proxy+}","parameters":{"proxy":"test/5"}}`},
		{"GET", "/crm", `{"key":"ANY /crm","parameters":null}`},
		{"DELETE", "/crm/a/b", `{"key":"ANY /crm/{proxy+}","parameters":{"proxy":"a/b"}}`},
		{"POST", "/crm/fixed", `{"key":"POST /crm/fixed","parameters":null}`},
		{"PUT", "/crm/fixed", `{"key":"ANY /crm/{proxy+}","parameters":{"proxy":"fixed"}}`},
		{"OPTIONS", "/other", `{"key":"OPTIONS /{proxy+}","parameters":{"proxy":"other"}}`},
		{"GET", "/1/x/2", `{"key":"GET /{a}/x/{b}","parameters":{"a":"1","b":"2"}}`},
		{"GET", "/", `{"key":"$default","parameters":null}`},
	}
	for _, test := range tests {
		t.Run(test.method+test.path, func(t *testing.T) {
			t.Parallel()
			if got := serve(g, request(test.method, test.path, "")).Body.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	f := answers("", nil)
	routes := func(keys ...string) httpapi.Config {
		config := httpapi.Config{}
		for _, key := range keys {
			config.Routes = append(config.Routes, httpapi.Route{Key: key, Invoker: f})
		}
		return config
	}
	tests := []struct {
		name   string
		config httpapi.Config
		want   string
	}{
		{"no method", routes("/a"), "want a method and a path"},
		{"greedy in the middle", routes("GET /{a+}/b"), "malformed"},
		{"open variable", routes("GET /{a"), "malformed"},
		{"twice", routes("GET /{a}", "GET /{b}"), "there twice"},
		{"two defaults", routes("$default", "$default"), "there twice"},
		{"no function", httpapi.Config{Routes: []httpapi.Route{{Key: "GET /"}}}, "no function"},
		{"identity source", httpapi.Config{Routes: []httpapi.Route{
			{Key: "GET /", Invoker: f, Authorizer: &httpapi.Authorizer{Invoker: f, IdentitySource: []string{"$context.x"}}},
		}}, "identity source"},
		{"CORS", httpapi.Config{CORS: &httpapi.CORS{AllowOrigins: []string{"*"}, AllowCredentials: true}}, "credentials"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := httpapi.New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New = %v, want %q", err, test.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 6<<20)
	fails := function.Func(func(context.Context, []byte) ([]byte, error) { return nil, errors.New("boom") })
	panics := function.Func(func(context.Context, []byte) ([]byte, error) { panic("boom") })
	ok := answers(`{"statusCode":200}`, nil)
	keyed := []string{"$request.querystring.key"}
	tests := []struct {
		name       string
		invoker    function.Invoker
		authorizer *httpapi.Authorizer
		body       string
		status     int
		message    string
	}{
		{"function error", fails, nil, "", 500, "Internal Server Error"},
		{"panic", panics, nil, "", 500, "Internal Server Error"},
		{"garbage", answers(`{"statusCode":`, nil), nil, "", 500, "Internal Server Error"},
		{"strange status", answers(`{"statusCode":"many"}`, nil), nil, "", 500, "Internal Server Error"},
		{"impossible status", answers(`{"statusCode":99}`, nil), nil, "", 500, "Internal Server Error"},
		{"headers of another shape", answers(`{"statusCode":200,"headers":[]}`, nil), nil, "", 500, "Internal Server Error"},
		{"bad base64", answers(`{"statusCode":200,"body":"%","isBase64Encoded":true}`, nil), nil, "", 500, "Internal Server Error"},
		{"response too large", answers(`"`+large+`"`, nil), nil, "", 500, "Internal Server Error"},
		{"event too large", ok, nil, large, 413, "Request Entity Too Large"},
		{"request too large", ok, nil, large + large, 413, "Request Entity Too Large"},
		{"not authorized", ok, &httpapi.Authorizer{Invoker: answers(`{"isAuthorized":false}`, nil)}, "", 403, "Forbidden"},
		{"identity missing", ok, &httpapi.Authorizer{Invoker: fails, IdentitySource: keyed}, "", 401, "Unauthorized"},
		{"authorizer fails", ok, &httpapi.Authorizer{Invoker: fails}, "", 500, "Internal Server Error"},
		{"authorizer answers a policy", ok, &httpapi.Authorizer{Invoker: answers(`{"principalId":"x"}`, nil)}, "", 500, "Internal Server Error"},
		{"authorizer answers text", ok, &httpapi.Authorizer{Invoker: answers(`{"isAuthorized":"true"}`, nil)}, "", 500, "Internal Server Error"},
		{"authorizer context", ok, &httpapi.Authorizer{Invoker: answers(`{"isAuthorized":true,"context":1}`, nil)}, "", 500, "Internal Server Error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{Key: "POST /x", Invoker: test.invoker, Authorizer: test.authorizer}}})
			w := serve(g, request("POST", "/x", test.body, "Content-Type", "text/plain"))
			if want := `{"message":"` + test.message + `"}`; w.Code != test.status || w.Body.String() != want {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, want)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("content type %s", got)
			}
		})
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	g := gateway(t, httpapi.Config{})
	if w := serve(g, request("GET", "/x", "")); w.Code != 404 || w.Body.String() != `{"message":"Not Found"}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// The gateway gives up first, or Lambda ends the function first; clients see
// the difference.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		lambda time.Duration
		status int
		after  time.Duration
	}{
		{"integration", time.Minute, 503, 30 * time.Second},
		{"function", 3 * time.Second, 500, 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(time.Minute) // of the bubble: the pool's goroutines end
				release := make(chan struct{})
				stuck := function.Func(func(context.Context, []byte) ([]byte, error) { <-release; return nil, nil })
				g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{Key: "$default", Invoker: stuck, Lambda: test.lambda}}})
				start := time.Now()
				if w := serve(g, request("GET", "/", "")); w.Code != test.status || time.Since(start) != test.after {
					t.Errorf("status %d after %v, want %d after %v", w.Code, time.Since(start), test.status, test.after)
				}
				close(release)
			})
		})
	}
}

func TestFailHearsTheCause(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	var cause error
	g := gateway(t, httpapi.Config{
		Fail:   func(_ *http.Request, err error) { cause = err },
		Routes: []httpapi.Route{{Key: "$default", Invoker: function.Func(func(context.Context, []byte) ([]byte, error) { return nil, boom })}},
	})
	serve(g, request("GET", "/", ""))
	if !errors.Is(cause, boom) {
		t.Errorf("heard %v, want %v", cause, boom)
	}
}
