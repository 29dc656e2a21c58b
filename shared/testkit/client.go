package testkit

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
)

// Client calls the kit as somebody.
type Client struct {
	kit     *Kit
	verdict auth.Verdict
}

// As calls as a principal; the authorizer's work is taken as done.
func (k *Kit) As(p auth.Principal) Client {
	return Client{kit: k, verdict: auth.Verdict{Principal: p}}
}

// With calls under any verdict of the authorizer.
func (k *Kit) With(v auth.Verdict) Client { return Client{kit: k, verdict: v} }

// Anonymous calls without a credential.
func (k *Kit) Anonymous(id org.ID) Client { return k.As(auth.Nobody(id)) }

// Staff calls as a staff user of the org with system roles.
func (k *Kit) Staff(id org.ID, email string, roles ...auth.Role) Client {
	return k.As(auth.Principal{
		Kind: auth.User, Org: id, Home: id, ID: "user-" + email, Email: email, Name: email,
		Roles: roles, Verbs: auth.VerbsOf(append(slices.Clone(roles), auth.RoleUser)),
	})
}

// Owner calls as the org's first user.
func (k *Kit) Owner(id org.ID) Client {
	return k.Staff(id, "owner@"+id.String()+".example", auth.RoleOwner, auth.RoleRootAdmin)
}

// Customer calls as an end customer of the org.
func (k *Kit) Customer(id org.ID, email string) Client {
	return k.As(auth.Principal{
		Kind: auth.Customer, Org: id, Home: id, ID: "customer-" + email, Email: email, Name: email,
		Roles: []auth.Role{auth.RoleCustomer}, Verbs: auth.VerbsOf([]auth.Role{auth.RoleCustomer}),
	})
}

// Key calls with an API key that has scopes.
func (k *Kit) Key(id org.ID, scopes ...string) Client {
	return k.As(auth.Principal{
		Kind: auth.APIKey, Org: id, Home: id, ID: "apikey-1", Name: "key",
		Scopes: scopes, Verbs: auth.ScopeVerbs(scopes, ""),
	})
}

// Principal is who the client calls as.
func (c Client) Principal() auth.Principal { return c.verdict.Principal }

// Response is one answer.
type Response struct {
	t      testing.TB
	call   string
	Status int
	Header http.Header
	Body   []byte
}

// Call makes one call. body may be nil, a string or []byte (sent as it is), or
// anything JSON can encode. headers are name, value pairs. A status that the
// route does not declare fails the test.
func (c Client) Call(method, path string, body any, headers ...string) Response {
	c.kit.T.Helper()
	text, err := encodeBody(body)
	if err != nil {
		c.kit.T.Fatalf("encode body: %v", err)
	}
	ctx := auth.WithVerdict(c.kit.T.Context(), c.verdict)
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.kit.mux.ServeHTTP(w, r)
	if route, ok := c.kit.mux.Find(method, r.URL.Path); ok && !slices.Contains(route.Statuses(), w.Code) && w.Code != http.StatusFound {
		c.kit.T.Errorf("%s answered %d, which the route does not declare: %s", route.Pattern(), w.Code, w.Body)
	}
	return Response{t: c.kit.T, call: method + " " + path, Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}

func encodeBody(body any) ([]byte, error) {
	switch b := body.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(b), nil
	case []byte:
		return b, nil
	default:
		return json.Marshal(b)
	}
}

// Want fails the test unless the status is the one given.
func (r Response) Want(status int) Response {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("%s: got %d %s, want %d", r.call, r.Status, r.Body, status)
	}
	return r
}

// Refused fails the test unless the answer is the single error body with the
// status and reason given.
func (r Response) Refused(status int, reason string) Response {
	r.t.Helper()
	body := r.Map()
	if r.Status != status || body["reason"] != reason {
		r.t.Errorf("%s: got %d %s, want %d %s", r.call, r.Status, r.Body, status, reason)
	}
	if body["message"] == "" || body["message"] != body["error"] {
		r.t.Errorf("%s: error body has no sentence: %s", r.call, r.Body)
	}
	return r
}

// Map decodes an object; nil when the body is none.
func (r Response) Map() map[string]any {
	var m map[string]any
	_ = json.Unmarshal(r.Body, &m)
	return m
}

// Into decodes the body.
func (r Response) Into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("%s: body %q: %v", r.call, r.Body, err)
	}
}

// String returns a text member of the body by its path.
func (r Response) String(path ...string) string {
	r.t.Helper()
	value := any(r.Map())
	for _, name := range path {
		m, _ := value.(map[string]any)
		value = m[name]
	}
	text, ok := value.(string)
	if !ok {
		r.t.Fatalf("%s: no text at %v in %s", r.call, path, r.Body)
	}
	return text
}
