package template

import (
	"encoding/json"
	"time"
)

// Template is what the emulated services need to know of a template.yaml.
// Everything in it is sorted by logical id, and references among resources are
// logical ids; a reference to something outside stays as it was written.
type Template struct {
	Functions  []Function
	Queues     []Queue
	HTTPAPIs   []HTTPAPI
	WebSockets []WebSocketAPI
	Rules      []Rule     // of functions' events and on their own
	Schedules  []Schedule // of functions' events, scheduled rules and Scheduler
	Ignored    []string   // types of resources and events without an emulation

	ids map[string][]string
}

// LogicalID finds the resource that a name, URL or ARN belongs to, as Ref and
// GetAtt in this template returned it: the first by logical id when several
// resources share a name.
func (t *Template) LogicalID(value string) (id string, ok bool) {
	if ids := t.ids[value]; len(ids) > 0 {
		return ids[0], true
	}
	return "", false
}

// Function is an AWS::Serverless::Function with the globals merged in.
type Function struct {
	ID          string
	Name        string
	ARN         string
	CodeURI     string
	Handler     string
	Timeout     time.Duration
	MemoryMB    int
	Environment map[string]string
	QueueEvents []QueueEvent
	Streams     []StreamEvent
	URL         *FunctionURL
	Async       AsyncInvoke
}

// AsyncInvoke says what becomes of asynchronous invocations that fail.
type AsyncInvoke struct {
	Retries    int    // after the first attempt
	DeadLetter string // queue that gets the event
	OnFailure  string // queue that gets an invocation record
}

// FunctionURL is a function's own HTTPS endpoint.
type FunctionURL struct {
	AuthType  string // NONE or AWS_IAM
	Streaming bool
	CORS      *CORS
}

// QueueEvent feeds a function from a queue.
type QueueEvent struct {
	Name            string
	Queue           string
	BatchSize       int
	Window          time.Duration
	PartialFailures bool
	Filters         []json.RawMessage
	Concurrency     int // 0 means no limit of its own
	Enabled         bool
}

// StreamEvent feeds a function from a table's change stream.
type StreamEvent struct {
	Name            string
	Table           string
	BatchSize       int
	Window          time.Duration
	PartialFailures bool
	Bisect          bool
	MaxRetries      int           // -1 means without end
	MaxAge          time.Duration // 0 means without end
	FromTip         bool          // starts with what comes, not with what is kept
	Filters         []json.RawMessage
	OnFailure       string
	Enabled         bool
}

// Queue is an AWS::SQS::Queue.
type Queue struct {
	ID           string
	Name         string
	ARN          string
	FIFO         bool
	ContentDedup bool
	Visibility   time.Duration
	Delay        time.Duration
	Retention    time.Duration
	DeadLetter   string // a queue
	MaxReceive   int
}

// CORS is the CorsConfiguration of an HTTP API or of a function URL.
type CORS struct {
	AllowOrigins     []string
	AllowMethods     []string
	AllowHeaders     []string
	ExposeHeaders    []string
	MaxAgeSeconds    int
	AllowCredentials bool
}

// HTTPAPI is an AWS::Serverless::HttpApi with the routes that functions add.
type HTTPAPI struct {
	ID          string
	Stage       string
	Routes      []Route
	Authorizers map[string]Authorizer
	CORS        *CORS
}

// Route is one route of an HTTP API.
type Route struct {
	Key        string // such as "ANY /crm/{proxy+}", or "$default"
	Function   string
	Authorizer string        // key in Authorizers; empty for none
	Timeout    time.Duration // 0 means the gateway's own
}

// Authorizer is a Lambda authorizer with simple responses.
type Authorizer struct {
	Function       string
	IdentitySource []string // such as $request.header.Authorization
}

// WebSocketAPI is an AWS::Serverless::WebSocketApi or its plain
// AWS::ApiGatewayV2 form.
type WebSocketAPI struct {
	ID             string
	Selection      string // such as $request.body.action
	Stage          string
	Routes         map[string]string // route key to function
	Authorizer     string            // function; empty for none
	IdentitySource []string
}

// Rule sends a bus's matching events to targets.
type Rule struct {
	ID      string
	Bus     string // logical id or name; "default" when the template says nothing
	Pattern json.RawMessage
	Enabled bool
	Targets []Target
}

// Target receives events of a rule or of a schedule.
type Target struct {
	ID         string
	To         string // function or queue
	Input      json.RawMessage
	InputPath  string
	GroupID    string // for a FIFO queue
	DeadLetter string // queue
	Retries    int    // of delivery; -1 means the service's default
}

// Schedule is one of the three kinds of schedules.
type Schedule struct {
	ID         string
	Name       string
	Expression string // rate(…), cron(…) or at(…)
	Zone       string // IANA name; empty for UTC
	Start, End time.Time
	Enabled    bool
	Scheduler  bool // EventBridge Scheduler, not a scheduled rule
	Targets    []Target
}
