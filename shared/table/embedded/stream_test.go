package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
)

// clock stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

func write(t testing.TB, e *embedded.Engine, op table.Op) {
	t.Helper()
	if _, err := e.Write(context.Background(), op); err != nil {
		t.Fatal(err)
	}
}

func put(sort, doc string) table.Put {
	return table.Put{Item: table.Item{Key: table.Key{Part: "acme#p", Sort: sort}, Doc: table.Doc(doc)}}
}

func changes(t testing.TB, e *embedded.Engine, after string) ([]table.Change, string) {
	t.Helper()
	var all []table.Change
	for {
		some, next, err := e.Changes(context.Background(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return all, next
		}
		all, after = append(all, some...), next
	}
}

func TestSweepRemovesExpiredWithChange(t *testing.T) {
	t.Parallel()
	c := newClock()
	e := openMemory(t, c.now)
	op := put("s", `{"n":1}`)
	op.Item.Expires = c.now().Add(time.Minute)
	op.Item.Index = map[string]string{table.By1: "acme#x"}
	write(t, e, op)
	sweep := func() []table.Change {
		if err := e.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, _ := changes(t, e, "")
		return all
	}
	if got := len(sweep()); got != 1 {
		t.Fatalf("got %d changes before expiry, want 1", got)
	}
	c.move(time.Minute)
	if _, err := e.Get(t.Context(), op.Item.Key); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("an expired item is visible: %v", err)
	}
	all := sweep()
	if len(all) != 2 || all[1].New != nil || all[1].Old == nil || string(all[1].Old.Doc) != `{"n":1}` {
		t.Fatalf("got changes %+v, want a removal at the end", all)
	}
	if got := len(sweep()); got != 2 {
		t.Errorf("a second sweep made changes: %d", got)
	}
}

func TestSweepSparesRenewed(t *testing.T) {
	t.Parallel()
	c := newClock()
	e := openMemory(t, c.now)
	op := put("s", `{}`)
	op.Item.Expires = c.now().Add(time.Minute)
	write(t, e, op)
	write(t, e, table.Modify{Key: op.Item.Key, Expires: c.now().Add(time.Hour)})
	c.move(2 * time.Minute)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Get(t.Context(), op.Item.Key); err != nil {
		t.Errorf("a renewed item was swept: %v", err)
	}
}

func TestStreamIsTrimmedAndGoesOn(t *testing.T) {
	t.Parallel()
	c := newClock()
	e := openMemory(t, c.now)
	write(t, e, put("1", `{}`))
	write(t, e, put("2", `{}`))
	c.move(table.StreamWindow + time.Second)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, last := changes(t, e, "")
	if len(left) != 1 || left[0].Key.Sort != "2" {
		t.Fatalf("got %+v, want only the newest", left)
	}
	write(t, e, put("3", `{}`))
	if rest, _ := changes(t, e, last); len(rest) != 1 || rest[0].ID <= last {
		t.Errorf("after %s: got %+v", last, rest)
	}
}

func TestStreamSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := openDisk(t, dir)
	write(t, e, put("1", `{"n":1}`))
	before, last := changes(t, e, "")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openDisk(t, dir)
	write(t, e, put("1", `{"n":2}`))
	all, _ := changes(t, e, "")
	if len(before) != 1 || len(all) != 2 || all[1].ID <= last || all[0].ID != before[0].ID {
		t.Errorf("got %d changes, then %d: %+v", len(before), len(all), all)
	}
}

func TestWaitWakesAtWrite(t *testing.T) {
	t.Parallel()
	e := openMemory(t, time.Now)
	woken := make(chan error)
	go func() { woken <- e.Wait(context.Background(), e.Latest()) }()
	select {
	case err := <-woken:
		t.Fatalf("woke without a change: %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	write(t, e, put("s", `{}`))
	if err := <-woken; err != nil {
		t.Error(err)
	}
	if err := e.Wait(t.Context(), ""); err != nil {
		t.Errorf("wait for what is there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Wait(ctx, e.Latest()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if err := e.Wait(t.Context(), "x"); !errors.Is(err, table.ErrCursor) {
		t.Errorf("got %v, want an invalid cursor", err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	e := openMemory(t, time.Now)
	waiting := make(chan error)
	go func() { waiting <- e.Wait(context.Background(), "") }()
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-waiting; !errors.Is(err, os.ErrClosed) {
		t.Errorf("wait: got %v, want closed", err)
	}
	if _, err := e.Get(t.Context(), table.Key{Part: "p", Sort: "s"}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("get: got %v, want closed", err)
	}
	if _, err := e.Write(t.Context(), put("s", `{}`)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write: got %v, want closed", err)
	}
}

func TestTokensAreForgotten(t *testing.T) {
	t.Parallel()
	c := newClock()
	e := openMemory(t, c.now)
	add := func() {
		t.Helper()
		err := e.Transact(t.Context(), "token", table.Modify{
			Key: table.Key{Part: "p", Sort: "s"}, Add: []table.Increment{{Path: table.At("n"), By: 1}}, Upsert: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(n int) {
		t.Helper()
		item, err := e.Get(t.Context(), table.Key{Part: "p", Sort: "s"})
		if err != nil || string(item.Doc) != fmt.Sprintf(`{"n":%d}`, n) {
			t.Errorf("got %s, %v; want %d", item.Doc, err, n)
		}
	}
	add()
	c.move(9 * time.Minute)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	add()
	want(1)
	c.move(time.Minute)
	add()
	want(2)
	if err := e.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	add()
	want(2)
}
