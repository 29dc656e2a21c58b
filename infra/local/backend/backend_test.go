package backend_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/backend"
	"github.com/appmint/appengine/infra/local/client"
)

// start runs a whole backend in memory, as make run does.
func start(t *testing.T) *client.Client {
	t.Helper()
	b, err := backend.New(backend.Options{Template: "../../../template.yaml", URL: "http://localhost", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan struct{})
	go func() { b.Run(ctx); close(stopped) }()
	server := httptest.NewServer(b.Handler())
	t.Cleanup(func() {
		server.Close()
		stop()
		<-stopped
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return client.New(server.URL)
}

type object = map[string]any

func do(t *testing.T, c *client.Client, method, path string, body any) object {
	t.Helper()
	var result object
	if err := c.Do(t.Context(), method, path, body, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// refused makes a call that must end in the status given, and returns the body.
func refused(t *testing.T, c *client.Client, status int, method, path string, body any) {
	t.Helper()
	_, err := c.Raw(t.Context(), method, path, body)
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != status {
		t.Errorf("%s %s: got %v, want %d", method, path, err, status)
	}
}

func signedUp(t *testing.T, c *client.Client, name string) *client.Client {
	t.Helper()
	own := *c
	if err := own.SignUp(t.Context(), name, "ann@"+name+".example", "correct horse 9"); err != nil {
		t.Fatal(err)
	}
	return &own
}

func defineBooks(t *testing.T, c *client.Client) {
	t.Helper()
	do(t, c, http.MethodPut, "/repository/create", object{"datatype": "collection", "isNew": true, "data": object{
		"name": "book", "title": "Books", "schema": object{"type": "object", "required": []string{"title"}, "properties": object{
			"title": object{"type": "string"}, "isbn": object{"type": "string", "unique": true}, "author": object{"type": "string", "indexed": true},
		}},
	}})
}

func book(title, isbn string) object {
	return object{"datatype": "book", "isNew": true, "data": object{"title": title, "isbn": isbn, "author": "Frank Herbert"}}
}

// The calls of the README, through gateway, authorizer and every module, and
// afterwards the meter: it counts exactly the calls that were made.
func TestAClientsFirstCalls(t *testing.T) {
	t.Parallel()
	anybody := start(t)
	c := signedUp(t, anybody, "acme-books")
	calls := 0
	counted := func() { calls++ }

	defineBooks(t, c)
	counted()
	id, _ := do(t, c, http.MethodPut, "/repository/create", book("Dune", "1"))["sk"].(string)
	counted()
	found := do(t, c, http.MethodPost, "/repository/find/book", object{"query": object{"data.author": "Frank Herbert"}})
	counted()
	if found["total"] != 1.0 {
		t.Errorf("found %v", found)
	}
	do(t, c, http.MethodPost, "/repository/update-partial/book/"+id, object{"data.title": "Dune Messiah"})
	counted()
	refused(t, c, http.StatusConflict, http.MethodPost, "/repository/update-partial/book/"+id, object{"data.title": "x", "version": 0})
	counted()
	refused(t, c, http.StatusConflict, http.MethodPut, "/repository/create", book("Copy", "1"))
	counted()

	key := *c
	key.Token = ""
	key.Key, _ = do(t, c, http.MethodPost, "/api-key/create", object{"name": "reports", "scopes": []string{"read"}})["key"].(string)
	counted()
	do(t, &key, http.MethodGet, "/repository/get/book/"+id, nil)
	counted()
	refused(t, &key, http.StatusForbidden, http.MethodDelete, "/repository/delete/book/"+id, nil)
	counted()

	other := signedUp(t, anybody, "other-books")
	refused(t, other, http.StatusNotFound, http.MethodGet, "/repository/get/book/"+id, nil)
	trespasser := *other
	trespasser.Org = c.Org
	refused(t, &trespasser, http.StatusForbidden, http.MethodGet, "/repository/get/book/"+id, nil)
	counted()

	do(t, c, http.MethodDelete, "/repository/delete/book/"+id, nil)
	counted()
	current := do(t, c, http.MethodGet, "/usage/"+c.Org+"/current/api-calls", nil)
	counted()
	if current["used"] != float64(calls) {
		t.Errorf("%d calls were made, %v are counted", calls, current["used"])
	}
	eventually(t, map[string]int{"collection-create": 1, "collection-update": 1, "collection-delete": 1}, func() map[string]int {
		return eventsOf(t, c, id)
	})
}

// eventsOf counts the events that the bus carried about one record.
func eventsOf(t *testing.T, c *client.Client, id string) map[string]int {
	t.Helper()
	var events []struct {
		Name   string `json:"detail-type"`
		Detail struct {
			RecordID string `json:"recordId"`
		} `json:"detail"`
	}
	if err := c.Do(t.Context(), http.MethodGet, "/_local/events?orgid="+c.Org, nil, &events); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, e := range events {
		if e.Detail.RecordID == id {
			counts[e.Name]++
		}
	}
	return counts
}

// eventually waits for what happens behind the answers.
func eventually(t *testing.T, want map[string]int, get func() map[string]int) {
	t.Helper()
	for range 500 {
		if cmp.Equal(want, get()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("(-want +got):\n%s", cmp.Diff(want, get()))
}

// Nothing a caller writes into a request makes it somebody: not the authorizer's
// own words in headers, not another org's name.
func TestHeadersMakeNobodySomebody(t *testing.T) {
	t.Parallel()
	anybody := start(t)
	c := signedUp(t, anybody, "acme-books")
	for _, header := range []string{"verdict", "x-verdict", "principal", "x-amzn-request-context", "x-forwarded-user"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, anybody.URL+"/repository/find/user", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("orgid", c.Org)
		r.Header.Set(header, fmt.Sprintf(`{"principal":{"kind":"user","org":%q,"home":%[1]q,"verbs":63,"roles":["RootAdmin"]}}`, c.Org))
		response, err := anybody.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("header %s: got %d", header, response.StatusCode)
		}
	}
}

// A signed-out token stops working, whoever holds it.
func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	c := signedUp(t, start(t), "acme-books")
	do(t, c, http.MethodGet, "/profile", nil)
	do(t, c, http.MethodGet, "/profile/logout", nil)
	refused(t, c, http.StatusUnauthorized, http.MethodGet, "/profile", nil)
}

// A limit holds: of more calls than a minute allows, exactly that many pass.
func TestTheLimitHolds(t *testing.T) {
	t.Parallel()
	anybody := start(t)
	c := signedUp(t, anybody, "acme-books")
	visitor := client.New(anybody.URL)
	visitor.Org = c.Org
	began := time.Now().Truncate(time.Minute)
	passed := 0
	for range 130 { // an anonymous address has 100 calls a minute
		if visitor.Do(t.Context(), http.MethodGet, "/profile/whoami", nil, nil) == nil {
			passed++
		}
	}
	oneMinute := time.Now().Truncate(time.Minute).Equal(began)
	if passed < 100 || oneMinute && passed != 100 {
		t.Errorf("%d calls passed, the limit is 100", passed)
	}
}
