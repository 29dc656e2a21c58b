package mailbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/mailbox"
)

func now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func open(t *testing.T, path string) *mailbox.Box {
	t.Helper()
	b, err := mailbox.Open(path, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func put(t *testing.T, b *mailbox.Box, subject, to string) mailbox.Message {
	t.Helper()
	m, err := b.Put(t.Context(), mailbox.Message{Channel: "email", To: []string{to}, Subject: subject, Text: "code 123"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func get(t *testing.T, b *mailbox.Box, target string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return w.Code
}

func TestMessagesSurviveARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run", "mail.jsonl")
	b := open(t, path)
	first, second := put(t, b, "one", "A@example.com"), put(t, b, "two", "b@example.com")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"id":"cut sh`); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}

	b = open(t, path)
	if diff := cmp.Diff([]mailbox.Message{second, first}, b.List("", 10)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if !first.SentAt.Equal(now()) {
		t.Errorf("sent at %v, want %v", first.SentAt, now())
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	b := open(t, "")
	first := put(t, b, "one", "A@example.com")
	put(t, b, "two", "b@example.com")

	var list []mailbox.Message
	if status := get(t, b, "/_local/mail?to=a@example.com", &list); status != http.StatusOK || len(list) != 1 || list[0].ID != first.ID {
		t.Errorf("list = %d %v, want the one message", status, list)
	}
	if status := get(t, b, "/_local/mail?limit=1", &list); status != http.StatusOK || len(list) != 1 || list[0].Subject != "two" {
		t.Errorf("list = %d %v, want the newest", status, list)
	}
	var one mailbox.Message
	if status := get(t, b, "/_local/mail/"+first.ID, &one); status != http.StatusOK || one.Subject != "one" {
		t.Errorf("message = %d %v", status, one)
	}
	var fault map[string]string
	if status := get(t, b, "/_local/mail/none", &fault); status != http.StatusNotFound {
		t.Errorf("unknown message = %d, want 404", status)
	}
	if status := get(t, b, "/_local/mail?limit=none", &fault); status != http.StatusBadRequest {
		t.Errorf("bad limit = %d, want 400", status)
	}
}

func TestOnlyTheNewestAreKept(t *testing.T) {
	t.Parallel()
	b := open(t, "")
	for i := range 2*mailbox.MaxKept + 5 {
		put(t, b, strconv.Itoa(i), "a@example.com")
	}
	list := b.List("", 5*mailbox.MaxKept)
	if len(list) != mailbox.MaxKept || list[0].Subject != strconv.Itoa(2*mailbox.MaxKept+4) {
		t.Errorf("%d messages from %s", len(list), list[0].Subject)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	b := open(t, "")
	for _, m := range []mailbox.Message{{Channel: "email"}, {Channel: "fax", To: []string{"x"}}} {
		if _, err := b.Put(t.Context(), m); err == nil {
			t.Errorf("Put accepted %+v", m)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mail.jsonl")
	if err := os.WriteFile(path, []byte("damaged\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mailbox.Open(path, now); err == nil {
		t.Error("Open accepted a damaged file")
	}
	b := open(t, filepath.Join(t.TempDir(), "mail.jsonl"))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), mailbox.Message{Channel: "sms", To: []string{"+1"}}); err == nil {
		t.Error("Put into a closed box succeeded")
	}
	if len(b.List("", 1)) != 0 {
		t.Error("a message that was not kept is listed")
	}
}
