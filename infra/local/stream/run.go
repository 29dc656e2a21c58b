package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/uuid"
)

// run is one batch on its way through the function.
type run struct {
	*Mapping
	after string // the cursor that the batch was read after
}

// process sees a batch through: it returns when every record has succeeded or
// has been given up, and with an error only when the run must stop.
func (r *run) process(ctx context.Context, batch []record) error {
	for attempt := 0; len(batch) > 0; attempt++ {
		if attempt > 0 {
			pause(ctx, min(firstPause<<min(attempt-1, 10), lastPause))
		}
		if attempt > 0 && ctx.Err() != nil {
			return errStopped
		}
		var err error
		if batch, err = r.expire(ctx, batch); err != nil || len(batch) == 0 {
			return err
		}
		done, cause := r.invoke(ctx, batch)
		if cause == nil {
			return nil
		}
		r.Log.WarnContext(ctx, "stream batch failed", slog.String("mapping", r.Name), slog.Int("records", len(batch)),
			slog.Int("succeeded", done), slog.Int("attempt", attempt+1), slog.Any("error", cause))
		rest, err := r.afterFailure(ctx, batch, done, attempt)
		if err != nil {
			return err
		}
		if len(rest) < len(batch) {
			attempt = -1 // another batch, with attempts of its own
		}
		batch = rest
	}
	return nil
}

// afterFailure returns what is left to do: the batch from its first failed
// record, its second half, the batch again, or nothing when it is given up.
func (r *run) afterFailure(ctx context.Context, batch []record, done, attempt int) ([]record, error) {
	switch {
	case done > 0:
		return batch[done:], r.checkpoint(ctx, batch[done])
	case r.Bisect && len(batch) > 1:
		middle := len(batch) / 2
		return batch[middle:], r.process(ctx, batch[:middle])
	case r.MaxRetries >= 0 && attempt >= r.MaxRetries:
		return nil, r.giveUp(ctx, batch, "RetryAttemptsExhausted", attempt+1)
	default:
		return batch, nil
	}
}

// expire gives up the records that are older than the mapping allows.
func (r *run) expire(ctx context.Context, batch []record) ([]record, error) {
	if r.MaxAge == 0 {
		return batch, nil
	}
	oldest := float64(time.Now().Add(-r.MaxAge).UnixMilli()) / 1000
	old := 0
	for old < len(batch) && batch[old].created > 0 && batch[old].created < oldest {
		old++
	}
	if old == 0 {
		return batch, nil
	}
	return batch[old:], r.giveUp(ctx, batch[:old], "RecordAgeExceeded", 0)
}

// invoke runs the function once. cause says why it failed; done is how many
// records, from the first, succeeded nevertheless.
func (r *run) invoke(ctx context.Context, batch []record) (done int, cause error) {
	sources := make([]json.RawMessage, 0, len(batch))
	for i := range batch {
		sources = append(sources, batch[i].source)
	}
	payload, err := json.Marshal(map[string]any{"Records": sources})
	if err != nil {
		return 0, fmt.Errorf("encode batch: %w", err)
	}
	answer, _, err := function.Call(context.WithoutCancel(ctx), r.Invoker, payload, r.Timeout)
	if err != nil || !r.PartialFailures {
		return 0, err
	}
	return firstFailure(batch, answer)
}

var errPartial = errors.New("function reported failed items")

// firstFailure reads ReportBatchItemFailures: everything before the lowest
// failed sequence number has succeeded. A malformed report, or one that names
// a stranger, fails the whole batch.
func firstFailure(batch []record, answer []byte) (int, error) {
	if len(answer) == 0 {
		return 0, nil
	}
	var report events.DynamoDBEventResponse
	if err := json.Unmarshal(answer, &report); err != nil {
		return 0, fmt.Errorf("batch item failures: %w", err)
	}
	if len(report.BatchItemFailures) == 0 {
		return 0, nil
	}
	at := make(map[string]int, len(batch))
	for i := range batch {
		at[batch[i].sequence] = i
	}
	first := len(batch)
	for _, item := range report.BatchItemFailures {
		i, known := at[item.ItemIdentifier]
		if !known {
			return 0, fmt.Errorf("batch item failures: there is no record %q", item.ItemIdentifier)
		}
		first = min(first, i)
	}
	return first, errPartial
}

// checkpoint remembers that everything before a record is done. The source is
// asked for the cursor there, because cursors are opaque.
func (r *run) checkpoint(ctx context.Context, failed record) error {
	before, cursor, err := r.Source.Changes(ctx, r.after, failed.position)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if len(before) != failed.position {
		return nil // without a checkpoint they are only delivered again after a restart
	}
	if err := r.Cursors.Save(context.WithoutCancel(ctx), r.Name, cursor); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// giveUp tells the on-failure queue about records that will not be tried
// again. As on AWS it gets their place in the stream, not the records.
func (r *run) giveUp(ctx context.Context, batch []record, condition string, attempts int) error {
	r.Log.ErrorContext(ctx, "stream records given up", slog.String("mapping", r.Name), slog.Int("records", len(batch)),
		slog.String("condition", condition), slog.String("first", batch[0].sequence), slog.String("last", batch[len(batch)-1].sequence))
	if r.OnFailure == nil {
		return nil
	}
	body, err := json.Marshal(r.failure(batch, condition, attempts))
	if err != nil {
		return fmt.Errorf("encode failure: %w", err)
	}
	if err := r.OnFailure(context.WithoutCancel(ctx), body); err != nil {
		return fmt.Errorf("on-failure destination: %w", err)
	}
	return nil
}

func (r *run) failure(batch []record, condition string, attempts int) map[string]any {
	first, last := batch[0], batch[len(batch)-1]
	return map[string]any{
		"version":   "1.0",
		"timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId": uuid.New(), "functionArn": r.FunctionARN, "condition": condition, "approximateInvokeCount": attempts,
		},
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"DDBStreamBatchInfo": map[string]any{
			"shardId": "shardId-00000000000000000000-local", "streamArn": r.StreamARN, "batchSize": len(batch),
			"startSequenceNumber": first.sequence, "endSequenceNumber": last.sequence,
			"approximateArrivalOfFirstRecord": arrival(first), "approximateArrivalOfLastRecord": arrival(last),
		},
	}
}

func arrival(r record) string {
	return time.UnixMilli(int64(r.created * 1000)).UTC().Format(time.RFC3339)
}
