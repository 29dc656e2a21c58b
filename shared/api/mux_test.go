package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
)

type echoIn struct {
	ID    string   `path:"id"`
	Page  int      `query:"p" min:"0"`
	Tags  []string `query:"tags"`
	Title string   `json:"title" required:"true" maxLen:"10"`
	Kind  string   `json:"kind" enum:"a,b"`
	Count *int     `json:"count"`
}

func echo(_ context.Context, _ auth.Principal, in echoIn) (echoIn, error) { return in, nil }

type nothing struct{}

type whole struct {
	Body json.RawMessage `body:"json"`
}

type raw struct {
	Body []byte `body:"raw"`
}

var errTaken = fault.New(fault.Conflict, "taken", "That is taken.")

func routes() []api.Route {
	anyone := auth.Public()
	return []api.Route{
		api.On("POST /echo/{id}", anyone, echo, "Echo."),
		api.On("POST /whole", anyone, func(_ context.Context, _ auth.Principal, in whole) (json.RawMessage, error) { return in.Body, nil }, "Whole body."),
		api.On("POST /raw", anyone, func(_ context.Context, _ auth.Principal, in raw) (*api.Answer, error) {
			return api.Text("text/plain", string(in.Body)), nil
		}, "Raw body.", api.MaxBody(8)),
		api.On("GET /usage/{org}/current", anyone, func(_ context.Context, _ auth.Principal, in struct {
			Org string `path:"org"`
		},
		) (string, error) {
			return "current of " + in.Org, nil
		}, "Current."),
		api.On("GET /usage/history/{type}", anyone, func(_ context.Context, _ auth.Principal, in struct {
			Type string `path:"type"`
		},
		) (string, error) {
			return "history of " + in.Type, nil
		}, "History."),
		api.On("DELETE /rest/{tail...}", anyone, func(_ context.Context, _ auth.Principal, in struct {
			Tail string `path:"tail"`
		},
		) (string, error) {
			return in.Tail, nil
		}, "Rest."),
		api.On("GET /staff", auth.Staff(auth.Delete), func(context.Context, auth.Principal, nothing) (string, error) { return "in", nil }, "Staff."),
		api.On("GET /panic", anyone, func(context.Context, auth.Principal, nothing) (string, error) { panic("boom secret") }, "Panic."),
		api.On("GET /broken", anyone, func(context.Context, auth.Principal, nothing) (string, error) {
			return "", errors.New("dial tcp secret")
		}, "Broken."),
		api.On("GET /taken", anyone, func(context.Context, auth.Principal, nothing) (string, error) {
			return "", errTaken.WithExtra("currentVersion", 3).WithRetryAfter(1500 * time.Millisecond)
		}, "Taken.", api.Fails(errTaken)),
		api.On("GET /empty", anyone, func(context.Context, auth.Principal, nothing) (api.Nothing, error) { return api.Nothing{}, nil }, "Empty.", api.NoOrg()),
	}
}

