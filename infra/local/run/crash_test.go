package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/appmint/appengine/infra/local/client"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
)

const writers = 16

// server is the built local run over one data folder.
type server struct {
	binary, data, port string
	process            *exec.Cmd
}

func build(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{binary: filepath.Join(dir, "run"), data: filepath.Join(dir, "data")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", s.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, s.port, _ = net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) start(t *testing.T) *client.Client {
	t.Helper()
	s.process = exec.CommandContext(context.WithoutCancel(t.Context()), s.binary, "-port", s.port, "-data", s.data, "-template", "../../../template.yaml", "-plan", "unlimited")
	s.process.Stderr = os.Stderr
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.process.Process.Kill() })
	c := client.New("http://localhost:" + s.port)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if c.Do(t.Context(), http.MethodGet, "/health", nil, nil) == nil {
			return c
		}
	}
	t.Fatal("the server did not come up")
	return nil
}

func (s *server) stop(t *testing.T, with os.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(with); err != nil {
		t.Fatal(err)
	}
	_ = s.process.Wait() // it was told to end
}

// acknowledged is what the clients know to be stored.
type acknowledged struct {
	mu    sync.Mutex
	notes []string
	sent  atomic.Int64
	done  atomic.Int64
}

// write stores notes, and a customer now and then, until the server is gone.
func (a *acknowledged) write(ctx context.Context, c *client.Client, writer int) {
	for n := 0; ; n++ {
		a.sent.Add(1)
		var made struct {
			ID string `json:"sk"`
		}
		path, method := "/repository/create", http.MethodPut
		body := map[string]any{"datatype": "crash_note", "isNew": true, "data": map[string]any{"text": fmt.Sprintf("%d/%d", writer, n)}}
		if n%8 == 7 {
			path, method = "/profile/customer/signup", http.MethodPost
			body = map[string]any{"email": fmt.Sprintf("c%d-%d@crash.example", writer, n), "firstName": "C", "lastName": "R"}
		}
		if c.Do(ctx, method, path, body, &made) != nil {
			return
		}
		a.done.Add(1)
		if made.ID != "" {
			a.mu.Lock()
			a.notes = append(a.notes, made.ID)
			a.mu.Unlock()
		}
	}
}

// A killed server loses no acknowledged write, announces each exactly once where
// consumers are idempotent, and its counters match what it holds.
func TestKillUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	s := build(t)
	c := s.start(t)
	ctx := t.Context()
	if err := c.SignUp(ctx, "Crash Books", "ann@crash.example", "correct horse 9"); err != nil {
		t.Fatal(err)
	}
	definition := map[string]any{"datatype": "collection", "isNew": true, "data": map[string]any{"name": "crash_note", "title": "Notes", "schema": map[string]any{"type": "object"}}}
	if err := c.Do(ctx, http.MethodPut, "/repository/create", definition, nil); err != nil {
		t.Fatal(err)
	}
	var acked acknowledged
	var wg sync.WaitGroup
	for writer := range writers {
		wg.Go(func() { acked.write(ctx, c, writer) })
	}
	time.Sleep(1500 * time.Millisecond)
	s.stop(t, syscall.SIGKILL)
	wg.Wait()
	if len(acked.notes) < 100 {
		t.Fatalf("only %d notes were acknowledged", len(acked.notes))
	}

	again := s.start(t)
	again.Token, again.Org = c.Token, c.Org
	checkRecords(t, again, acked.notes)
	checkCount(t, again, &acked)
	awaitRelay(t, again)
	s.stop(t, os.Interrupt)
	checkEvents(t, s.data, org.ID(c.Org), acked.notes)
}

// checkRecords reads every acknowledged note, and compares the total with what a
// walk over all pages finds.
func checkRecords(t *testing.T, c *client.Client, notes []string) {
	t.Helper()
	for _, id := range notes {
		if err := c.Do(t.Context(), http.MethodGet, "/repository/get/crash_note/"+id, nil, nil); err != nil {
			t.Fatalf("an acknowledged note is gone: %v", err)
		}
	}
	found := 0
	for page := 1; ; page++ {
		var list struct {
			Data    []json.RawMessage `json:"data"`
			Total   int               `json:"total"`
			HasNext bool              `json:"hasNext"`
		}
		if err := c.Do(t.Context(), http.MethodGet, fmt.Sprintf("/repository/find/crash_note?ps=200&p=%d", page), nil, &list); err != nil {
			t.Fatal(err)
		}
		if found += len(list.Data); !list.HasNext {
			if found != list.Total || found < len(notes) {
				t.Errorf("the list holds %d notes, says %d, and %d were acknowledged", found, list.Total, len(notes))
			}
			return
		}
	}
}

