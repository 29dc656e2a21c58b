package backend

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/invoke"
	"github.com/appmint/appengine/shared/usage"
)

// ledger writes usage entries behind the answers, several at a time. What is in
// its hands is lost when the process is killed (some milliseconds of entries);
// the counters, which decide and bill, are not: they are written before a call
// runs.
type ledger struct {
	recorder *usage.Recorder
	log      *slog.Logger
	entries  chan usage.Entry
	done     sync.WaitGroup
}

const (
	ledgerQueue = 4096
	ledgerBatch = 24
	ledgerPause = 20 * time.Millisecond
)

func newLedger(r *usage.Recorder, log *slog.Logger) *ledger {
	l := &ledger{recorder: r, log: log, entries: make(chan usage.Entry, ledgerQueue)}
	l.done.Go(l.run)
	return l
}

// finished takes the outcome of a call over; it waits only when the ledger is
// thousands of calls behind.
func (l *ledger) finished(ctx context.Context, o api.Outcome) {
	if entry, ok := invoke.EntryOf(ctx, o); ok {
		l.entries <- entry
	}
}

func (l *ledger) close() error {
	close(l.entries)
	l.done.Wait()
	return nil
}

func (l *ledger) run() {
	for entry := range l.entries {
		batch := append(make([]usage.Entry, 0, ledgerBatch), entry)
		batch = l.fill(batch)
		if err := l.recorder.RecordAll(context.Background(), batch); err != nil {
			l.log.Error("usage entries not written", "entries", len(batch), "error", err.Error()) //nolint:sloglint // the calls are over
		}
	}
}

// fill waits a moment for more entries.
func (l *ledger) fill(batch []usage.Entry) []usage.Entry {
	timer := time.NewTimer(ledgerPause)
	defer timer.Stop()
	for len(batch) < ledgerBatch {
		select {
		case entry, open := <-l.entries:
			if !open {
				return batch
			}
			batch = append(batch, entry)
		case <-timer.C:
			return batch
		}
	}
	return batch
}
