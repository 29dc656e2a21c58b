package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/pattern"
	"github.com/appmint/appengine/infra/local/stream"
)

// shard is a source of records 1…n whose cursor is the last one's number.
type shard struct {
	mu      sync.Mutex
	records []json.RawMessage
	news    chan struct{}
	fails   int // how many of the next reads fail
}

func newShard(count int) *shard {
	s := &shard{news: make(chan struct{}, 1)}
	s.add(count)
	return s
}

func (s *shard) add(count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range count {
		n := len(s.records) + 1
		kind := "INSERT"
		if n%2 == 0 {
			kind = "MODIFY"
		}
		s.records = append(s.records, json.RawMessage(fmt.Sprintf(
			`{"eventName":%q,"dynamodb":{"SequenceNumber":"%d","ApproximateCreationDateTime":%d}}`, kind, n, time.Now().Unix())))
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *shard) Changes(_ context.Context, after string, limit int) ([]json.RawMessage, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails > 0 {
		s.fails--
		return nil, "", errors.New("disk busy")
	}
	from, _ := strconv.Atoi(after)
	to := min(from+limit, len(s.records))
	return slices.Clone(s.records[from:to]), strconv.Itoa(to), nil
}

func (s *shard) Wait(ctx context.Context) error {
	select {
	case <-s.news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// consumer notes the sequence numbers of each invocation.
type consumer struct {
	calls  [][]string
	answer func(numbers []string) (any, error)
}

func (c *consumer) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event struct {
		Records []struct {
			DynamoDB struct {
				SequenceNumber string `json:"SequenceNumber"`
			} `json:"dynamodb"`
		} `json:"Records"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	numbers := []string{}
	for _, record := range event.Records {
		numbers = append(numbers, record.DynamoDB.SequenceNumber)
	}
	c.calls = append(c.calls, numbers)
	if c.answer == nil {
		return nil, nil
	}
	answer, err := c.answer(numbers)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func failed(number string) any {
	return map[string]any{"batchItemFailures": []any{map[string]string{"itemIdentifier": number}}}
}

var errBoom = errors.New("boom")

// run lets a mapping work for a minute of the stopped clock and returns the
// cursor that it has reached.
func run(t *testing.T, m *stream.Mapping) string {
	t.Helper()
	m.Name, m.Timeout, m.Log = "m", time.Second, slog.New(slog.DiscardHandler)
	if m.Cursors == nil {
		m.Cursors = &stream.MemoryCursors{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { m.Run(ctx); close(done) }()
	time.Sleep(time.Minute)
	cancel()
	<-done
	cursor, err := m.Cursors.Load(t.Context(), "m")
	if err != nil {
		t.Fatal(err)
	}
	return cursor
}

func expect(t *testing.T, c *consumer, cursor, wantCursor string, want ...[]string) {
	t.Helper()
	if diff := cmp.Diff(want, c.calls); diff != "" {
		t.Errorf("invocations (-want +got):\n%s", diff)
	}
	if cursor != wantCursor {
		t.Errorf("cursor %q, want %q", cursor, wantCursor)
	}
}

func TestBatchesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, c := newShard(3), &consumer{}
		s.fails = 2
		go func() {
			time.Sleep(10 * time.Second)
			s.add(1)
		}()
		cursor := run(t, &stream.Mapping{Source: s, Invoker: c, BatchSize: 2, MaxRetries: -1})
		expect(t, c, cursor, "4", []string{"1", "2"}, []string{"3"}, []string{"4"})
	})
}

func TestCursorSurvives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cursors := &stream.MemoryCursors{}
		if err := cursors.Save(t.Context(), "m", "2"); err != nil {
			t.Fatal(err)
		}
		c := &consumer{}
		cursor := run(t, &stream.Mapping{Source: newShard(3), Invoker: c, Cursors: cursors})
		expect(t, c, cursor, "3", []string{"3"})
	})
}

func TestFiltersSkipRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		filter, err := pattern.Compile([]byte(`{"eventName":["INSERT"]}`))
		if err != nil {
			t.Fatal(err)
		}
		c := &consumer{}
		cursor := run(t, &stream.Mapping{Source: newShard(4), Invoker: c, BatchSize: 3, Filters: []*pattern.Pattern{filter}})
		expect(t, c, cursor, "4", []string{"1", "3"})
	})
}

// Everything before the first failed record is done and is not sent again.
func TestPartialFailureResumesAtTheFirstFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{}
		c.answer = func([]string) (any, error) {
			if len(c.calls) == 1 {
				return failed("3"), nil
			}
			return map[string]any{"batchItemFailures": []any{}}, nil
		}
		cursor := run(t, &stream.Mapping{Source: newShard(4), Invoker: c, PartialFailures: true, MaxRetries: -1})
		expect(t, c, cursor, "4", []string{"1", "2", "3", "4"}, []string{"3", "4"})
	})
}

// The checkpoint is kept: a restart begins at the failed record.
func TestPartialFailureIsACheckpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{answer: func([]string) (any, error) { return failed("3"), nil }}
		cursor := run(t, &stream.Mapping{Source: newShard(4), Invoker: c, PartialFailures: true, MaxRetries: -1})
		if cursor != "2" || len(c.calls) < 3 {
			t.Errorf("cursor %q after %d calls, want 2 and many retries", cursor, len(c.calls))
		}
	})
}

func TestMalformedReportFailsTheBatch(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]any{"stranger": failed("9"), "empty": failed(""), "text": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &consumer{answer: func([]string) (any, error) { return answer, nil }}
				cursor := run(t, &stream.Mapping{Source: newShard(2), Invoker: c, PartialFailures: true, MaxRetries: 1})
				expect(t, c, cursor, "2", []string{"1", "2"}, []string{"1", "2"})
			})
		})
	}
}

func TestBisectIsolatesThePoison(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{answer: func(numbers []string) (any, error) {
			if slices.Contains(numbers, "3") {
				return nil, errBoom
			}
			return nil, nil
		}}
		var letters []string
		cursor := run(t, &stream.Mapping{
			Source: newShard(4), Invoker: c, Bisect: true, MaxRetries: 1, FunctionARN: "arn:f", StreamARN: "arn:s",
			OnFailure: func(_ context.Context, body []byte) error { letters = append(letters, string(body)); return nil },
		})
		expect(t, c, cursor, "4", []string{"1", "2", "3", "4"}, []string{"1", "2"}, []string{"3", "4"}, []string{"3"}, []string{"3"}, []string{"4"})
		var letter struct {
			RequestContext struct {
				Condition string `json:"condition"`
				Count     int    `json:"approximateInvokeCount"`
			} `json:"requestContext"`
			Batch struct {
				Start string `json:"startSequenceNumber"`
				End   string `json:"endSequenceNumber"`
				Size  int    `json:"batchSize"`
			} `json:"DDBStreamBatchInfo"`
		}
		if len(letters) != 1 {
			t.Fatalf("%d failures told, want 1", len(letters))
		}
		if err := json.Unmarshal([]byte(letters[0]), &letter); err != nil {
			t.Fatal(err)
		}
		if letter.RequestContext.Condition != "RetryAttemptsExhausted" || letter.RequestContext.Count != 2 ||
			letter.Batch.Start != "3" || letter.Batch.End != "3" || letter.Batch.Size != 1 {
			t.Errorf("failure = %s", letters[0])
		}
	})
}

func TestOldRecordsAreGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{answer: func([]string) (any, error) { return nil, errBoom }}
		told := 0
		cursor := run(t, &stream.Mapping{
			Source: newShard(2), Invoker: c, MaxRetries: -1, MaxAge: 20 * time.Second,
			OnFailure: func(context.Context, []byte) error { told++; return nil },
		})
		if cursor != "2" || told != 1 || len(c.calls) < 2 {
			t.Errorf("cursor %q, %d failures told, %d calls; want 2, 1 and some", cursor, told, len(c.calls))
		}
	})
}

// A failure that could not be told is not forgotten: the batch is tried again.
func TestFailingDestinationKeepsTheBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{answer: func([]string) (any, error) { return nil, errBoom }}
		cursor := run(t, &stream.Mapping{
			Source: newShard(1), Invoker: c, MaxRetries: 0,
			OnFailure: func(context.Context, []byte) error { return errors.New("queue down") },
		})
		if cursor != "" || len(c.calls) < 2 {
			t.Errorf("cursor %q after %d calls, want none and several", cursor, len(c.calls))
		}
	})
}

func TestTimeoutIsAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		slow := function.Func(func(ctx context.Context, _ []byte) ([]byte, error) {
			if calls.Add(1) == 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return nil, nil
		})
		if cursor := run(t, &stream.Mapping{Source: newShard(1), Invoker: slow, MaxRetries: -1}); cursor != "1" || calls.Load() != 2 {
			t.Errorf("cursor %q after %d calls, want 1 after 2", cursor, calls.Load())
		}
	})
}

func TestRecordWithoutSequenceNumberStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShard(0)
		s.records = []json.RawMessage{json.RawMessage(`{}`)}
		c := &consumer{}
		if cursor := run(t, &stream.Mapping{Source: s, Invoker: c}); cursor != "" || len(c.calls) != 0 {
			t.Errorf("cursor %q after %d calls, want nothing", cursor, len(c.calls))
		}
	})
}
