// Package stack builds the deployed stack on one machine: it reads template.yaml
// and gives every resource in it its local twin, with the modules running in
// this process behind the same entry that Lambda calls.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/appmint/appengine/infra/local/eventbus"
	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/mailbox"
	"github.com/appmint/appengine/infra/local/queue"
	"github.com/appmint/appengine/infra/local/schedule"
	"github.com/appmint/appengine/infra/local/tail"
	"github.com/appmint/appengine/infra/local/template"
	"github.com/appmint/appengine/infra/local/uuid"
	"github.com/appmint/appengine/infra/modules"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/invoke"
	"github.com/appmint/appengine/shared/table/embedded"
)

// The identity that the stack gives itself where AWS would have one.
const (
	account = "000000000000"
	region  = "us-east-1"
)

// Options say where the stack lives.
type Options struct {
	Template string // path of template.yaml
	DataDir  string // "" keeps everything in memory
	URL      string // where clients reach it, without a trailing slash
	Plan     string // usage plan of every org; "" lets each have its own
	Log      *slog.Logger
}

// Stack is a running backend.
type Stack struct {
	options   Options
	template  *template.Template
	table     *embedded.Engine
	deps      app.Deps
	ledger    *ledger
	mailbox   *mailbox.Mailbox
	tail      *tail.Tail
	bus       *eventbus.Bus
	functions map[string]*running
	queues    map[string]*queue.Queue
	schedules *schedule.Loop
	workers   []func(context.Context)
	closers   []func() error
	handler   http.Handler
}

// running is one function of the template.
type running struct {
	template.Function
	invoker function.Invoker
	async   *queue.Async // asynchronous invocations, with retries and their end
}

// New builds a stack; nothing runs before Run.
func New(o Options) (*Stack, error) {
	s := &Stack{options: o, functions: map[string]*running{}, queues: map[string]*queue.Queue{}}
	for _, step := range []func() error{
		s.readTemplate, s.openStorage, s.openMailbox, s.buildDeps, s.openQueues,
		s.buildFunctions, s.buildRules, s.buildMappings, s.buildSchedules, s.buildGateway,
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Handler serves the API and, under /_local/, what only a developer sees.
func (s *Stack) Handler() http.Handler { return s.handler }

// Run runs queues, streams and schedules until ctx ends and the work in hand is
// done.
func (s *Stack) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, work := range s.workers {
		wg.Go(func() { work(ctx) })
	}
	wg.Wait()
}

// Close writes what is in hand and closes storage. No request may be running.
func (s *Stack) Close() error {
	var failed []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		failed = append(failed, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(failed...)
}

func (s *Stack) readTemplate() (err error) {
	s.template, err = template.Load(s.options.Template, template.Options{Region: region, AccountID: account, Parameters: map[string]string{"Stage": "local"}})
	return err
}

func (s *Stack) path(name string) string { return filepath.Join(s.options.DataDir, name) }

func (s *Stack) openStorage() (err error) {
	options := embedded.Options{Now: time.Now, Logger: s.options.Log}
	if s.options.DataDir == "" {
		s.table, err = embedded.OpenMemory(options)
	} else {
		s.table, err = embedded.Open(s.path("table"), options)
	}
	if err != nil {
		return fmt.Errorf("open table: %w", err)
	}
	s.closers = append(s.closers, s.table.Close)
	return nil
}

// openQueues opens the template's queues, dead-letter queues first.
func (s *Stack) openQueues() error {
	waiting := s.template.Queues
	for len(waiting) > 0 {
		var later []template.Queue
		for _, q := range waiting {
			if q.DeadLetter != "" && s.queues[q.DeadLetter] == nil {
				later = append(later, q)
				continue
			}
			if err := s.openQueue(q); err != nil {
				return err
			}
		}
		if len(later) == len(waiting) {
			return fmt.Errorf("queue %s: its dead-letter queue is not in the template", later[0].ID)
		}
		waiting = later
	}
	return nil
}

func (s *Stack) openQueue(q template.Queue) error {
	journal, err := s.journal(q.ID)
	if err != nil {
		return err
	}
	opened, err := queue.Open(queue.Config{
		Name: q.Name, ARN: q.ARN, Region: region, FIFO: q.FIFO, ContentDedup: q.ContentDedup, Visibility: q.Visibility,
		Delay: q.Delay, Retention: q.Retention, MaxReceive: q.MaxReceive, DeadLetter: s.queues[q.DeadLetter], Journal: journal,
	})
	s.queues[q.ID] = opened
	return err
}

// journal keeps a queue's messages over restarts; nil in memory.
func (s *Stack) journal(name string) (queue.Journal, error) {
	if s.options.DataDir == "" {
		return nil, nil //nolint:nilnil // no folder, no journal
	}
	journal, err := queue.OpenFile(s.path("queues/" + name + ".jsonl"))
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, journal.Close)
	return journal, nil
}

// buildFunctions gives every function of the template its module.
func (s *Stack) buildFunctions() error {
	entries := map[string]modules.Entry{}
	for _, e := range modules.All() {
		entries[e.Name] = e
	}
	for _, f := range s.template.Functions {
		entry, ok := entries[strings.ToLower(strings.TrimSuffix(f.ID, "Function"))]
		if !ok {
			return fmt.Errorf("function %s: there is no such module", f.ID)
		}
		handler, err := invoke.New(entry.New(s.deps), s.deps, s.ledger.finished)
		if err != nil {
			return err
		}
		if err := s.addFunction(f, handler); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) addFunction(f template.Function, handler function.Invoker) error {
	journal, err := s.journal("async-" + f.ID)
	if err != nil {
		return err
	}
	calls, err := queue.Open(queue.Config{Name: f.Name + "-async", Region: region, Visibility: f.Timeout + time.Minute, Journal: journal})
	if err != nil {
		return err
	}
	async := &queue.Async{
		Queue: calls, Invoker: handler, Timeout: f.Timeout, Retries: f.Async.Retries,
		RetryDelay: time.Second, Concurrency: 2, Log: s.options.Log,
	}
	switch {
	case f.Async.OnFailure != "":
		async.OnFailure = queue.Destination(s.queues[f.Async.OnFailure], f.ARN)
	case f.Async.DeadLetter != "":
		async.OnFailure = queue.DeadLetter(s.queues[f.Async.DeadLetter])
	}
	s.functions[f.ID] = &running{Function: f, invoker: handler, async: async}
	s.workers = append(s.workers, async.Run)
	return nil
}

func newID() string { return uuid.New() }