// checkCount holds the meter against the calls made: every acknowledged call was
// counted, and none that was not sent.
func checkCount(t *testing.T, c *client.Client, acked *acknowledged) {
	t.Helper()
	var calls struct {
		Used int64 `json:"used"`
	}
	if err := c.Do(t.Context(), http.MethodGet, "/usage/"+c.Org+"/current/api-calls", nil, &calls); err != nil {
		t.Fatal(err)
	}
	// Beside the writers: the definition, the reads of checkRecords (each note
	// and the pages), and this very call.
	others := int64(len(acked.notes)) + 2
	if calls.Used < acked.done.Load()+others {
		t.Errorf("%d calls are counted, %d were acknowledged", calls.Used, acked.done.Load()+others)
	}
	if most := acked.sent.Load() + others + 1000; calls.Used > most {
		t.Errorf("%d calls are counted, at most %d were sent", calls.Used, most)
	}
}

// awaitRelay waits until the relay has read to the end of the stream: an event
// made now is seen on the bus.
func awaitRelay(t *testing.T, c *client.Client) {
	t.Helper()
	var made struct {
		ID string `json:"sk"`
	}
	if err := c.Do(t.Context(), http.MethodPut, "/repository/create", map[string]any{"datatype": "crash_note", "isNew": true, "data": map[string]any{"text": "last"}}, &made); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var events []struct {
			Detail struct {
				RecordID string `json:"recordId"`
			} `json:"detail"`
		}
		if err := c.Do(t.Context(), http.MethodGet, "/_local/events?name=collection-create&orgid="+c.Org, nil, &events); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Detail.RecordID == made.ID {
				time.Sleep(300 * time.Millisecond) // the queue behind the bus
				return
			}
		}
	}
	t.Fatal("the relay did not catch up")
}

// checkEvents opens the table and compares the stream's announcements, and what
// the idempotent consumer made of them, with the records.
func checkEvents(t *testing.T, data string, id org.ID, notes []string) {
	t.Helper()
	engine, err := embedded.Open(filepath.Join(data, "table"), embedded.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	created, customers := announcements(t, engine, id)
	for _, note := range notes {
		if created[note] != 1 {
			t.Errorf("note %s was announced %d times", note, created[note])
		}
	}
	if counted := rollup(t, engine, id); counted != customers {
		t.Errorf("the consumer counted %d customers, %d registered", counted, customers)
	}
}

// announcements reads the whole stream: how often each record's creation was
// announced, and how many customers registered.
func announcements(t *testing.T, engine *embedded.Engine, id org.ID) (created map[string]int, customers int64) {
	t.Helper()
	created = map[string]int{}
	for _, change := range allChanges(t, engine) {
		events, err := repository.EnvelopeOf(change)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			switch {
			case e.Org != id:
			case e.Name == "collection-create":
				created[e.RecordID]++
			case e.Name == "contact.registered":
				customers++
			}
		}
	}
	return created, customers
}

func allChanges(t *testing.T, engine *embedded.Engine) []table.Change {
	t.Helper()
	var all []table.Change
	for cursor := ""; ; {
		changes, next, err := engine.Changes(t.Context(), cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) == 0 {
			return all
		}
		all, cursor = append(all, changes...), next
	}
}

// rollup sums what monitoring's consumer counted for the org.
func rollup(t *testing.T, engine *embedded.Engine, id org.ID) int64 {
	t.Helper()
	page, err := table.Of(engine, org.Root).Query(t.Context(), table.Query{Part: "activity-" + id.String()})
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		t.Fatal(err)
	}
	sum := int64(0)
	for _, item := range page.Items {
		var counts struct {
			Customers int64 `json:"customers"`
		}
		if err := item.Doc.Decode(&counts); err != nil {
			t.Fatal(err)
		}
		sum += counts.Customers
	}
	return sum
}
