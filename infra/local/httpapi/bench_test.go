package httpapi_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/httpapi"
)

// sink is a response writer that costs nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

// BenchmarkGateway measures the gateway's own part of a call: both events, the
// two invocations and the answer of about 1 KB; the functions do nothing.
// The budget is 40 µs.
func BenchmarkGateway(b *testing.B) {
	body := make([]byte, 0, 1100)
	for range 50 {
		body = append(body, `{\"name\":\"value\"},`...)
	}
	constant := func(text string) function.Func {
		answer := []byte(text)
		return func(context.Context, []byte) ([]byte, error) { return answer, nil }
	}
	g, err := httpapi.New(httpapi.Config{
		APIID: "api", AccountID: "000000000000", Region: "us-east-1", Domain: "localhost:3000", CORS: browser,
		Routes: []httpapi.Route{{
			Key: "ANY /crm/{proxy+}",
			Invoker: constant(`{"statusCode":200,"headers":{"content-type":"application/json","cache-control":"no-store",` +
				`"x-request-id":"x"},"body":"` + string(body) + `","isBase64Encoded":false,"cookies":null}`),
			Authorizer: &httpapi.Authorizer{Invoker: constant(
				`{"isAuthorized":true,"context":{"org":"acme","decision":"authenticated","principal":"user-1","roles":["admin"]}}`)},
		}},
	})
	if err != nil {
		b.Fatal(err)
	}
	r := request("GET", "/crm/contacts/customer-01J9?expand=1&page=2", "", "Authorization", "Bearer abc.def.ghi", "OrgId", "acme",
		"Accept", "application/json", "Accept-Encoding", "gzip", "User-Agent", "bench/1.0", "Origin", "https://app.example.com")
	w := &sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		g.ServeHTTP(w, r)
	}
}
