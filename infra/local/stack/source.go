package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/appmint/appengine/infra/local/pattern"
	"github.com/appmint/appengine/infra/local/queue"
	"github.com/appmint/appengine/infra/local/stream"
	"github.com/appmint/appengine/infra/local/template"
)

func (s *Stack) addFunctions() error {
	for _, f := range s.options.Template.Functions {
		invoker, err := s.options.Invoker(f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.ID, err)
		}
		s.Functions[f.ID], s.functions[f.ID] = invoker, f
	}
	return nil
}

// addSources makes the pollers and the stream mappings.
func (s *Stack) addSources() error {
	for _, f := range s.options.Template.Functions {
		for _, e := range f.QueueEvents {
			if err := s.addPoller(f, e); err != nil {
				return fmt.Errorf("%s: event %s: %w", f.ID, e.Name, err)
			}
		}
		for _, e := range f.Streams {
			if err := s.addMapping(f, e); err != nil {
				return fmt.Errorf("%s: event %s: %w", f.ID, e.Name, err)
			}
		}
	}
	return nil
}

func (s *Stack) addPoller(f template.Function, e template.QueueEvent) error {
	if len(e.Filters) > 0 {
		return errors.New("filter criteria of queues are not known to the local run")
	}
	if !e.Enabled {
		return nil
	}
	concurrency := e.Concurrency
	if concurrency == 0 {
		concurrency = workers
	}
	poller := &queue.Poller{
		Queue: s.Queues[e.Queue], Invoker: s.Functions[f.ID], Timeout: f.Timeout, BatchSize: e.BatchSize, Window: e.Window,
		PartialFailures: e.PartialFailures, Concurrency: concurrency, Log: s.options.Log,
	}
	s.runs = append(s.runs, poller.Run)
	return nil
}

func (s *Stack) addMapping(f template.Function, e template.StreamEvent) error {
	if !e.Enabled {
		return nil
	}
	filters, err := compile(e.Filters)
	if err != nil {
		return err
	}
	if s.options.Shards == nil {
		return fmt.Errorf("there is no change stream of %s", e.Table)
	}
	shards, err := s.options.Shards(e.Table)
	if err != nil {
		return fmt.Errorf("change stream of %s: %w", e.Table, err)
	}
	for _, shard := range slices.Sorted(maps.Keys(shards)) {
		filters := filters
		if source, ok := shards[shard].(stream.Prefiltered); ok && source.Prefilters(filters) {
			filters = nil
		}
		mapping := &stream.Mapping{
			Name: f.ID + "/" + e.Name + "/" + shard, Source: shards[shard], Cursors: s.options.Cursors,
			Invoker: s.Functions[f.ID], Timeout: f.Timeout, BatchSize: e.BatchSize, Filters: filters,
			PartialFailures: e.PartialFailures, Bisect: e.Bisect, MaxRetries: e.MaxRetries, MaxAge: e.MaxAge,
			FunctionARN: f.ARN, StreamARN: e.Table, Log: s.options.Log,
		}
		if to := s.Queues[e.OnFailure]; to != nil {
			mapping.OnFailure = sender(to, "")
		}
		s.runs = append(s.runs, mapping.Run)
	}
	return nil
}

func compile(sources []json.RawMessage) ([]*pattern.Pattern, error) {
	patterns := make([]*pattern.Pattern, 0, len(sources))
	for _, source := range sources {
		p, err := pattern.Compile(source)
		if err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

// sender delivers events as messages of a queue.
func sender(to *queue.Queue, group string) func(context.Context, []byte) error {
	return func(ctx context.Context, event []byte) error {
		_, err := to.Send(ctx, queue.Message{Body: string(event), GroupID: group})
		return err
	}
}

// deliverer returns what hands an event to a target: a queue, or a function
// that is invoked asynchronously.
func (s *Stack) deliverer(t template.Target) (func(context.Context, []byte) error, error) {
	if to, ok := s.Queues[t.To]; ok {
		return sender(to, t.GroupID), nil
	}
	f, ok := s.functions[t.To]
	if !ok {
		return nil, fmt.Errorf("target %s: %q is neither a function nor a queue", t.ID, t.To)
	}
	a, err := s.asyncOf(f)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.ID, err)
	}
	return a.Deliver, nil
}

func (s *Stack) asyncOf(f template.Function) (*queue.Async, error) {
	if a, ok := s.async[f.ID]; ok {
		return a, nil
	}
	// The event must not come back while the function is at work on it.
	kept, err := s.open(queue.Config{Name: f.ID, Visibility: f.Timeout + time.Minute}, "async")
	if err != nil {
		return nil, err
	}
	a := &queue.Async{
		Queue: kept, Invoker: s.Functions[f.ID], Timeout: f.Timeout, Retries: f.Async.Retries,
		RetryDelay: s.options.RetryDelay, Concurrency: workers, Log: s.options.Log,
	}
	switch {
	case f.Async.OnFailure != "":
		a.OnFailure = queue.Destination(s.Queues[f.Async.OnFailure], f.ARN)
	case f.Async.DeadLetter != "":
		a.OnFailure = queue.DeadLetter(s.Queues[f.Async.DeadLetter])
	}
	s.async[f.ID] = a
	return a, nil
}
