package queue

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/infra/local/function"
)

// Failure is an asynchronous invocation that was given up.
type Failure struct {
	RequestID string
	Payload   []byte
	Attempts  int
	Err       error // of the last attempt
}

// Async is Lambda's asynchronous invocation: Deliver answers at once, the
// function is run later, an error is retried and then handed to OnFailure.
type Async struct {
	Queue       *Queue // of its own, standard, without redrive
	Invoker     function.Invoker
	Timeout     time.Duration
	Retries     int           // after the first attempt; AWS's default is 2
	RetryDelay  time.Duration // before the first retry, doubled before the second; AWS waits a minute
	Concurrency int           // invocations at a time; 0 means 1
	OnFailure   func(ctx context.Context, f Failure) error
	Log         *slog.Logger
}

// Deliver takes an event over. It returns when the event is kept.
func (a *Async) Deliver(ctx context.Context, event []byte) error {
	_, err := a.Queue.Send(ctx, Message{Body: string(event)})
	return err
}

// Run invokes until ctx ends and the invocations in hand are done.
func (a *Async) Run(ctx context.Context) {
	work(ctx, a.Concurrency, a.step, func(err error) {
		a.Log.ErrorContext(ctx, "asynchronous invocation", slog.String("queue", a.Queue.config.Name), slog.Any("error", err))
	})
}

func (a *Async) step(ctx context.Context) error {
	batch, err := a.Queue.Receive(ctx, 1, receiveWait)
	if err != nil || len(batch) == 0 {
		return err
	}
	m := batch[0]
	whole := context.WithoutCancel(ctx)
	_, _, err = function.Call(whole, a.Invoker, []byte(m.Body), a.Timeout)
	if err == nil {
		return ignoreStale(a.Queue.Delete(m.Receipt))
	}
	a.Log.WarnContext(ctx, "asynchronous invocation failed", slog.String("queue", a.Queue.config.Name),
		slog.Int("attempt", m.Receives), slog.Any("error", err))
	if m.Receives <= a.Retries {
		return ignoreStale(a.Queue.ChangeVisibility(m.Receipt, a.RetryDelay<<(m.Receives-1)))
	}
	if a.OnFailure != nil {
		if err := a.OnFailure(whole, Failure{RequestID: m.ID, Payload: []byte(m.Body), Attempts: m.Receives, Err: err}); err != nil {
			return err // kept: it becomes visible again and is given up again
		}
	}
	return ignoreStale(a.Queue.Delete(m.Receipt))
}

func ignoreStale(err error) error {
	if errors.Is(err, ErrStaleReceipt) {
		return nil
	}
	return err
}

// DeadLetter returns an OnFailure that keeps the event itself, as a function's
// DeadLetterQueue does, with the error in the message's attributes.
func DeadLetter(to *Queue) func(context.Context, Failure) error {
	return func(ctx context.Context, f Failure) error {
		_, err := to.Send(ctx, Message{Body: string(f.Payload), Attributes: map[string]events.SQSMessageAttribute{
			"RequestID":    text(f.RequestID),
			"ErrorCode":    text("200"),
			"ErrorMessage": text(f.Err.Error()),
		}})
		return err
	}
}

func text(value string) events.SQSMessageAttribute {
	return events.SQSMessageAttribute{DataType: "String", StringValue: &value}
}

// Destination returns an OnFailure that keeps an invocation record, as an
// on-failure destination of the function with this ARN does.
func Destination(to *Queue, functionARN string) func(context.Context, Failure) error {
	return func(ctx context.Context, f Failure) error {
		record, err := json.Marshal(invocationRecord(f, functionARN))
		if err != nil {
			return err
		}
		_, err = to.Send(ctx, Message{Body: string(record)})
		return err
	}
}

func invocationRecord(f Failure, functionARN string) map[string]any {
	var reported *function.Error
	if !errors.As(f.Err, &reported) {
		reported = &function.Error{Type: "Unhandled", Message: f.Err.Error()}
	}
	return map[string]any{
		"version":   "1.0",
		"timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId": f.RequestID, "functionArn": functionARN + ":$LATEST",
			"condition": "RetriesExhausted", "approximateInvokeCount": f.Attempts,
		},
		"requestPayload":  json.RawMessage(f.Payload),
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": reported,
	}
}