func newMux(t *testing.T) *api.Mux {
	t.Helper()
	m, err := api.NewMux(routes(), slog.New(slog.DiscardHandler), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func call(t *testing.T, v auth.Verdict, method, target, body string, header ...string) (int, map[string]any, *httptest.ResponseRecorder) {
	t.Helper()
	r := httptest.NewRequestWithContext(auth.WithVerdict(t.Context(), v), method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	newMux(t).ServeHTTP(w, r)
	var decoded map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &decoded)
	return w.Code, decoded, w
}

var acme = auth.Verdict{Principal: auth.Nobody("acme")}

func TestServeBindsEverySource(t *testing.T) {
	t.Parallel()
	status, got, _ := call(t, acme, "POST", "/api//echo/x%40y/?p=3&tags=a,b&_ts=9&ID=no", `{"title":"Dune","ID":"no","clientQuery":{"a":1},"unknown":[1]}`)
	want := map[string]any{"ID": "x@y", "Page": 3.0, "Tags": []any{"a", "b"}, "title": "Dune", "kind": "", "count": nil}
	if diff := cmp.Diff(want, got); status != 200 || diff != "" {
		t.Errorf("got %d, (-want +got):\n%s", status, diff)
	}
}

func TestServeRefusesBadInput(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		target, body, contentType string
		status                    int
		reason                    string
	}{
		"broken json":         {"/echo/1", `{"title":`, "", 400, "invalid_json"},
		"no object":           {"/echo/1", `[1]`, "", 400, "validation_failed"},
		"required missing":    {"/echo/1", ``, "", 400, "validation_failed"},
		"blank required":      {"/echo/1", `{"title":"  "}`, "", 400, "validation_failed"},
		"too long":            {"/echo/1", `{"title":"12345678901"}`, "", 400, "validation_failed"},
		"not in enum":         {"/echo/1", `{"title":"a","kind":"c"}`, "", 400, "validation_failed"},
		"wrong type":          {"/echo/1", `{"title":1}`, "", 400, "validation_failed"},
		"bad page":            {"/echo/1?p=one", `{"title":"a"}`, "", 400, "validation_failed"},
		"page below minimum":  {"/echo/1?p=-1", `{"title":"a"}`, "", 400, "validation_failed"},
		"form where json":     {"/echo/1", `title=a`, "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"multipart, no bound": {"/echo/1", `x`, "multipart/form-data", 415, "unsupported_media_type"},
		"over the limit":      {"/raw", `123456789`, "", 413, "body_too_large"},
		"no such route":       {"/nothing", ``, "", 404, "no_such_route"},
		"method unknown":      {"/staff", ``, "", 404, "no_such_route"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, w := call(t, acme, "POST", c.target, c.body, "Content-Type", c.contentType, "X-Request-Id", "r1")
			if status != c.status || body["reason"] != c.reason || body["code"] != c.reason {
				t.Errorf("got %d %v, want %d %s", status, w.Body, c.status, c.reason)
			}
			if body["message"] != body["error"] || body["requestId"] != "r1" || body["statusCode"] != float64(c.status) {
				t.Errorf("error body is not the single one: %v", body)
			}
		})
	}
}

func TestServeTakesWholeBodyWithoutClientQuery(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"data.a":1,"clientQuery":null}`: `{"data.a":1}`,
		`[{"clientQuery":1}]`:             `[{"clientQuery":1}]`,
	} {
		if _, _, w := call(t, acme, "POST", "/whole", body); w.Body.String() != want {
			t.Errorf("got %s, want %s", w.Body, want)
		}
	}
}

// Literal segments win over parameters, at every position.
func TestServePrefersLiteralSegments(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/usage/acme/current":    `"current of acme"`,
		"/usage/history/sms":     `"history of sms"`,
		"/usage/history/current": `"history of current"`,
	} {
		if _, _, w := call(t, acme, "GET", path, ""); w.Body.String() != want {
			t.Errorf("%s: got %s, want %s", path, w.Body, want)
		}
	}
	if _, _, w := call(t, acme, "DELETE", "/rest/a/b", ""); w.Body.String() != `"a/b"` {
		t.Errorf("rest: got %s", w.Body)
	}
}

func TestServeChecksAccessBeforeInput(t *testing.T) {
	t.Parallel()
	member := auth.Principal{Kind: auth.User, Org: "acme", Verbs: auth.Verbs(auth.Read)}
	admin := auth.Principal{Kind: auth.User, Org: "acme", Verbs: auth.AllVerbs}
	key := auth.Principal{Kind: auth.APIKey, Org: "acme", Verbs: auth.Verbs(auth.Read)}
	cases := map[string]struct {
		verdict auth.Verdict
		status  int
		reason  any
	}{
		"no org":       {auth.Verdict{}, 400, "missing_org"},
		"nobody":       {acme, 401, "unauthenticated"},
		"expired":      {auth.Verdict{Principal: auth.Nobody("acme"), TokenFault: "token_expired"}, 401, "token_expired"},
		"other org":    {auth.Verdict{Principal: auth.Nobody("acme"), TokenFault: "token_org_mismatch"}, 403, "token_org_mismatch"},
		"lacks verb":   {auth.Verdict{Principal: member}, 403, "forbidden"},
		"key lacks it": {auth.Verdict{Principal: key}, 403, "insufficient_scope"},
		"limited":      {auth.Verdict{Principal: admin, Refused: "rate_limited", RetryAfter: 7}, 429, "rate_limited"},
		"may":          {auth.Verdict{Principal: admin}, 200, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body, w := call(t, c.verdict, "GET", "/staff", "")
			if status != c.status || body["reason"] != c.reason {
				t.Errorf("got %d %s, want %d %v", status, w.Body, c.status, c.reason)
			}
			if c.status == 429 && w.Header().Get("Retry-After") != "7" {
				t.Errorf("got Retry-After %q, want 7", w.Header().Get("Retry-After"))
			}
		})
	}
}

// What a client sees of an internal error is a generic sentence, never its cause.
func TestServeHidesInternalErrors(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/panic", "/broken"} {
		status, body, w := call(t, acme, "GET", path, "")
		if status != 500 || body["reason"] != "internal_error" || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: got %d %s", path, status, w.Body)
		}
	}
}

func TestServeRendersFaultsAndEmptyAnswers(t *testing.T) {
	t.Parallel()
	status, body, w := call(t, acme, "GET", "/taken", "")
	if status != 409 || body["currentVersion"] != 3.0 || w.Header().Get("Retry-After") != "2" {
		t.Errorf("got %d %s %v", status, w.Body, w.Header())
	}
	if status, _, w := call(t, auth.Verdict{}, "GET", "/empty", ""); status != 200 || w.Body.Len() != 0 {
		t.Errorf("empty: got %d %q", status, w.Body)
	}
	if status, _, _ := call(t, auth.Verdict{}, "OPTIONS", "/staff", ""); status != http.StatusNoContent {
		t.Errorf("preflight: got %d", status)
	}
	if status, _, _ := call(t, acme, "HEAD", "/empty", ""); status != http.StatusOK {
		t.Errorf("HEAD: got %d", status)
	}
}

func TestNewMuxRefusesBadTables(t *testing.T) {
	t.Parallel()
	fine := func(context.Context, auth.Principal, nothing) (string, error) { return "", nil }
	cases := map[string][]api.Route{
		"no access":        {api.On("GET /a", auth.Access{}, fine, "A.")},
		"no summary":       {api.On("GET /a", auth.Public(), fine, "")},
		"unbound param":    {api.On("GET /a/{id}", auth.Public(), fine, "A.")},
		"same shape twice": {api.On("POST /echo/{id}", auth.Public(), echo, "A."), api.On("POST /echo/{id}", auth.Public(), echo, "B.")},
	}
	for name, table := range cases {
		if _, err := api.NewMux(table, slog.New(slog.DiscardHandler), time.Now, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDocumentDescribesEveryRoute(t *testing.T) {
	t.Parallel()
	text, err := api.Document([]api.Group{{Name: "demo", Summary: "Demo.", Routes: routes()}}, "https://api.example.com", "1")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := api.Document([]api.Group{{Name: "demo", Summary: "Demo.", Routes: routes()}}, "https://api.example.com", "1")
	if string(text) != string(again) {
		t.Error("the same table printed two documents")
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]any `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range routes() {
		path := strings.ReplaceAll(r.Path, "...", "")
		op, ok := doc.Paths[path][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s is missing", r.Pattern())
		}
		if r.Path == "/taken" && op.Responses["409"] == nil {
			t.Error("declared fault 409 of /taken is missing")
		}
	}
}
