package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/queue"
)

// recorder answers with what answer returns and keeps what it was asked.
type recorder struct {
	mu      sync.Mutex
	batches [][]string
	answer  func(event events.SQSEvent) (any, error)
}

func (r *recorder) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event events.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	batch := []string{}
	for _, record := range event.Records {
		batch = append(batch, record.Body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, batch)
	answer, err := r.answer(event)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// runFor runs a worker for some time of the stopped clock and stops it.
func runFor(t *testing.T, d time.Duration, run func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { run(ctx); close(done) }()
	time.Sleep(d)
	cancel()
	<-done
}

func TestPollerHonoursBatchItemFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q", Visibility: time.Minute})
		send(t, q, queue.Message{Body: "good"}, queue.Message{Body: "bad"})
		r := &recorder{answer: func(event events.SQSEvent) (any, error) {
			report := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
			for _, record := range event.Records {
				if record.Body == "bad" {
					report.BatchItemFailures = append(report.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: record.MessageId})
				}
			}
			return report, nil
		}}
		p := queue.Poller{Queue: q, Invoker: r, Timeout: time.Second, PartialFailures: true, Log: quiet()}
		runFor(t, 90*time.Second, p.Run)
		if diff := cmp.Diff([][]string{{"good", "bad"}, {"bad"}}, r.batches); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestPollerRetriesWholeBatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		partial bool
		answer  any
		err     error
	}{
		{"function error", false, nil, errors.New("boom")},
		{"answer of another shape", true, "text", nil},
		{"unknown identifier", true, json.RawMessage(`{"batchItemFailures":[{"itemIdentifier":"other"}]}`), nil},
		{"empty identifier", true, json.RawMessage(`{"batchItemFailures":[{"itemIdentifier":""}]}`), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dead := open(t, queue.Config{Name: "dead"})
				q := open(t, queue.Config{Name: "q", MaxReceive: 2, DeadLetter: dead})
				send(t, q, queue.Message{Body: "a"})
				r := &recorder{answer: func(events.SQSEvent) (any, error) { return test.answer, test.err }}
				p := queue.Poller{Queue: q, Invoker: r, Timeout: time.Second, PartialFailures: test.partial, Log: quiet()}
				runFor(t, 2*time.Minute, p.Run)
				if len(r.batches) != 2 {
					t.Errorf("invoked %d times, want 2", len(r.batches))
				}
				expect(t, bodies(dead.Messages(1)), "a")
			})
		})
	}
}

func TestPollerWaitsForItsWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q"})
		r := &recorder{answer: func(events.SQSEvent) (any, error) { return nil, nil }}
		p := queue.Poller{Queue: q, Invoker: r, Timeout: time.Second, BatchSize: 3, Window: 10 * time.Second, Log: quiet()}
		go func() {
			for _, body := range []string{"a", "b", "c", "d"} {
				if _, err := q.Send(context.WithoutCancel(t.Context()), queue.Message{Body: body}); err != nil {
					t.Error(err)
				}
				time.Sleep(2 * time.Second)
			}
		}()
		runFor(t, time.Minute, p.Run)
		if diff := cmp.Diff([][]string{{"a", "b", "c"}, {"d"}}, r.batches); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestPollerSendsWhatSQSSends(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := open(t, queue.Config{Name: "q.fifo", ARN: "arn:q", Region: "us-east-1", FIFO: true})
		value := "v"
		ids := send(t, q, queue.Message{Body: "hello", GroupID: "g", DedupID: "d", Attributes: map[string]events.SQSMessageAttribute{
			"k": {DataType: "String", StringValue: &value},
		}})
		var got events.SQSMessage
		r := &recorder{answer: func(event events.SQSEvent) (any, error) { got = event.Records[0]; return nil, nil }}
		p := queue.Poller{Queue: q, Invoker: r, Timeout: time.Second, Log: quiet()}
		runFor(t, time.Second, p.Run)
		want := events.SQSMessage{
			MessageId: ids[0], ReceiptHandle: ids[0] + "#1", Body: "hello", Md5OfBody: "5d41402abc4b2a76b9719d911017c592",
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "946684800000", "SenderId": "AIDALOCALRUN",
				"ApproximateFirstReceiveTimestamp": "946684800000", "SequenceNumber": "00000000000000000001",
				"MessageGroupId": "g", "MessageDeduplicationId": "d",
			},
			MessageAttributes: map[string]events.SQSMessageAttribute{"k": {DataType: "String", StringValue: &value}},
			EventSource:       "aws:sqs", EventSourceARN: "arn:q", AWSRegion: "us-east-1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("record (-want +got):\n%s", diff)
		}
	})
}

func TestAsyncRetriesTwiceAndGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := open(t, queue.Config{Name: "dead"})
		start := time.Now()
		var at []time.Duration
		a := queue.Async{
			Queue: open(t, queue.Config{Name: "async", Visibility: time.Minute}), Timeout: time.Second, Retries: 2, RetryDelay: time.Minute,
			Invoker: function.Func(func(context.Context, []byte) ([]byte, error) {
				at = append(at, time.Since(start))
				return nil, &function.Error{Type: "Boom", Message: "no"}
			}),
			OnFailure: queue.DeadLetter(dead), Log: quiet(),
		}
		if err := a.Deliver(t.Context(), []byte(`{"e":1}`)); err != nil {
			t.Fatal(err)
		}
		runFor(t, 5*time.Minute, a.Run)
		if diff := cmp.Diff([]time.Duration{0, time.Minute, 3 * time.Minute}, at); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		letters := dead.Messages(1)
		expect(t, bodies(letters), `{"e":1}`)
		if got := *letters[0].Attributes["ErrorMessage"].StringValue; got != "Boom: no" {
			t.Errorf("ErrorMessage = %q", got)
		}
	})
}

func TestAsyncDestinationKeepsTheRecord(t *testing.T) {
	t.Parallel()
	to := open(t, queue.Config{Name: "failed"})
	failure := queue.Failure{RequestID: "r", Payload: []byte(`{"e":1}`), Attempts: 3, Err: errors.New("late")}
	if err := queue.Destination(to, "arn:f")(t.Context(), failure); err != nil {
		t.Fatal(err)
	}
	var record struct {
		RequestContext struct {
			FunctionARN string `json:"functionArn"`
			Condition   string `json:"condition"`
		} `json:"requestContext"`
		RequestPayload  json.RawMessage `json:"requestPayload"`
		ResponsePayload function.Error  `json:"responsePayload"`
	}
	if err := json.Unmarshal([]byte(to.Messages(1)[0].Body), &record); err != nil {
		t.Fatal(err)
	}
	if record.RequestContext.FunctionARN != "arn:f:$LATEST" || record.RequestContext.Condition != "RetriesExhausted" ||
		string(record.RequestPayload) != `{"e":1}` || !strings.Contains(record.ResponsePayload.Message, "late") {
		t.Errorf("record = %+v", record)
	}
}

func TestAsyncSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		a := queue.Async{
			Queue: open(t, queue.Config{Name: "async"}), Timeout: time.Second, Retries: 2, RetryDelay: time.Minute, Log: quiet(),
			Invoker: function.Func(func(context.Context, []byte) ([]byte, error) { calls++; return nil, nil }),
		}
		if err := a.Deliver(t.Context(), []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		runFor(t, time.Hour, a.Run)
		if calls != 1 || a.Queue.Stats() != (queue.Stats{}) {
			t.Errorf("%d calls, %+v left; want one call and nothing", calls, a.Queue.Stats())
		}
	})
}
