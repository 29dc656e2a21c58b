package dynamo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/dynamo"
)

// script answers the requests of a client one after the other; the last answer
// repeats. It stands for what a local DynamoDB never does: refuse for load.
type script struct {
	mu      sync.Mutex
	answers []answer
	calls   []string
}

type answer struct {
	status int
	body   string
}

func (s *script) Do(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	s.calls = append(s.calls, operation)
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return &http.Response{
		StatusCode: a.status, Request: req, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewBufferString(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

func fail(name, rest string) answer {
	return answer{400, `{"__type":"com.amazonaws.dynamodb.v20120810#` + name + `","message":"on purpose"` + rest + `}`}
}

func scripted(answers ...answer) (*dynamo.Table, *script) {
	s := &script{answers: answers}
	endpoint := "http://scripted.invalid"
	client := dynamodb.New(dynamodb.Options{
		Region: "local", BaseEndpoint: &endpoint, HTTPClient: s,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	return dynamo.New(client, "t", dynamo.Options{Now: time.Now}), s
}

func key() table.Key { return table.Key{Part: "acme#p", Sort: "s"} }

func TestThrottlingIsRepeatedThenBusy(t *testing.T) {
	t.Parallel()
	throttled := fail("ProvisionedThroughputExceededException", "")
	for name, call := range map[string]func(context.Context, table.Table) error{
		"get": func(ctx context.Context, t table.Table) error { _, err := t.Get(ctx, key()); return err },
		"query": func(ctx context.Context, t table.Table) error {
			_, err := t.Query(ctx, table.Query{Part: "p"})
			return err
		},
		"write": func(ctx context.Context, t table.Table) error {
			_, err := t.Write(ctx, table.Delete{Key: key()})
			return err
		},
		"transact": func(ctx context.Context, t table.Table) error { return t.Transact(ctx, "", table.Delete{Key: key()}) },
		"batch": func(ctx context.Context, t table.Table) error {
			_, err := t.BatchGet(ctx, []table.Key{key()})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tbl, s := scripted(throttled)
			if err := call(t.Context(), tbl); !errors.Is(err, table.ErrBusy) {
				t.Errorf("got %v, want %v", err, table.ErrBusy)
			}
			if len(s.calls) != 7 {
				t.Errorf("got %d attempts, want 7", len(s.calls))
			}
			tbl, s = scripted(throttled, throttled, answer{200, `{}`})
			if err := call(t.Context(), tbl); err != nil && !errors.Is(err, table.ErrNotFound) {
				t.Errorf("got %v after the third attempt", err)
			}
			if len(s.calls) != 3 {
				t.Errorf("got %d attempts, want 3", len(s.calls))
			}
		})
	}
}

func TestTransactionConflictIsRepeated(t *testing.T) {
	t.Parallel()
	conflict := fail("TransactionCanceledException", `,"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]`)
	ops := []table.Op{table.Delete{Key: key()}, table.Delete{Key: table.Key{Part: "acme#p", Sort: "t"}}}
	tbl, s := scripted(conflict, answer{200, `{}`})
	if err := tbl.Transact(t.Context(), "", ops...); err != nil || len(s.calls) != 2 {
		t.Errorf("got %v after %d attempts, want success after 2", err, len(s.calls))
	}
	tbl, _ = scripted(conflict)
	if err := tbl.Transact(t.Context(), "", ops...); !errors.Is(err, table.ErrBusy) {
		t.Errorf("got %v, want %v", err, table.ErrBusy)
	}
	tbl, s = scripted(fail("TransactionConflictException", ""), answer{200, `{}`})
	if _, err := tbl.Write(t.Context(), ops[0]); err != nil || len(s.calls) != 2 {
		t.Errorf("write: got %v after %d attempts, want success after 2", err, len(s.calls))
	}
}

func TestRefusedConditionIsNotRepeated(t *testing.T) {
	t.Parallel()
	tbl, s := scripted(fail("TransactionCanceledException",
		`,"CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"ConditionalCheckFailed"}]`))
	err := tbl.Transact(t.Context(), "", table.Delete{Key: table.Key{Part: "acme#p", Sort: "t"}},
		table.Delete{Key: key(), If: table.ItemExists{}})
	var refused *table.Refused
	if !errors.As(err, &refused) || refused.Index != 1 || len(s.calls) != 1 {
		t.Errorf("got %v after %d attempts, want a refusal of 1 after the first", err, len(s.calls))
	}
	tbl, s = scripted(fail("ConditionalCheckFailedException", ""))
	_, err = tbl.Write(t.Context(), table.Delete{Key: key(), If: table.ItemExists{}})
	if !errors.As(err, &refused) || len(s.calls) != 1 {
		t.Errorf("write: got %v after %d attempts", err, len(s.calls))
	}
}

func TestBatchGetAsksAgainForTheRest(t *testing.T) {
	t.Parallel()
	const rest = `{"UnprocessedKeys":{"t":{"Keys":[{"PK":{"S":"acme#p"},"SK":{"S":"s"}}]}},"Responses":{"t":[]}}`
	const item = `{"Responses":{"t":[{"PK":{"S":"acme#p"},"SK":{"S":"s"},"doc":{"M":{"n":{"N":"1"}}}}]}}`
	tbl, s := scripted(answer{200, rest}, answer{200, rest}, answer{200, item})
	items, err := tbl.BatchGet(t.Context(), []table.Key{key()})
	if err != nil || len(items) != 1 || string(items[0].Doc) != `{"n":1}` || len(s.calls) != 3 {
		t.Errorf("got %+v, %v after %d calls", items, err, len(s.calls))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	tbl, _ = scripted(answer{200, rest})
	if _, err := tbl.BatchGet(ctx, []table.Key{key()}); err == nil {
		t.Error("a batch that is never served succeeded")
	}
}

func TestOtherFailuresAreInternal(t *testing.T) {
	t.Parallel()
	tbl, _ := scripted(fail("AccessDeniedException", ""))
	_, err := tbl.Get(t.Context(), key())
	if err == nil || errors.Is(err, table.ErrBusy) || errors.Is(err, table.ErrNotFound) {
		t.Errorf("got %v, want an internal error", err)
	}
}
