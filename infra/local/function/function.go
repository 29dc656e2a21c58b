// Package function is the one way in which the emulated services call a
// Lambda function, be it a handler in this process or a bootstrap behind the
// Runtime API.
package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// MaxPayloadBytes is Lambda's quota for the payload of a synchronous
// invocation and for its response: 6 MB.
const MaxPayloadBytes = 6 << 20

// ErrTimeout says that a function did not answer within its timeout.
var ErrTimeout = errors.New("function timed out")

// Invoker runs one function: payload is the event as JSON, the result its
// answer as JSON. It has the shape of aws-lambda-go's lambda.Handler. The
// payload belongs to the callee until Invoke returns, and not longer.
type Invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Func makes an Invoker of an ordinary function.
type Func func(ctx context.Context, payload []byte) ([]byte, error)

// Invoke calls f.
func (f Func) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

// Error is a failure that the function itself reported, in Lambda's words.
type Error struct {
	Type    string          `json:"errorType"`
	Message string          `json:"errorMessage"`
	Trace   json.RawMessage `json:"stackTrace,omitempty"` // frames, as the runtime reported them
}

// Error returns the type and the message.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

type outcome struct {
	answer []byte
	err    error
}

// Call invokes a function with a deadline and turns a panic into an *Error,
// as a runtime does, so that one broken handler does not end the process.
//
// finished is false when the deadline (or ctx) came first: the function may
// then still be reading the payload, which the caller must not reuse.
func Call(ctx context.Context, in Invoker, payload []byte, timeout time.Duration) (answer []byte, finished bool, err error) {
	return (*Pool)(nil).Call(ctx, in, payload, timeout)
}

// Call is the function Call on one of the pool's goroutines. A nil pool starts
// a new one.
func (p *Pool) Call(ctx context.Context, in Invoker, payload []byte, timeout time.Duration) (answer []byte, finished bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan outcome, 1)
	p.run(func() { done <- invoke(ctx, in, payload) })
	select {
	case o := <-done:
		return o.answer, true, o.err
	case <-ctx.Done():
		return late(ctx, done, timeout)
	}
}

func invoke(ctx context.Context, in Invoker, payload []byte) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: panicked(p)}
		}
	}()
	answer, err := in.Invoke(ctx, payload)
	return outcome{answer, err}
}

// late gives an answer that arrived together with the deadline the preference.
func late(ctx context.Context, done <-chan outcome, timeout time.Duration) ([]byte, bool, error) {
	select {
	case o := <-done:
		return o.answer, true, o.err
	default:
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, false, fmt.Errorf("%w after %v", ErrTimeout, timeout)
	}
	return nil, false, ctx.Err()
}

func panicked(p any) *Error {
	trace, err := json.Marshal(string(debug.Stack()))
	if err != nil {
		trace = nil
	}
	return &Error{Type: "Runtime.Panic", Message: fmt.Sprint(p), Trace: trace}
}
