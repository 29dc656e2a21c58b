package stack_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/eventbus"
	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/stack"
	"github.com/appmint/appengine/infra/local/stream"
	"github.com/appmint/appengine/infra/local/template"
)

const source = `
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: app}}
  Dead: {Type: AWS::SQS::Queue}
  Work:
    Type: AWS::SQS::Queue
    Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Gate
        Authorizers:
          Gate: {FunctionArn: !GetAtt Authorizer.Arn, AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true}
  Authorizer: {Type: AWS::Serverless::Function}
  Users:
    Type: AWS::Serverless::Function
    Properties:
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      Events:
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/users/{proxy+}", Method: ANY}}
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: "/open", Method: GET, Auth: {Authorizer: NONE}}}
        Created:
          Type: EventBridgeRule
          Properties: {EventBusName: !Ref Bus, Pattern: {detail-type: [users.created]}}
        Work: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn}}
        Changes: {Type: DynamoDB, Properties: {Stream: !GetAtt Table.StreamArn, StartingPosition: TRIM_HORIZON, FilterCriteria: {Filters: [{Pattern: '{"eventName":["INSERT"]}'}]}}}
        Hourly: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '{"job":"hourly"}'}}
        Past: {Type: ScheduleV2, Properties: {ScheduleExpression: at(1999-01-01T00:00:00)}}
  ToWork:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {detail-type: [work.wanted]}
      Targets: [{Id: work, Arn: !GetAtt Work.Arn, InputPath: $.detail}]
`

// calls notes what the function was given.
type calls struct {
	mu   sync.Mutex
	list []string
	fail bool
}

