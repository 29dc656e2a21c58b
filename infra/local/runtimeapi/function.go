// Package runtimeapi runs a function's real bootstrap executable as Lambda
// does: behind a Runtime API and an Extensions API of its own, one invocation
// at a time, with deadlines, and with a new process after one has died.
package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/appmint/appengine/infra/local/function"
)

// initTimeout is how long Lambda lets a process start before it asks for work.
const initTimeout = 10 * time.Second

// maxDeliveries is how many processes in a row may end before they take an
// event.
const maxDeliveries = 3

// Config describes a function and its bootstrap.
type Config struct {
	Bootstrap string            // path of the executable
	Name      string            // what the function sees as its name
	ARN       string            // what it sees as its ARN
	Handler   string            // _HANDLER
	Env       map[string]string // beside what Lambda sets
	Region    string
	MemoryMB  int           // told to the function, not enforced
	Timeout   time.Duration // of an invocation
	Output    io.Writer     // of the process; nil discards it
}

// Function is a function.Invoker in a process of its own. Invocations queue
// up: a process serves one at a time.
type Function struct {
	config   Config
	slot     chan struct{} // holds the right to use instance
	instance *instance
	initTime time.Duration
}

// Start starts the process and waits until it asks for its first invocation.
// Close ends it.
func Start(ctx context.Context, config Config) (*Function, error) {
	f := &Function{config: config, slot: make(chan struct{}, 1)}
	if err := f.begin(ctx); err != nil {
		return nil, err
	}
	f.slot <- struct{}{}
	return f, nil
}

// begin starts an instance, which outlives the call that needed it.
func (f *Function) begin(ctx context.Context) error {
	started, err := startInstance(context.WithoutCancel(ctx), f.config)
	if err != nil {
		return fmt.Errorf("start %s: %w", f.config.Bootstrap, err)
	}
	timer := time.NewTimer(initTimeout)
	defer timer.Stop()
	select {
	case <-started.api.ready:
		f.instance, f.initTime = started, started.api.since.Sub(started.begun)
		return nil
	case <-started.exited:
		err = started.exitError("")
	case <-timer.C:
		err = &function.Error{Type: "Sandbox.Timedout", Message: fmt.Sprintf("init took longer than %v", initTimeout)}
	case <-ctx.Done():
		err = ctx.Err()
	}
	started.stop()
	return fmt.Errorf("start %s: %w", f.config.Bootstrap, err)
}

// InitTime is how long the current process took from its start to its first
// request for work, the part of a cold start that the code decides.
func (f *Function) InitTime() time.Duration {
	<-f.slot
	defer func() { f.slot <- struct{}{} }()
	return f.initTime
}

// Invoke runs one invocation. What the function reports as an error is a
// *function.Error; so are a process that ended and a timeout, after either of
// which the next invocation gets a new process.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > function.MaxPayloadBytes {
		return nil, &function.Error{Type: "RequestTooLargeException", Message: "payload exceeds 6 MB"}
	}
	select {
	case <-f.slot:
		defer func() { f.slot <- struct{}{} }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for range maxDeliveries {
		answer, err := f.attempt(ctx, payload)
		if !errors.Is(err, errUndelivered) {
			return answer, err
		}
	}
	return nil, &function.Error{Type: "Runtime.ExitError", Message: errUndelivered.Error()}
}

// attempt invokes once, in a new process when there is none. A process may
// still be on its way out after it reported a panic: the event, undelivered,
// then belongs to the next one.
func (f *Function) attempt(ctx context.Context, payload []byte) ([]byte, error) {
	if f.instance == nil {
		if err := f.begin(ctx); err != nil {
			return nil, err
		}
	}
	answer, alive, err := f.instance.invoke(ctx, payload, f.config.Timeout)
	if !alive {
		f.instance.stop()
		f.instance = nil
	}
	return answer, err
}

// Close announces the shutdown to the extensions, asks the process to end and
// kills it after half a second. Close waits for an invocation that is running.
func (f *Function) Close() error {
	<-f.slot
	defer func() { f.slot <- struct{}{} }()
	if f.instance == nil {
		return nil
	}
	f.instance.api.shutdown()
	f.instance.stop()
	f.instance = nil
	return nil
}

var (
	errProcess     = errors.New("process ended")
	errUndelivered = errors.New("process ended before it took the event")
)
