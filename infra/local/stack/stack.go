// Package stack puts the emulated services together as a template wires them:
// give it a parsed template and something that runs each function, and it is
// the deployed stack on one machine.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/appmint/appengine/infra/local/eventbus"
	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/queue"
	"github.com/appmint/appengine/infra/local/schedule"
	"github.com/appmint/appengine/infra/local/stream"
	"github.com/appmint/appengine/infra/local/template"
	"github.com/appmint/appengine/infra/local/uuid"
)

// DefaultRetryDelay is how long a failed asynchronous invocation waits for its
// first retry. AWS waits a minute, which is long for somebody who looks on.
const DefaultRetryDelay = 5 * time.Second

// workers is how many messages of one queue, or asynchronous events of one
// function, are in hand at a time when the template sets no limit.
const workers = 4

// Options is what a stack needs beside its template.
type Options struct {
	Template  *template.Template
	Settings  template.Options // as the template was parsed with
	Domain    string           // such as localhost:3000
	Directory string           // for the queues' journals; empty keeps them in memory
	Now       func() time.Time
	Log       *slog.Logger

	// Invoker returns what runs a function.
	Invoker func(f template.Function) (function.Invoker, error)
	// Shards returns the change stream of a table, by logical id, one source
	// for each shard. It is asked only for tables that a function reads.
	Shards func(table string) (map[string]stream.Source, error)
	// Cursors keeps how far the functions have read; nil keeps it in memory.
	Cursors stream.Cursors
	// Watch sees every event on every bus; see eventbus.Config.
	Watch func(event []byte)
	// RetryDelay replaces DefaultRetryDelay when it is not zero.
	RetryDelay time.Duration
}

// Stack is the running backend. Its maps are by logical id and not to be
// changed.
type Stack struct {
	APIs      map[string]http.Handler
	Queues    map[string]*queue.Queue
	Functions map[string]function.Invoker
	Schedules *schedule.Loop

	options   Options
	functions map[string]template.Function
	mu        sync.Mutex
	buses     map[string]*eventbus.Bus
	async     map[string]*queue.Async
	runs      []func(context.Context) // pollers and mappings
	closers   []io.Closer
}

// New builds a stack. Nothing runs before Run, except that the APIs answer.
func New(options Options) (*Stack, error) {
	if options.Settings.Region == "" {
		options.Settings.Region = "us-east-1"
	}
	if options.Settings.AccountID == "" {
		options.Settings.AccountID = "000000000000"
	}
	if options.Cursors == nil {
		options.Cursors = &stream.MemoryCursors{}
	}
	if options.RetryDelay == 0 {
		options.RetryDelay = DefaultRetryDelay
	}
	s := &Stack{
		APIs: map[string]http.Handler{}, Queues: map[string]*queue.Queue{}, Functions: map[string]function.Invoker{},
		Schedules: schedule.New(options.Now, options.Log), options: options, functions: map[string]template.Function{},
		buses: map[string]*eventbus.Bus{}, async: map[string]*queue.Async{},
	}
	for _, build := range []func() error{
		s.addQueues, s.addFunctions, s.addSources, s.addRules, s.addSchedules, s.addAPIs,
	} {
		if err := build(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Run polls, reads streams and fires schedules until ctx ends and what is in
// hand is done.
func (s *Stack) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, run := range s.runs {
		group.Go(func() { run(ctx) })
	}
	for _, id := range slices.Sorted(maps.Keys(s.async)) {
		group.Go(func() { s.async[id].Run(ctx) })
	}
	group.Go(func() { s.Schedules.Run(ctx) })
	group.Wait()
}

// Close closes the journals. Call it after Run has returned.
func (s *Stack) Close() error {
	failures := make([]error, 0, len(s.closers))
	for _, c := range s.closers {
		failures = append(failures, c.Close())
	}
	return errors.Join(failures...)
}

// Bus returns the event bus with this name, ARN or logical id; one that no
// rule listens to is made on the spot.
func (s *Stack) Bus(name string) *eventbus.Bus {
	if id, ok := s.options.Template.LogicalID(name); ok {
		name = id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	bus, ok := s.buses[name]
	if !ok {
		bus = eventbus.New(eventbus.Config{
			Account: s.options.Settings.AccountID, Region: s.options.Settings.Region,
			Now: s.options.Now, NewID: uuid.New, Watch: s.options.Watch,
		})
		s.buses[name] = bus
	}
	return bus
}

// Queue finds a queue by URL, ARN, name or logical id.
func (s *Stack) Queue(name string) (q *queue.Queue, ok bool) {
	for id, q := range s.Queues {
		if name == id || name == q.Name() || name == q.ARN() || strings.HasSuffix(name, "/"+q.Name()) {
			return q, true
		}
	}
	return nil, false
}

// Redrive moves up to limit messages of a dead-letter queue back to the
// queues that they came from, and returns how many.
func (s *Stack) Redrive(ctx context.Context, name string, limit int) (int, error) {
	dead, ok := s.Queue(name)
	if !ok {
		return 0, fmt.Errorf("redrive: there is no queue %s", name)
	}
	return dead.Redrive(ctx, func(arn string) *queue.Queue {
		source, _ := s.Queue(arn)
		return source
	}, limit)
}

// addQueues opens dead-letter queues before the queues that need them.
func (s *Stack) addQueues() error {
	declared := make(map[string]template.Queue, len(s.options.Template.Queues))
	for _, q := range s.options.Template.Queues {
		declared[q.ID] = q
	}
	for _, q := range s.options.Template.Queues {
		if err := s.addQueue(declared, q.ID, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) addQueue(declared map[string]template.Queue, id string, path []string) error {
	if s.Queues[id] != nil {
		return nil
	}
	if slices.Contains(path, id) {
		return fmt.Errorf("%s: queues are each other's dead-letter queue", id)
	}
	q := declared[id]
	config := queue.Config{
		Name: q.Name, ARN: q.ARN, Region: s.options.Settings.Region, FIFO: q.FIFO, ContentDedup: q.ContentDedup,
		Visibility: q.Visibility, Delay: q.Delay, Retention: q.Retention,
	}
	if q.DeadLetter != "" {
		if err := s.addQueue(declared, q.DeadLetter, append(path, id)); err != nil {
			return err
		}
		config.MaxReceive, config.DeadLetter = q.MaxReceive, s.Queues[q.DeadLetter]
	}
	opened, err := s.open(config, "queues")
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	s.Queues[id] = opened
	return nil
}

// open opens a queue with a journal of its own when there is a directory.
func (s *Stack) open(config queue.Config, folder string) (*queue.Queue, error) {
	if s.options.Directory != "" {
		journal, err := queue.OpenFile(filepath.Join(s.options.Directory, folder, config.Name+".jsonl"))
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, journal)
		config.Journal = journal
	}
	return queue.Open(config)
}
