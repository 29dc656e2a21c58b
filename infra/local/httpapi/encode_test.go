package httpapi_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/infra/local/httpapi"
)

// Whatever a client sends, the function's JSON is valid and says the same.
func FuzzEvent(f *testing.F) {
	f.Add("/a b/\u2028ü", "k=v&k=w&x", "v\t\"\\", "body\x00\x1f\xff")
	f.Add("/%", "%zz=%", "", "{}")
	f.Fuzz(func(t *testing.T, path, query, header, body string) {
		var source []byte
		g := gateway(t, httpapi.Config{Routes: []httpapi.Route{{Key: "$default", Invoker: answers(`{"statusCode":200}`, &source)}}})
		r := request("POST", "/", body, "Content-Type", "text/plain")
		r.URL = &url.URL{Path: "/" + path, RawQuery: query}
		r.Header["X-Value"] = []string{header, "last"}
		serve(g, r)
		var event events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(source, &event); err != nil {
			t.Fatalf("%v in %s", err, source)
		}
		clean := func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
		if single := strings.ToValidUTF8(path, ""); single == path && event.RawPath != "/"+path {
			t.Errorf("path %q, want %q", event.RawPath, "/"+path)
		}
		if single := strings.ToValidUTF8(header, ""); single == header && event.Headers["x-value"] != header+",last" {
			t.Errorf("header %q, want %q", event.Headers["x-value"], clean(header)+",last")
		}
		if !event.IsBase64Encoded && event.Body != body {
			t.Errorf("body %q, want %q", event.Body, body)
		}
	})
}
