package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// The values of a function's properties when they are left out.
const (
	defaultTimeoutSeconds = 3
	defaultMemoryMB       = 128
	defaultRetries        = 2
)

type functionProperties struct {
	CodeURI     any     `json:"CodeUri"` // a path, or an S3 object
	Handler     string  `json:"Handler"`
	Timeout     *number `json:"Timeout"`
	MemorySize  *number `json:"MemorySize"`
	Environment struct {
		Variables map[string]scalarText `json:"Variables"`
	} `json:"Environment"`
	DeadLetterQueue struct {
		Type      string `json:"Type"`
		TargetArn string `json:"TargetArn"`
	} `json:"DeadLetterQueue"`
	EventInvokeConfig struct {
		MaximumRetryAttempts *number     `json:"MaximumRetryAttempts"`
		DestinationConfig    destination `json:"DestinationConfig"`
	} `json:"EventInvokeConfig"`
	FunctionURLConfig *struct {
		AuthType   string          `json:"AuthType"`
		InvokeMode string          `json:"InvokeMode"`
		CORS       *corsProperties `json:"Cors"`
	} `json:"FunctionUrlConfig"`
	Events map[string]event `json:"Events"`
}

type event struct {
	Type       string          `json:"Type"`
	Properties json.RawMessage `json:"Properties"`
}

// destination is OnFailure of asynchronous invocations and of streams.
type destination struct {
	OnFailure struct {
		Type        string `json:"Type"`
		Destination string `json:"Destination"`
	} `json:"OnFailure"`
}

func (b *builder) function(id string, properties map[string]any) error {
	var p functionProperties
	if err := b.into(properties, &p); err != nil {
		return err
	}
	name, err := b.name(id)
	if err != nil {
		return err
	}
	f := Function{
		ID: id, Name: name, ARN: b.arn(id, name), Handler: p.Handler,
		Timeout: seconds(number(p.Timeout.or(defaultTimeoutSeconds))), MemoryMB: p.MemorySize.or(defaultMemoryMB),
		Environment: make(map[string]string, len(p.Environment.Variables)),
	}
	if f.Timeout <= 0 || f.Timeout > seconds(900) {
		return fmt.Errorf("timeout %v is not within 1 to 900 seconds", f.Timeout)
	}
	f.CodeURI, _ = p.CodeURI.(string)
	for key, value := range p.Environment.Variables {
		f.Environment[key] = string(value)
	}
	if f.Async, err = b.async(&p); err != nil {
		return err
	}
	if u := p.FunctionURLConfig; u != nil {
		f.URL = &FunctionURL{AuthType: u.AuthType, Streaming: u.InvokeMode == "RESPONSE_STREAM", CORS: u.CORS.model()}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Events)) {
		if err := b.event(&f, name, p.Events[name]); err != nil {
			return fmt.Errorf("event %s: %w", name, err)
		}
	}
	b.template.Functions = append(b.template.Functions, f)
	return nil
}

func (b *builder) async(p *functionProperties) (AsyncInvoke, error) {
	a := AsyncInvoke{Retries: p.EventInvokeConfig.MaximumRetryAttempts.or(defaultRetries)}
	var err error
	if a.DeadLetter, err = b.optionalQueue("DeadLetterQueue", p.DeadLetterQueue.TargetArn); err != nil {
		return a, err
	}
	a.OnFailure, err = b.optionalQueue("OnFailure", p.EventInvokeConfig.DestinationConfig.OnFailure.Destination)
	return a, err
}

// event reads one event source. Properties are resolved already.
func (b *builder) event(f *Function, name string, e event) error {
	if e.Properties == nil {
		e.Properties = json.RawMessage("{}")
	}
	switch e.Type {
	case "HttpApi":
		return b.route(f.ID, e.Properties)
	case "EventBridgeRule", "CloudWatchEvent":
		return b.ruleEvent(f.ID, name, e.Properties)
	case "SQS":
		return b.queueEvent(f, name, e.Properties)
	case "DynamoDB":
		return b.streamEvent(f, name, e.Properties)
	case "Schedule":
		return b.scheduleEvent(f.ID, name, e.Properties, false)
	case "ScheduleV2":
		return b.scheduleEvent(f.ID, name, e.Properties, true)
	case "":
		return errors.New("its Type is missing")
	default:
		b.ignored[e.Type+" event"] = true
		return nil
	}
}
