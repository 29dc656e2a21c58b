package host

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sandbox is the Extensions API: it notes the order of what happens.
type sandbox struct {
	register int // status of a registration
	begin    chan struct{}
	log      chan string
}

func (s *sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/register"):
		w.Header().Set("Lambda-Extension-Identifier", "id-1")
		w.WriteHeader(s.register)
	case r.Header.Get("Lambda-Extension-Identifier") != "id-1":
		w.WriteHeader(http.StatusForbidden)
	default:
		s.log <- "asked for the next invocation"
		if _, open := <-s.begin; !open {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
}

// handler queues one task per invocation.
type handler struct {
	after *after
	log   chan string
}

func (h handler) Invoke(context.Context, []byte) ([]byte, error) {
	h.after.later(func(context.Context) { h.log <- "task" })
	h.log <- "answered"
	return []byte("ok"), nil
}

func startAfter(t *testing.T, s *sandbox) *after {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(server.URL, "http://"))
	return newAfter(slog.New(slog.DiscardHandler))
}

func take(t *testing.T, log chan string, n int) []string {
	t.Helper()
	var got []string
	for range n {
		select {
		case line := <-log:
			got = append(got, line)
		case <-time.After(10 * time.Second):
			t.Fatalf("only %v happened", got)
		}
	}
	return got
}

// The task runs once the handler has answered, and the sandbox is not asked for
// the next invocation, which would let it freeze, before the task is done.
func TestAfterRunsTasksBehindTheAnswer(t *testing.T) {
	s := &sandbox{register: http.StatusOK, begin: make(chan struct{}), log: make(chan string, 10)}
	a := startAfter(t, s)
	h := a.around(handler{a, s.log})
	for range 2 {
		if got := take(t, s.log, 1)[0]; got != "asked for the next invocation" {
			t.Fatalf("got %q", got)
		}
		s.begin <- struct{}{}
		if _, err := h.Invoke(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"answered", "task"}, take(t, s.log, 2)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	close(s.begin)
}

// Without an extension the work is done before the answer: never dropped.
func TestAfterWorksWithoutAnExtension(t *testing.T) {
	for name, status := range map[string]int{"refused": http.StatusForbidden, "ends": http.StatusOK} {
		s := &sandbox{register: status, begin: make(chan struct{}), log: make(chan string, 10)}
		a := startAfter(t, s)
		close(s.begin) // an extension that did register learns that it has ended
		if status == http.StatusOK {
			<-a.ended
			take(t, s.log, 1)
		}
		if _, err := a.around(handler{a, s.log}).Invoke(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"answered", "task"}, take(t, s.log, 2)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
