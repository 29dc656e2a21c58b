package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/httpapi"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		status       int
		body         string
		header       http.Header
	}{
		{
			"envelope", `{"statusCode":201,"headers":{"content-type":"application/json","x-number":3,"x-on":true},"multiValueHeaders":null,` +
				`"cookies":["a=1; Path=/","b=2"],"body":"{\"a\":\"\u00e9\\n\ud83d\ude00\"}","isBase64Encoded":false,"extra":{"x":[1,{}]}}`,
			201, `{"a":"é\n😀"}`,
			http.Header{"Content-Type": {"application/json"}, "X-Number": {"3"}, "X-On": {"true"}, "Set-Cookie": {"a=1; Path=/", "b=2"}},
		},
		{"base64", `{"statusCode":200,"body":"AP8=","isBase64Encoded":true,"headers":{"content-type":"image/png"}}`, 200, "\x00\xff", http.Header{"Content-Type": {"image/png"}}},
		{"no content type", `{"statusCode":200,"body":"x"}`, 200, "x", http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}},
		{"status in quotes", `{"statusCode":"404"}`, 404, "", http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}},
		{"object without a status", ` {"body":"x","n":1} `, 200, ` {"body":"x","n":1} `, http.Header{"Content-Type": {"application/json"}}},
		{"string", `"Hello\n"`, 200, "Hello\n", http.Header{"Content-Type": {"application/json"}}},
		{"list", `[1,2]`, 200, `[1,2]`, http.Header{"Content-Type": {"application/json"}}},
		{"null members", `{"statusCode":200,"headers":null,"cookies":null,"body":null}`, 200, "", http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}},
		{"body that is an object", `{"statusCode":200,"body":{"a":1}}`, 200, `{"a":1}`, http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}},
		{"no content", `{"statusCode":204,"body":"ignored"}`, 204, "", http.Header{"Content-Type": {"text/plain;charset=UTF-8"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{Key: "$default", Invoker: answers(test.answer, nil)}}})
			w := serve(g, request("GET", "/", ""))
			header := w.Header().Clone()
			header.Del("Apigw-Requestid")
			header.Del("Content-Length")
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, test.status, test.body)
			}
			if diff := cmp.Diff(test.header, header); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

var browser = &httpapi.CORS{
	AllowOrigins: []string{"https://app.example.com", "https://*.example.org"}, AllowMethods: []string{"GET", "POST"},
	AllowHeaders: []string{"authorization", "orgid"}, ExposeHeaders: []string{"x-request-id"}, MaxAgeSeconds: 600, AllowCredentials: true,
}

