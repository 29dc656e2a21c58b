package queue

import (
	"context"
	"crypto/md5" // #nosec G501 -- SQS's checksum of a body, not a protection
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/infra/local/function"
)

// senderID stands in for the IAM identity of the producer.
const senderID = "AIDALOCALRUN"

// Poller is an event source mapping: it feeds a function from a queue. What
// the function fails stays invisible until the queue's visibility timeout, as
// on AWS, and is then tried again or redriven.
type Poller struct {
	Queue           *Queue
	Invoker         function.Invoker
	Timeout         time.Duration // of the function
	BatchSize       int           // 0 means 10
	Window          time.Duration // how long to wait for a full batch
	PartialFailures bool          // the function answers with ReportBatchItemFailures
	Concurrency     int           // invocations at a time; 0 means 1
	Log             *slog.Logger
}

// Run polls until ctx ends and the batches in hand are done.
func (p *Poller) Run(ctx context.Context) {
	work(ctx, p.Concurrency, p.step, func(err error) {
		p.Log.ErrorContext(ctx, "queue poll", slog.String("queue", p.Queue.config.Name), slog.Any("error", err))
	})
}

func (p *Poller) step(ctx context.Context) error {
	batch, err := p.gather(ctx)
	if err != nil || len(batch) == 0 {
		return err
	}
	payload, err := json.Marshal(p.Queue.event(batch))
	if err != nil {
		return fmt.Errorf("encode batch: %w", err)
	}
	// The batch is finished also when the poller is being stopped.
	answer, _, err := function.Call(context.WithoutCancel(ctx), p.Invoker, payload, p.Timeout)
	if err != nil {
		p.Log.WarnContext(ctx, "queue batch failed", slog.String("queue", p.Queue.config.Name),
			slog.Int("messages", len(batch)), slog.Any("error", err))
		return nil
	}
	return p.settle(ctx, batch, answer)
}

// gather receives a batch; with a window it waits for it to fill.
func (p *Poller) gather(ctx context.Context) ([]Received, error) {
	size := p.BatchSize
	if size == 0 {
		size = 10
	}
	batch, err := p.Queue.Receive(ctx, size, receiveWait)
	deadline := time.Now().Add(p.Window)
	for err == nil && len(batch) > 0 && len(batch) < size && time.Now().Before(deadline) && ctx.Err() == nil {
		var more []Received
		more, err = p.Queue.Receive(ctx, size-len(batch), time.Until(deadline))
		batch = append(batch, more...)
	}
	return batch, err
}

// settle deletes what succeeded.
func (p *Poller) settle(ctx context.Context, batch []Received, answer []byte) error {
	failed := map[string]bool{}
	if p.PartialFailures {
		var ok bool
		if failed, ok = failures(batch, answer); !ok {
			p.Log.WarnContext(ctx, "queue batch answer is malformed, the whole batch counts as failed",
				slog.String("queue", p.Queue.config.Name))
			return nil
		}
	}
	var errs []error
	for i := range batch {
		if failed[batch[i].ID] {
			continue
		}
		if err := p.Queue.Delete(batch[i].Receipt); err != nil && !errors.Is(err, ErrStaleReceipt) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// failures reads ReportBatchItemFailures. As on AWS an empty or null answer
// means success, and one that is malformed or names a stranger means that the
// whole batch failed (ok is false).
func failures(batch []Received, answer []byte) (failed map[string]bool, ok bool) {
	failed = map[string]bool{}
	if len(answer) == 0 {
		return failed, true
	}
	var report events.SQSEventResponse
	if err := json.Unmarshal(answer, &report); err != nil {
		return nil, false
	}
	known := make(map[string]bool, len(batch))
	for i := range batch {
		known[batch[i].ID] = true
	}
	for _, item := range report.BatchItemFailures {
		if !known[item.ItemIdentifier] {
			return nil, false
		}
		failed[item.ItemIdentifier] = true
	}
	return failed, true
}

func (q *Queue) event(batch []Received) events.SQSEvent {
	event := events.SQSEvent{Records: make([]events.SQSMessage, 0, len(batch))}
	for i := range batch {
		event.Records = append(event.Records, q.record(&batch[i]))
	}
	return event
}

func (q *Queue) record(r *Received) events.SQSMessage {
	sum := md5.Sum([]byte(r.Body)) // #nosec G401 -- see the import
	attributes := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(r.Receives),
		"SentTimestamp":                    millis(r.SentAt),
		"SenderId":                         senderID,
		"ApproximateFirstReceiveTimestamp": millis(r.FirstReceivedAt),
	}
	if r.GroupID != "" {
		attributes["SequenceNumber"] = r.sequenceNumber()
		attributes["MessageGroupId"] = r.GroupID
		attributes["MessageDeduplicationId"] = r.DedupID
	}
	if r.DeadLetterOf != "" {
		attributes["DeadLetterQueueSourceArn"] = r.DeadLetterOf
	}
	own := r.Attributes
	if own == nil {
		own = map[string]events.SQSMessageAttribute{}
	}
	return events.SQSMessage{
		MessageId: r.ID, ReceiptHandle: r.Receipt, Body: r.Body, Md5OfBody: hex.EncodeToString(sum[:]),
		Attributes: attributes, MessageAttributes: own,
		EventSource: "aws:sqs", EventSourceARN: q.config.ARN, AWSRegion: q.config.Region,
	}
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
