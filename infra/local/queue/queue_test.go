package queue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appmint/appengine/infra/local/queue"
)

func open(t testing.TB, config queue.Config) *queue.Queue {
	t.Helper()
	q, err := queue.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func send(t testing.TB, q *queue.Queue, messages ...queue.Message) []string {
	t.Helper()
	ids := make([]string, 0, len(messages))
	for _, m := range messages {
		id, err := q.Send(t.Context(), m)
		if err != nil {
			t.Fatalf("Send(%+v): %v", m, err)
		}
		ids = append(ids, id)
	}
	return ids
}

func receive(t testing.TB, q *queue.Queue) []queue.Received {
	t.Helper()
	got, err := q.Receive(t.Context(), 10, 0)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	return got
}

func bodies[M queue.Received | queue.Stored](messages []M) []string {
	texts := []string{}
	for _, m := range messages {
		switch m := any(m).(type) {
		case queue.Received:
			texts = append(texts, m.Body)
		case queue.Stored:
			texts = append(texts, m.Body)
		}
	}
	return texts
}

func expect(t testing.TB, got []string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestVisibilityTimeoutReturnsMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q", Visibility: time.Minute})
		send(t, q, queue.Message{Body: "a"}, queue.Message{Body: "b", Delay: time.Second})

		expect(t, bodies(receive(t, q)), "a")
		if got, want := q.Stats(), (queue.Stats{InFlight: 1, Delayed: 1}); got != want {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}
		time.Sleep(time.Second)
		expect(t, bodies(receive(t, q)), "b")
		time.Sleep(time.Minute)
		again := receive(t, q)
		expect(t, bodies(again), "a", "b")
		if again[0].Receives != 2 {
			t.Errorf("receive count = %d, want 2", again[0].Receives)
		}
	})
}

// A consumer that was too slow must not delete what another one works on.
func TestDeleteRefusesStaleReceipt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q"})
		send(t, q, queue.Message{Body: "a"})
		slow := receive(t, q)[0]
		time.Sleep(queue.DefaultVisibility)
		current := receive(t, q)[0]

		if err := q.Delete(slow.Receipt); !errors.Is(err, queue.ErrStaleReceipt) {
			t.Errorf("Delete(stale) = %v, want ErrStaleReceipt", err)
		}
		if err := q.Delete(current.Receipt); err != nil {
			t.Errorf("Delete(current) = %v", err)
		}
		if err := q.ChangeVisibility(current.Receipt, 0); !errors.Is(err, queue.ErrStaleReceipt) {
			t.Errorf("ChangeVisibility(deleted) = %v, want ErrStaleReceipt", err)
		}
	})
}

func TestReceiveWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q", Delay: 5 * time.Second})
		start := time.Now()
		if got, err := q.Receive(t.Context(), 1, 3*time.Second); err != nil || len(got) != 0 || time.Since(start) != 3*time.Second {
			t.Errorf("Receive on empty = %v, %v after %v", got, err, time.Since(start))
		}
		go func() {
			if _, err := q.Send(context.WithoutCancel(t.Context()), queue.Message{Body: "a"}); err != nil {
				t.Error(err)
			}
		}()
		got, err := q.Receive(t.Context(), 1, time.Minute)
		if err != nil || len(got) != 1 || time.Since(start) != 8*time.Second {
			t.Errorf("Receive = %v, %v after %v, want the message after its delay", got, err, time.Since(start))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := q.Receive(ctx, 1, time.Minute); err != nil || len(got) != 0 {
			t.Errorf("Receive(cancelled) = %v, %v", got, err)
		}
	})
}

func TestRedriveToDeadLetterQueueAndBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := open(t, queue.Config{Name: "dead", ARN: "arn:dead"})
		q := open(t, queue.Config{Name: "q", ARN: "arn:q", MaxReceive: 2, DeadLetter: dead})
		ids := send(t, q, queue.Message{Body: "poison"})
		for range 2 {
			expect(t, bodies(receive(t, q)), "poison")
			time.Sleep(queue.DefaultVisibility)
		}
		expect(t, bodies(receive(t, q)))
		letters := dead.Messages(10)
		expect(t, bodies(letters), "poison")
		if letters[0].ID != ids[0] || letters[0].DeadLetterOf != "arn:q" {
			t.Errorf("dead letter = %+v, want id %s from arn:q", letters[0], ids[0])
		}
		nowhere := func(string) *queue.Queue { return nil }
		if moved, err := dead.Redrive(t.Context(), nowhere, 10); moved != 0 || err != nil {
			t.Errorf("Redrive(unknown source) = %d, %v", moved, err)
		}
		home := func(string) *queue.Queue { return q }
		if moved, err := dead.Redrive(t.Context(), home, 10); moved != 1 || err != nil {
			t.Errorf("Redrive = %d, %v, want 1", moved, err)
		}
		expect(t, bodies(dead.Messages(10)))
		expect(t, bodies(receive(t, q)), "poison")
	})
}

func TestRetentionEndsMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q", Retention: time.Hour})
		send(t, q, queue.Message{Body: "a"})
		time.Sleep(time.Hour)
		expect(t, bodies(receive(t, q)))
		if got := q.Stats(); got != (queue.Stats{}) {
			t.Errorf("Stats = %+v, want nothing", got)
		}
	})
}

func TestFIFOKeepsGroupsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q.fifo", FIFO: true, ContentDedup: true})
		for _, body := range []string{"a1", "b1", "a2"} {
			send(t, q, queue.Message{Body: body, GroupID: body[:1]})
		}
		first, err := q.Receive(t.Context(), 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, bodies(first), "a1")
		expect(t, bodies(receive(t, q)), "b1")
		expect(t, bodies(receive(t, q)))
		if err := q.Delete(first[0].Receipt); err != nil {
			t.Fatal(err)
		}
		expect(t, bodies(receive(t, q)), "a2")
	})
}

func TestFIFODeduplicatesForFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q.fifo", FIFO: true})
		m := queue.Message{Body: "a", GroupID: "g", DedupID: "d"}
		ids := send(t, q, m, m)
		if ids[0] != ids[1] {
			t.Errorf("ids %v, want the same one twice", ids)
		}
		for _, received := range receive(t, q) {
			if err := q.Delete(received.Receipt); err != nil {
				t.Fatal(err)
			}
		}
		send(t, q, m)
		expect(t, bodies(receive(t, q)))
		time.Sleep(5 * time.Minute)
		send(t, q, m)
		expect(t, bodies(receive(t, q)), "a")
	})
}

func TestSendRefuses(t *testing.T) {
	t.Parallel()
	standard := open(t, queue.Config{Name: "q"})
	fifo := open(t, queue.Config{Name: "q.fifo", FIFO: true})
	tests := []struct {
		name string
		to   *queue.Queue
		m    queue.Message
		want error
	}{
		{"empty", standard, queue.Message{}, queue.ErrTooLarge},
		{"large", standard, queue.Message{Body: strings.Repeat("x", queue.MaxBodyBytes+1)}, queue.ErrTooLarge},
		{"group on standard", standard, queue.Message{Body: "a", GroupID: "g"}, queue.ErrGroup},
		{"no group on fifo", fifo, queue.Message{Body: "a", DedupID: "d"}, queue.ErrGroup},
		{"no dedup on fifo", fifo, queue.Message{Body: "a", GroupID: "g"}, queue.ErrGroup},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := test.to.Send(t.Context(), test.m); !errors.Is(err, test.want) {
				t.Errorf("Send = %v, want %v", err, test.want)
			}
		})
	}
}

