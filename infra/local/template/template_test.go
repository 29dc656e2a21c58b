package template_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/template"
)

func load(t *testing.T) *template.Template {
	t.Helper()
	parsed, err := template.Load("testdata/template.yaml", template.Options{Imports: map[string]string{"shared-name": "shared"}})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func function(t *testing.T, parsed *template.Template, id string) template.Function {
	t.Helper()
	for _, f := range parsed.Functions {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("no function %s", id)
	return template.Function{}
}

func TestFunctionHasGlobalsAndItsOwn(t *testing.T) {
	t.Parallel()
	want := template.Function{
		ID: "CrmFunction", Name: "local-crm", ARN: "arn:aws:lambda:us-east-1:000000000000:function:local-crm",
		CodeURI: ".", Handler: "bootstrap", Timeout: 10 * time.Second, MemoryMB: 256,
		Environment: map[string]string{
			"TABLE": "local-data", "BUS": "arn:aws:events:us-east-1:000000000000:event-bus/app-dev", "LEVEL": "debug",
			"RETRIES": "3", "QUEUE": "https://sqs.us-east-1.amazonaws.com/000000000000/local-Queue", "SHARED": "shared",
			"LITERAL": "${Kept}-local-Queue", "FIRST": "a",
		},
		Async: template.AsyncInvoke{Retries: 1, DeadLetter: "DeadQueue"},
		URL:   &template.FunctionURL{AuthType: "NONE", Streaming: true},
		QueueEvents: []template.QueueEvent{
			{Name: "Work", Queue: "Queue", BatchSize: 5, PartialFailures: true, Enabled: true},
		},
		Streams: []template.StreamEvent{{
			Name: "Changes", Table: "Table", BatchSize: 50, Bisect: true, MaxRetries: 3, OnFailure: "DeadQueue", Enabled: true,
			Filters: []json.RawMessage{json.RawMessage(`{"eventName":["INSERT"]}`)},
		}},
	}
	if diff := cmp.Diff(want, function(t, load(t), "CrmFunction")); diff != "" {
		t.Errorf("function (-want +got):\n%s", diff)
	}
	if got := function(t, load(t), "AuthorizerFunction"); got.Timeout != 20*time.Second || got.Environment["LEVEL"] != "info" || got.Async.Retries != 2 {
		t.Errorf("authorizer = %+v, want the globals", got)
	}
}

func TestQueues(t *testing.T) {
	t.Parallel()
	arn := "arn:aws:sqs:us-east-1:000000000000:"
	keep := 4 * 24 * time.Hour
	want := []template.Queue{
		{ID: "DeadQueue", Name: "local-DeadQueue", ARN: arn + "local-DeadQueue", Visibility: 30 * time.Second, Retention: keep},
		{
			ID: "OrderedQueue", Name: "local-OrderedQueue.fifo", ARN: arn + "local-OrderedQueue.fifo",
			FIFO: true, ContentDedup: true, Visibility: 30 * time.Second, Retention: keep,
		},
		{
			ID: "Queue", Name: "local-Queue", ARN: arn + "local-Queue", Visibility: 2 * time.Minute, Retention: keep,
			DeadLetter: "DeadQueue", MaxReceive: 5,
		},
	}
	if diff := cmp.Diff(want, load(t).Queues); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
}

func TestHTTPAPIs(t *testing.T) {
	t.Parallel()
	cors := &template.CORS{AllowOrigins: []string{"https://*"}, AllowCredentials: true, MaxAgeSeconds: 86400}
	want := []template.HTTPAPI{
		{
			ID: "Api", Stage: "$default", CORS: cors,
			Authorizers: map[string]template.Authorizer{
				"Gate":  {Function: "AuthorizerFunction"},
				"Keyed": {Function: "AuthorizerFunction", IdentitySource: []string{"$request.header.x-api-key", "$request.querystring.key"}},
			},
			Routes: []template.Route{
				{Key: "GET /keyed", Function: "CrmFunction", Authorizer: "Keyed"},
				{Key: "GET /open", Function: "CrmFunction"},
				{Key: "ANY /crm/{proxy+}", Function: "CrmFunction", Authorizer: "Gate", Timeout: 5 * time.Second},
				{Key: "ANY /crm", Function: "CrmFunction", Authorizer: "Gate"},
			},
		},
		{
			ID: "ServerlessHttpApi", Stage: "$default", CORS: cors, Authorizers: map[string]template.Authorizer{},
			Routes: []template.Route{{Key: "$default", Function: "Fallback"}},
		},
	}
	if diff := cmp.Diff(want, load(t).HTTPAPIs); diff != "" {
		t.Errorf("APIs (-want +got):\n%s", diff)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	want := []template.Rule{
		{
			ID: "Audit", Bus: "Bus", Pattern: json.RawMessage(`{"source":[{"prefix":"app"}]}`),
			Targets: []template.Target{{ID: "queue", To: "OrderedQueue", GroupID: "audit", Input: json.RawMessage(`{"a":1}`), Retries: -1}},
		},
		{
			ID: "CrmFunctionUsersCreated", Bus: "Bus", Enabled: true,
			Pattern: json.RawMessage(`{"detail":{"n":[{"numeric":["\u003e",1.50]}]},"detail-type":["users.created"]}`),
			Targets: []template.Target{{ID: "UsersCreated", To: "CrmFunction", InputPath: "$.detail", DeadLetter: "DeadQueue", Retries: 4}},
		},
	}
	if diff := cmp.Diff(want, load(t).Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	to := func(id string, input string) []template.Target {
		target := template.Target{ID: id, To: "CrmFunction", Retries: -1}
		if input != "" {
			target.Input = json.RawMessage(input)
		}
		return []template.Target{target}
	}
	want := []template.Schedule{
		{
			ID: "CrmFunctionNightly", Name: "CrmFunctionNightly", Expression: "cron(0 3 * * ? *)", Zone: "Europe/Berlin",
			Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Enabled: true, Scheduler: true, Targets: to("Nightly", `{"job":"nightly"}`),
		},
		{ID: "CrmFunctionOften", Name: "CrmFunctionOften", Expression: "rate(5 minutes)", Targets: to("Often", "")},
		{ID: "Hourly", Name: "local-Hourly", Expression: "rate(1 hour)", Enabled: true, Targets: to("crm", "")},
		{ID: "Once", Name: "Once", Expression: "at(2026-05-01T10:00:00)", Enabled: true, Scheduler: true, Targets: to("Once", "{}")},
	}
	if diff := cmp.Diff(want, load(t).Schedules); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
}

func TestWebSockets(t *testing.T) {
	t.Parallel()
	want := []template.WebSocketAPI{
		{
			ID: "PlainSockets", Selection: "$request.body.kind", Stage: "default",
			Routes: map[string]string{"$default": "CrmFunction"}, Authorizer: "AuthorizerFunction",
		},
		{
			ID: "Sockets", Selection: "$request.body.action", Stage: "default",
			Routes:     map[string]string{"$connect": "CrmFunction", "join": "CrmFunction"},
			Authorizer: "AuthorizerFunction", IdentitySource: []string{"route.request.querystring.token"},
		},
	}
	if diff := cmp.Diff(want, load(t).WebSockets); diff != "" {
		t.Errorf("web sockets (-want +got):\n%s", diff)
	}
}

func TestIgnoredAndLogicalID(t *testing.T) {
	t.Parallel()
	parsed := load(t)
	if diff := cmp.Diff([]string{"AWS::DynamoDB::Table", "AWS::Events::EventBus", "S3 event"}, parsed.Ignored); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
	for value, want := range map[string]string{
		"local-data": "Table", "https://sqs.us-east-1.amazonaws.com/000000000000/local-Queue": "Queue", "app-dev": "Bus",
	} {
		if got, ok := parsed.LogicalID(value); got != want || !ok {
			t.Errorf("LogicalID(%s) = %s, %v, want %s", value, got, ok, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	f := "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: %}}"
	q := "Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: %}}"
	api := "Resources: {A: {Type: 'AWS::Serverless::HttpApi', Properties: %}}"
	tests := []struct{ name, form, properties, want string }{
		{"empty", "", "", "it is empty"},
		{"not YAML", "a: [", "", "parse template"},
		{"a list", "[]", "", "want a mapping"},
		{"twice", "Resources: {A: {Type: x}, A: {Type: x}}", "", "A is there twice"},
		{"merge key", "Resources: {<<: {}}", "", "no merge keys"},
		{"no type", "Resources: {A: {}}", "", "A: Type is missing"},
		{"unknown condition", "Resources: {A: {Type: x, Condition: C}}", "", "A: there is no condition C"},
		{"circular condition", "Conditions: {C: !Not [!Condition C]}\nResources: {A: {Type: x, Condition: C}}", "", "depends on itself"},
		{"parameter without value", "Parameters: {P: {Type: String}}", "", "parameter P: no default"},
		{"timeout", f, "{Timeout: soon}", "F: want an integer"},
		{"timeout too long", f, "{Timeout: 901}", "F: timeout 15m1s"},
		{"handler", f, "{Handler: [a]}", "F: Handler: a array does not fit"},
		{"unknown reference", f, "{Handler: !Ref Nobody}", "F: Handler: Ref: Nobody is neither"},
		{"unknown function", f, "{Handler: !Cidr [a]}", "Fn::Cidr: is not known"},
		{"open Sub", f, "{Handler: !Sub '${a'}", "is not closed"},
		{"import", f, "{Handler: !ImportValue x}", "no value is given for the export x"},
		{"event without type", f, "{Events: {E: {}}}", "F: event E: its Type is missing"},
		{"rule without pattern", f, "{Events: {E: {Type: EventBridgeRule}}}", "F: event E: its Pattern is missing"},
		{"strange queue", f, "{Events: {E: {Type: SQS, Properties: {Queue: other}}}}", `Queue: "other" is no queue`},
		{"stream position", f, "{Events: {E: {Type: DynamoDB, Properties: {Stream: x}}}}", "StartingPosition"},
		{"path", f, "{Events: {E: {Type: HttpApi, Properties: {Path: x, Method: get}}}}", "does not begin with a slash"},
		{"unknown authorizer", f, "{Events: {E: {Type: HttpApi, Properties: {Auth: {Authorizer: X}}}}}", "F: route $default: there is no authorizer X"},
		{"same route", f, "{Events: {E: {Type: HttpApi}, G: {Type: HttpApi}}}", "F has it already"},
		{"schedule without expression", f, "{Events: {E: {Type: ScheduleV2}}}", "one schedule expression"},
		{"input", f, "{Events: {E: {Type: Schedule, Properties: {Schedule: rate(1 hour), Input: '{'}}}}", "Input: want JSON"},
		{"redrive", q, "{RedrivePolicy: {deadLetterTargetArn: x, maxReceiveCount: 1}}", `Q: RedrivePolicy: "x" is no queue`},
		{"redrive to itself", q, "{RedrivePolicy: {deadLetterTargetArn: !GetAtt Q.Arn, maxReceiveCount: 1}}", "want another queue"},
		{"flag", q, "{FifoQueue: perhaps}", "Q: want true or false"},
		{"credentials for all", api, "{CorsConfiguration: {AllowOrigins: ['*'], AllowCredentials: true}}", "A: property CorsConfiguration"},
		{"default authorizer", api, "{Auth: {DefaultAuthorizer: X}}", "there is no authorizer X"},
		{"authorizer version", api, "{Auth: {Authorizers: {X: {FunctionArn: x}}}}", "A: authorizer X: the local run"},
		{"rule", "Resources: {R: {Type: 'AWS::Events::Rule'}}", "", "R: neither"},
		{"schedule", "Resources: {S: {Type: 'AWS::Scheduler::Schedule'}}", "", "S: want a ScheduleExpression"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			source := strings.Replace(test.form, "%", test.properties, 1)
			_, err := template.Parse([]byte(source), template.Options{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse(%s)\n= %v\nwant an error with %q", source, err, test.want)
			}
		})
	}
}

// One run shows all that is wrong.
func TestParseReportsEveryResource(t *testing.T) {
	t.Parallel()
	_, err := template.Parse([]byte("Resources: {A: {Type: 'AWS::Events::Rule'}, B: {Type: 'AWS::Scheduler::Schedule'}}"), template.Options{})
	if err == nil || !strings.Contains(err.Error(), "A: ") || !strings.Contains(err.Error(), "B: ") {
		t.Errorf("Parse = %v, want both resources", err)
	}
}

// A name that several resources share leads to the one of the kind that is
// wanted.
func TestSharedNames(t *testing.T) {
	t.Parallel()
	parsed, err := template.Parse([]byte(`
Resources:
  A: {Type: AWS::Events::EventBus, Properties: {Name: Work}}
  B: {Type: AWS::Serverless::Function, Properties: {FunctionName: Work, Events: {E: {Type: SQS, Properties: {Queue: Work}}}}}
  Work: {Type: AWS::SQS::Queue}
`), template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := function(t, parsed, "B").QueueEvents[0].Queue; got != "Work" {
		t.Errorf("queue %s, want Work", got)
	}
}

func TestLoadReportsMissingFile(t *testing.T) {
	t.Parallel()
	if _, err := template.Load("testdata/none.yaml", template.Options{}); err == nil {
		t.Error("Load found a file that is not there")
	}
}

func FuzzParse(f *testing.F) {
	source, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(source)
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(_ *testing.T, source []byte) {
		_, _ = template.Parse(source, template.Options{}) // whatever it says, it returns
	})
}
