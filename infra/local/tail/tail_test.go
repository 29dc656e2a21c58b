package tail_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/tail"
)

func watch(t *tail.Tail, id int, name, detail string) {
	t.Watch(fmt.Appendf(nil, `{"id":"%d","detail-type":%q,"detail":%s}`, id, name, detail))
}

func list(t *testing.T, h http.Handler, query string) []string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tail.Path+query, nil))
	var events []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &events); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	ids := make([]string, 0, len(events))
	for _, event := range events {
		ids = append(ids, event.ID)
	}
	return ids
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	events := tail.New()
	watch(events, 1, "users.created", `{"orgid":"acme"}`)
	watch(events, 2, "users.deleted", `{"orgId":"acme"}`)
	watch(events, 3, "users.created", `{"orgid":"other"}`)
	for query, want := range map[string][]string{
		"": {"1", "2", "3"}, "?orgid=acme": {"1", "2"}, "?name=users.created": {"1", "3"}, "?after=1": {"2", "3"},
		"?after=1&name=users.created": {"3"}, "?after=3": {}, "?after=forgotten": {"1", "2", "3"}, "?orgid=none": {},
	} {
		if diff := cmp.Diff(want, list(t, events, query)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestOnlyTheLastAreKept(t *testing.T) {
	t.Parallel()
	events := tail.New()
	for i := range 2*tail.MaxKept + 7 {
		watch(events, i, "n", `{}`)
	}
	got := list(t, events, "")
	if last := strconv.Itoa(2*tail.MaxKept + 6); len(got) != tail.MaxKept || got[len(got)-1] != last {
		t.Errorf("%d events up to %s, want %d up to %s", len(got), got[len(got)-1], tail.MaxKept, last)
	}
	if got := list(t, events, "?after="+strconv.Itoa(2*tail.MaxKept+5)); len(got) != 1 {
		t.Errorf("%d events after the last but one, want 1", len(got))
	}
}

func TestWhatIsNoEventDoesNotBreakTheList(t *testing.T) {
	t.Parallel()
	events := tail.New()
	events.Watch([]byte("not json"))
	w := httptest.NewRecorder()
	events.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tail.Path, nil))
	if got := strings.TrimSpace(w.Body.String()); got != `["not json"]` {
		t.Errorf("list = %s", got)
	}
}

func TestLiveTail(t *testing.T) {
	t.Parallel()
	events := tail.New()
	server := httptest.NewServer(events)
	t.Cleanup(server.Close)
	watch(events, 1, "a", `{}`)
	watch(events, 2, "a", `{}`)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+tail.Path+"?name=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Last-Event-ID", "1")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	next := func() string {
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				return id
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	if got := next(); got != "2" {
		t.Errorf("first event %s, want 2", got)
	}
	watch(events, 3, "other", `{}`)
	watch(events, 4, "a", "{\n}")
	if got := next(); got != "4" {
		t.Errorf("next event %s, want 4", got)
	}
}

func TestOnlyGET(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	tail.New().ServeHTTP(w, httptest.NewRequest(http.MethodPost, tail.Path, nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("status %d, want 405", w.Code)
	}
}
