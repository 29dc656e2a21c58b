package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/pattern"
)

// The pauses between attempts: doubled from the first to the last. Lambda
// does not document its own.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 10 * time.Second
)

// Mapping is one function's event source mapping on one shard. The exported
// fields are its configuration, as in the template.
type Mapping struct {
	Name            string // of the cursor; unique among mappings
	Source          Source
	Cursors         Cursors
	Invoker         function.Invoker
	Timeout         time.Duration      // of the function
	BatchSize       int                // 0 means 100
	Filters         []*pattern.Pattern // any of them lets a record pass; none lets all pass
	PartialFailures bool
	Bisect          bool
	MaxRetries      int           // after the first attempt; -1 means without end
	MaxAge          time.Duration // of a record; 0 means without end
	FunctionARN     string        // for OnFailure
	StreamARN       string        // for OnFailure
	OnFailure       func(ctx context.Context, body []byte) error
	Log             *slog.Logger
}

// Run feeds the function until ctx ends; a batch in hand is finished first.
// Errors of the source or of the cursors are logged and tried again.
func (m *Mapping) Run(ctx context.Context) {
	wait := firstPause
	for ctx.Err() == nil {
		progress, err := m.step(ctx)
		switch {
		case err == nil && progress:
			wait = firstPause
			continue
		case err == nil:
			err = m.Source.Wait(ctx)
		}
		if err != nil && ctx.Err() == nil {
			m.Log.ErrorContext(ctx, "stream mapping", slog.String("mapping", m.Name), slog.Any("error", err))
			pause(ctx, wait)
			wait = min(2*wait, lastPause)
		}
	}
}

// step reads one batch and sees it through.
func (m *Mapping) step(ctx context.Context) (progress bool, err error) {
	after, err := m.Cursors.Load(ctx, m.Name)
	if err != nil {
		return false, fmt.Errorf("load cursor: %w", err)
	}
	size := m.BatchSize
	if size == 0 {
		size = 100
	}
	read, next, err := m.Source.Changes(ctx, after, size)
	if err != nil {
		return false, fmt.Errorf("read changes: %w", err)
	}
	if len(read) == 0 && (next == "" || next == after) {
		return false, nil
	}
	batch, err := m.choose(read)
	if err != nil {
		return false, err
	}
	run := &run{Mapping: m, after: after}
	if err := run.process(ctx, batch); err != nil {
		return false, err
	}
	if err := m.Cursors.Save(context.WithoutCancel(ctx), m.Name, next); err != nil {
		return false, fmt.Errorf("save cursor: %w", err)
	}
	return true, nil
}

// choose parses the records and drops those that no filter lets pass.
func (m *Mapping) choose(read []json.RawMessage) ([]record, error) {
	batch := make([]record, 0, len(read))
	for i, source := range read {
		r, err := parse(source, i)
		if err != nil {
			return nil, err
		}
		passes, err := m.passes(source)
		if err != nil {
			return nil, err
		}
		if passes {
			batch = append(batch, r)
		}
	}
	return batch, nil
}

func (m *Mapping) passes(source json.RawMessage) (bool, error) {
	if len(m.Filters) == 0 {
		return true, nil
	}
	event, err := pattern.Decode(source)
	if err != nil {
		return false, err
	}
	for _, filter := range m.Filters {
		if filter.Match(event) {
			return true, nil
		}
	}
	return false, nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// errStopped ends a run whose batch is not finished: it is read again later.
var errStopped = errors.New("stopped while a batch was being retried")