func TestOpenRefusesBrokenRedrive(t *testing.T) {
	t.Parallel()
	if _, err := queue.Open(queue.Config{Name: "q", MaxReceive: 1}); err == nil {
		t.Error("Open accepted a redrive policy without a queue")
	}
	standard := open(t, queue.Config{Name: "dead"})
	if _, err := queue.Open(queue.Config{Name: "q", FIFO: true, MaxReceive: 1, DeadLetter: standard}); err == nil {
		t.Error("Open accepted a standard dead-letter queue for a FIFO queue")
	}
}

func journal(t testing.TB, path string) *queue.FileJournal {
	t.Helper()
	j, err := queue.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func TestJournalSurvivesRestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "queues", "q.jsonl")
	q := open(t, queue.Config{Name: "q", Journal: journal(t, path)})
	send(t, q, queue.Message{Body: "done"}, queue.Message{Body: "held"}, queue.Message{Body: "waiting"})
	got, err := q.Receive(t.Context(), 2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Delete(got[0].Receipt); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, `{"put":{"id":"cut sh`)

	q = open(t, queue.Config{Name: "q", Journal: journal(t, path)})
	again := receive(t, q)
	expect(t, bodies(again), "held", "waiting")
	if again[0].Receives != 2 {
		t.Errorf("receive count = %d, want 2: counts survive", again[0].Receives)
	}
	if n, err := q.Purge(); n != 2 || err != nil {
		t.Errorf("Purge = %d, %v", n, err)
	}
	q = open(t, queue.Config{Name: "q", Journal: journal(t, path)})
	expect(t, bodies(q.Messages(10)))
}

func TestJournalRefusesDamage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "q.jsonl")
	appendTo(t, path, "not json\n")
	if _, err := queue.Open(queue.Config{Name: "q", Journal: journal(t, path)}); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("Open = %v, want an error naming line 1", err)
	}
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

type brokenJournal struct{ queue.Journal }

func (brokenJournal) Load() ([]queue.Stored, error) { return nil, nil }
func (brokenJournal) Rewrite([]queue.Stored) error  { return nil }
func (brokenJournal) Put(queue.Stored) error        { return errors.New("disk full") }

// What is not kept is not accepted.
func TestSendReportsFailingJournal(t *testing.T) {
	t.Parallel()
	q := open(t, queue.Config{Name: "q", Journal: brokenJournal{}})
	if _, err := q.Send(t.Context(), queue.Message{Body: "a"}); err == nil {
		t.Error("Send succeeded on a failing journal")
	}
	expect(t, bodies(q.Messages(10)))
}

// Whatever producers and consumers do, each message of a FIFO group is
// finished once and in order, also over restarts.
func TestFIFOOrderProperty(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		path := filepath.Join(dir, fmt.Sprint(run))
		reopen := func() *queue.Queue {
			return open(t, queue.Config{Name: "q", FIFO: true, ContentDedup: true, Journal: journal(t, path)})
		}
		q := reopen()
		sent, done := map[string]int{}, map[string]int{}
		steps := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 40).Draw(r, "steps")
		for _, step := range steps {
			group := string(rune('a' + step%3))
			switch {
			case step < 3:
				sent[group]++
				send(t, q, queue.Message{Body: fmt.Sprint(group, sent[group]), GroupID: group})
			case step == 6:
				q = reopen()
			default:
				finish(t, r, q, done, step == 5)
			}
		}
	})
}

func finish(t testing.TB, r *rapid.T, q *queue.Queue, done map[string]int, giveUp bool) {
	t.Helper()
	for _, m := range receive(t, q) {
		if want := fmt.Sprint(m.GroupID, done[m.GroupID]+1); m.Body != want && !giveUp {
			r.Fatalf("received %s, want %s", m.Body, want)
		}
		if giveUp {
			if err := q.ChangeVisibility(m.Receipt, 0); err != nil {
				r.Fatal(err)
			}
			continue
		}
		done[m.GroupID]++
		if err := q.Delete(m.Receipt); err != nil {
			r.Fatal(err)
		}
	}
}
