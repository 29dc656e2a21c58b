package api_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
)

// replaying serves one repeatable route, and counts how often it runs.
type replaying struct {
	t    *testing.T
	mux  *api.Mux
	now  time.Time
	runs int
	do   func(ctx context.Context) (table.Doc, error)
}

func newReplaying(t *testing.T) *replaying {
	t.Helper()
	r := &replaying{t: t, now: time.Date(2026, 4, 10, 8, 20, 11, 0, time.UTC)}
	now := func() time.Time { return r.now }
	engine, err := embedded.OpenMemory(embedded.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	r.do = func(context.Context) (table.Doc, error) { return table.Doc(`{"version":7}`), nil }
	r.mux, err = api.NewMux([]api.Route{
		api.On("POST /make/{id}", auth.Persons(), r.run, "Make.", api.Status(http.StatusCreated), api.Tagged(),
			api.Repeatable(api.NewReplays(engine, now)), api.Fails(errTaken)),
	}, slog.New(slog.DiscardHandler), now, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type makeIn struct {
	ID    string `path:"id"`
	Title string `json:"title"`
}

func (r *replaying) run(ctx context.Context, _ auth.Principal, _ makeIn) (table.Doc, error) {
	r.runs++
	return r.do(ctx)
}

func (r *replaying) call(who, path, body, key string) *httptest.ResponseRecorder {
	ctx := auth.WithVerdict(r.t.Context(), auth.Verdict{Principal: auth.Principal{Kind: auth.User, Org: "acme", Home: "acme", ID: who}})
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	r.mux.ServeHTTP(w, req)
	return w
}

func (r *replaying) want(w *httptest.ResponseRecorder, status int, text string, runs int) {
	r.t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), text) || r.runs != runs {
		r.t.Errorf("got %d %s after %d runs, want %d %s after %d", w.Code, w.Body, r.runs, status, text, runs)
	}
}

func TestRepeatedCallIsAnsweredAsBefore(t *testing.T) {
	t.Parallel()
	r := newReplaying(t)
	r.want(r.call("ann", "/make/1", `{"title":"a"}`, "k"), http.StatusCreated, `{"version":7}`, 1)
	again := r.call("ann", "/make/1", ` {"title": "a"}`, "k")
	r.want(again, http.StatusCreated, `{"version":7}`, 1)
	if again.Header().Get("Idempotent-Replayed") != "true" || again.Header().Get("Etag") != `"7"` {
		t.Errorf("headers: %v", again.Header())
	}
	r.want(r.call("ann", "/make/1", `{"title":"b"}`, "k"), http.StatusConflict, "idempotency_conflict", 1)
	r.want(r.call("ann", "/make/2", `{"title":"a"}`, "k"), http.StatusConflict, "idempotency_conflict", 1)
	r.want(r.call("bob", "/make/1", `{"title":"a"}`, "k"), http.StatusCreated, "7", 2)
	r.want(r.call("ann", "/make/1", `{"title":"a"}`, ""), http.StatusCreated, "7", 3)
	r.want(r.call("ann", "/make/1", `{"title":"a"}`, strings.Repeat("k", 256)), http.StatusBadRequest, "invalid_idempotency_key", 3)
	r.now = r.now.Add(25 * time.Hour)
	r.want(r.call("ann", "/make/1", `{"title":"a"}`, "k"), http.StatusCreated, "7", 4)
}

func TestRefusedCallMayBeRepeated(t *testing.T) {
	t.Parallel()
	r := newReplaying(t)
	r.do = func(context.Context) (table.Doc, error) { return nil, errTaken }
	r.want(r.call("ann", "/make/1", `{}`, "k"), http.StatusConflict, "taken", 1)
	r.do = func(context.Context) (table.Doc, error) { return table.Doc(`{}`), nil }
	r.want(r.call("ann", "/make/1", `{}`, "k"), http.StatusCreated, "{}", 2)
}

func TestRepeatWhileTheFirstCallIsAtWork(t *testing.T) {
	t.Parallel()
	r := newReplaying(t)
	r.do = func(context.Context) (table.Doc, error) {
		r.want(r.call("ann", "/make/1", `{}`, "k"), http.StatusConflict, "idempotency_in_flight", 1) //nolint:contextcheck // a call of its own
		return nil, errors.New("nobody knows what happened")
	}
	r.want(r.call("ann", "/make/1", `{}`, "k"), http.StatusInternalServerError, "internal_error", 1)
	r.want(r.call("ann", "/make/1", `{}`, "k"), http.StatusConflict, "idempotency_in_flight", 1)
	r.now = r.now.Add(2 * time.Minute)
	r.do = func(context.Context) (table.Doc, error) { return table.Doc(`{}`), nil }
	r.want(r.call("ann", "/make/1", `{}`, "k"), http.StatusCreated, "{}", 2)
}

func TestVersionOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{`"3"`: 3, `W/"3"`: 3, `3`: 3, ``: -1, `*`: -1} {
		got, err := api.VersionOf(text)
		if err != nil || (got == nil) != (want < 0) || got != nil && *got != want {
			t.Errorf("%q: got %v, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{`"x"`, `"-1"`, `"1","2"`} {
		if _, err := api.VersionOf(text); !errors.Is(err, api.ErrETag) {
			t.Errorf("%q: got %v, want %v", text, err, api.ErrETag)
		}
	}
}