func (c *calls) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var event struct {
		RawPath    string            `json:"rawPath"`
		DetailType string            `json:"detail-type"`
		Job        string            `json:"job"`
		Records    []json.RawMessage `json:"Records"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	text := event.RawPath + event.DetailType + event.Job
	if len(event.Records) > 0 {
		text = "records"
	}
	c.list = append(c.list, text)
	if c.fail {
		return nil, errors.New("broken")
	}
	return []byte(`{"statusCode":200,"body":"users"}`), nil
}

func (c *calls) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.list...)
}

// oneRecord is a change stream with one record.
type oneRecord struct{}

func (oneRecord) Changes(_ context.Context, after string, _ int) ([]json.RawMessage, string, error) {
	if after != "" {
		return nil, after, nil
	}
	return []json.RawMessage{[]byte(`{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1"}}`)}, "1", nil
}

func (oneRecord) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func build(t *testing.T, users function.Invoker, change func(*stack.Options)) *stack.Stack {
	t.Helper()
	parsed, err := template.Parse([]byte(source), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	allow := function.Func(func(context.Context, []byte) ([]byte, error) { return []byte(`{"isAuthorized":true}`), nil })
	options := stack.Options{
		Template: parsed, Domain: "localhost", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Invoker: func(f template.Function) (function.Invoker, error) {
			if f.ID == "Authorizer" {
				return allow, nil
			}
			return users, nil
		},
		Shards: func(string) (map[string]stream.Source, error) { return map[string]stream.Source{"0": oneRecord{}}, nil },
	}
	if change != nil {
		change(&options)
	}
	s, err := stack.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, s *stack.Stack, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	time.Sleep(d)
	cancel()
	<-done
}

func put(t *testing.T, s *stack.Stack, detailType string) {
	t.Helper()
	if _, err := s.Bus("app").Put(t.Context(), []eventbus.Entry{
		{Source: "users", DetailType: detailType, Detail: json.RawMessage(`{"a":1}`)},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestEverySourceReachesTheFunction(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		users := &calls{}
		s := build(t, users, nil)
		for path, want := range map[string]int{"/users/1": 200, "/open": 200, "/none": 404} {
			w := httptest.NewRecorder()
			s.APIs["Api"].ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != want {
				t.Errorf("%s = %d, want %d", path, w.Code, want)
			}
		}
		put(t, s, "users.created")
		put(t, s, "work.wanted")
		run(t, s, 90*time.Minute)
		counts := map[string]int{}
		for _, call := range users.seen() {
			counts[call]++
		}
		want := map[string]int{"/users/1": 1, "/open": 1, "users.created": 1, "records": 2, "hourly": 1}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestFailuresReachTheDeadLetterQueueAndComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		users := &calls{fail: true}
		s := build(t, users, func(o *stack.Options) {
			o.Shards = func(string) (map[string]stream.Source, error) { return nil, nil }
		})
		put(t, s, "users.created")
		put(t, s, "work.wanted")
		run(t, s, 10*time.Minute)
		if got := len(users.seen()); got != 4 {
			t.Errorf("%d calls, want 3 asynchronous and 1 of the queue", got)
		}
		dead, ok := s.Queue("arn:aws:sqs:us-east-1:000000000000:local-Dead")
		if !ok || len(dead.Messages(10)) != 2 {
			t.Fatalf("dead-letter queue %v holds %v, want both events", ok, dead.Messages(10))
		}
		if n, err := s.Redrive(t.Context(), "Dead", 10); n != 1 || err != nil {
			t.Errorf("Redrive = %d, %v, want the queue's message", n, err)
		}
		if _, err := s.Redrive(t.Context(), "Nowhere", 10); err == nil {
			t.Error("Redrive found a queue that is not there")
		}
	})
}

// Events that were accepted survive the end of the process.
func TestEventsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep := func(o *stack.Options) { o.Directory = dir }
	s := build(t, &calls{}, keep)
	put(t, s, "users.created")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	users := &calls{}
	s = build(t, users, keep)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	for !strings.Contains(strings.Join(users.seen(), " "), "users.created") && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	invoker := func(template.Function) (function.Invoker, error) {
		return function.Func(func(context.Context, []byte) ([]byte, error) { return nil, nil }), nil
	}
	f := "Resources: {Q: {Type: 'AWS::SQS::Queue'}, T: {Type: 'AWS::DynamoDB::Table'}, F: {Type: 'AWS::Serverless::Function', Properties: {Events: {E: %}}}}"
	tests := []struct{ name, form, event, want string }{
		{"pattern", f, "{Type: EventBridgeRule, Properties: {Pattern: {a: x}}}", "rule FE: a: want an array"},
		{"filter", f, `{Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn, StartingPosition: LATEST, FilterCriteria: {Filters: [{Pattern: '{}'}]}}}`, "F: event E: filter"},
		{"no stream", f, "{Type: DynamoDB, Properties: {Stream: !GetAtt T.StreamArn, StartingPosition: LATEST}}", "no change stream of T"},
		{"queue filter", f, "{Type: SQS, Properties: {Queue: !GetAtt Q.Arn, FilterCriteria: {Filters: [{Pattern: '{}'}]}}}", "filter criteria of queues"},
		{"schedule", f, "{Type: Schedule, Properties: {Schedule: rate(1 minutes)}}", "FE: schedule"},
		{"target", "Resources: {R: {Type: 'AWS::Events::Rule', Properties: {EventPattern: {a: [x]}, Targets: [{Id: t, Arn: other}]}}}", "", "neither a function nor a queue"},
		{"redrive in a circle", `Resources:
  A: {Type: 'AWS::SQS::Queue', Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt B.Arn, maxReceiveCount: 1}}}
  B: {Type: 'AWS::SQS::Queue', Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt A.Arn, maxReceiveCount: 1}}}`, "", "each other's"},
		{"route", f, "{Type: HttpApi, Properties: {Path: '/{a+}/b', Method: GET}}", "ServerlessHttpApi: route"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parsed, err := template.Parse([]byte(strings.Replace(test.form, "%", test.event, 1)), template.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = stack.New(stack.Options{Template: parsed, Now: time.Now, Log: slog.New(slog.DiscardHandler), Invoker: invoker})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New = %v, want %q", err, test.want)
			}
		})
	}
	parsed, err := template.Parse([]byte("Resources: {F: {Type: 'AWS::Serverless::Function'}}"), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	missing := func(template.Function) (function.Invoker, error) { return nil, errors.New("no such module") }
	if _, err := stack.New(stack.Options{Template: parsed, Now: time.Now, Log: slog.New(slog.DiscardHandler), Invoker: missing}); err == nil || !strings.Contains(err.Error(), "F: no such module") {
		t.Errorf("New = %v, want the missing module", err)
	}
}