func TestCORS(t *testing.T) {
	t.Parallel()
	own := `{"statusCode":200,"headers":{"access-control-allow-origin":"*","Vary":"Accept","content-type":"text/plain"}}`
	allowed := func(origin string) http.Header {
		return http.Header{
			"Access-Control-Allow-Origin": {origin}, "Access-Control-Allow-Credentials": {"true"},
			"Access-Control-Expose-Headers": {"x-request-id"}, "Vary": {"Origin"},
		}
	}
	preflight := func(origin string) http.Header {
		header := allowed(origin)
		header["Access-Control-Allow-Methods"] = []string{"GET,POST"}
		header["Access-Control-Allow-Headers"] = []string{"authorization,orgid"}
		header["Access-Control-Max-Age"] = []string{"600"}
		return header
	}
	answered := allowed("https://app.example.com")
	answered["Vary"] = []string{"Origin", "Accept"}
	refusing := &httpapi.Authorizer{Invoker: answers(`{"isAuthorized":false}`, nil)}
	routes := []httpapi.Route{
		{Key: "GET /x", Invoker: answers(own, nil)},
		{Key: "ANY /closed", Invoker: answers(own, nil), Authorizer: refusing},
	}
	tests := []struct {
		name, method, path, origin string
		preflight                  bool
		status                     int
		want                       http.Header
	}{
		{"preflight", "OPTIONS", "/x", "https://app.example.com", true, 204, preflight("https://app.example.com")},
		{"preflight by wildcard", "OPTIONS", "/nowhere", "https://a.example.org", true, 204, preflight("https://a.example.org")},
		{"preflight of a stranger", "OPTIONS", "/x", "https://evil.example.com", true, 204, http.Header{}},
		{"preflight through an authorizer", "OPTIONS", "/closed", "https://app.example.com", true, 403, allowed("https://app.example.com")},
		{"plain options", "OPTIONS", "/x", "https://app.example.com", false, 404, allowed("https://app.example.com")},
		{"call", "GET", "/x", "https://app.example.com", false, 200, answered},
		{"call of a stranger", "GET", "/x", "https://evil.example.com", false, 200, http.Header{"Vary": {"Accept"}}},
		{"same origin", "GET", "/x", "", false, 200, http.Header{"Vary": {"Accept"}}},
		{"error", "GET", "/missing", "https://app.example.com", false, 404, allowed("https://app.example.com")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := gateway(t, httpapi.Config{CORS: browser, Routes: routes})
			r := request(test.method, test.path, "")
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			if test.preflight {
				r.Header.Set("Access-Control-Request-Method", "GET")
			}
			w := serve(g, r)
			got := w.Header().Clone()
			for _, name := range []string{"Apigw-Requestid", "Content-Type", "Content-Length"} {
				got.Del(name)
			}
			if w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnyOrigin(t *testing.T) {
	t.Parallel()
	g := gateway(t, httpapi.Config{
		CORS:   &httpapi.CORS{AllowOrigins: []string{"*"}},
		Routes: []httpapi.Route{{Key: "$default", Invoker: answers(`"x"`, nil)}},
	})
	w := serve(g, request("GET", "/", "", "Origin", "https://anywhere"))
	if got := w.Header()["Access-Control-Allow-Origin"]; !cmp.Equal(got, []string{"*"}) || w.Header()["Vary"] != nil {
		t.Errorf("headers %v, want any origin and no Vary", w.Header())
	}
}

// Without CORS at the gateway the function's own headers pass.
func TestFunctionsOwnCORS(t *testing.T) {
	t.Parallel()
	g := gateway(t, httpapi.Config{Routes: []httpapi.Route{
		{Key: "$default", Invoker: answers(`{"statusCode":200,"headers":{"access-control-allow-origin":"https://a"}}`, nil)},
	}})
	if got := serve(g, request("GET", "/", "")).Header().Get("Access-Control-Allow-Origin"); got != "https://a" {
		t.Errorf("header %q, want the function's", got)
	}
}

// The scanner reads whatever encoding/json reads, and the same from it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"statusCode":200,"headers":{"a":"b"},"body":"x\u00e9","cookies":["a"]}`, `"text"`, `[1]`, `{"statusCode":200}x`,
		`{"statusCode":200,"body":"\ud800"}`, `{"statusCode":200,"body":"\ud83d\ude00"}`, `nul`, `-`, `{"a":01}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{Key: "$default", Invoker: answers(string(source), nil)}}})
		w := serve(g, request("GET", "/", ""))
		if !json.Valid(source) && w.Code != 500 {
			t.Errorf("%q is not JSON, but the answer is %d", source, w.Code)
		}
		var want events.APIGatewayV2HTTPResponse
		if json.Unmarshal(source, &want) != nil || want.StatusCode < 200 || want.StatusCode > 599 || want.IsBase64Encoded {
			return
		}
		if want.StatusCode == http.StatusNoContent || want.StatusCode == http.StatusNotModified || !exactNames(source) {
			return
		}
		if w.Code != want.StatusCode || w.Body.String() != want.Body {
			t.Errorf("%q: got %d %q, want %d %q", source, w.Code, w.Body, want.StatusCode, want.Body)
		}
	})
}

// exactNames leaves out what encoding/json reads more loosely: names in other
// case, with escapes or twice, and strings that are not UTF-8.
func exactNames(source []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(source, &members) != nil {
		return false
	}
	for name := range members {
		for _, known := range []string{"statusCode", "headers", "cookies", "body", "isBase64Encoded"} {
			if name != known && strings.EqualFold(name, known) {
				return false
			}
		}
	}
	rewritten, err := json.Marshal(members)
	return err == nil && len(rewritten) == len(source)
}
