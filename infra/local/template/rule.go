package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// deliveryProperties are what rules' targets and schedules have in common.
type deliveryProperties struct {
	Input            *string         `json:"Input"`
	InputPath        string          `json:"InputPath"`
	InputTransformer json.RawMessage `json:"InputTransformer"`
	DeadLetterConfig struct {
		Arn            string `json:"Arn"`
		QueueLogicalID string `json:"QueueLogicalId"`
	} `json:"DeadLetterConfig"`
	RetryPolicy struct {
		MaximumRetryAttempts *number `json:"MaximumRetryAttempts"`
	} `json:"RetryPolicy"`
	SQSParameters struct {
		MessageGroupID string `json:"MessageGroupId"`
	} `json:"SqsParameters"`
}

func (b *builder) target(id, to string, p *deliveryProperties) (Target, error) {
	if p.InputTransformer != nil {
		return Target{}, errors.New("property InputTransformer is not known to the local run")
	}
	t := Target{
		ID: id, To: b.receiver(to), InputPath: p.InputPath, GroupID: p.SQSParameters.MessageGroupID,
		Retries: p.RetryPolicy.MaximumRetryAttempts.or(-1),
	}
	if p.Input != nil {
		if t.Input = json.RawMessage(*p.Input); !json.Valid(t.Input) {
			return t, fmt.Errorf("property Input: want JSON, got %s", *p.Input)
		}
	}
	if t.InputPath != "" && t.Input != nil {
		return t, errors.New("properties Input and InputPath exclude each other")
	}
	dead := p.DeadLetterConfig.Arn
	if dead == "" {
		dead = p.DeadLetterConfig.QueueLogicalID
	}
	var err error
	t.DeadLetter, err = b.optionalQueue("DeadLetterConfig", dead)
	return t, err
}

// receiver finds the function or queue that a target names.
func (b *builder) receiver(value string) string {
	for _, kind := range []string{"Function", "Queue"} {
		if id, err := b.expect("target", value, kind); err == nil {
			return id
		}
	}
	return value
}

func (b *builder) bus(name string) string {
	if name == "" {
		return "default"
	}
	return b.known(name)
}

func (b *builder) ruleEvent(function, name string, source json.RawMessage) error {
	var p struct {
		deliveryProperties
		EventBusName string          `json:"EventBusName"`
		Pattern      json.RawMessage `json:"Pattern"`
		Enabled      *flag           `json:"Enabled"`
		State        string          `json:"State"`
	}
	if err := json.Unmarshal(source, &p); err != nil {
		return err
	}
	if p.Pattern == nil {
		return errors.New("its Pattern is missing")
	}
	t, err := b.target(name, function, &p.deliveryProperties)
	b.template.Rules = append(b.template.Rules, Rule{
		ID: function + name, Bus: b.bus(p.EventBusName), Pattern: p.Pattern,
		Enabled: enabled(p.Enabled, p.State), Targets: []Target{t},
	})
	return err
}

// rule reads AWS::Events::Rule, which has a pattern, a schedule or both.
func (b *builder) rule(id string, properties map[string]any) error {
	var p struct {
		EventBusName       string          `json:"EventBusName"`
		EventPattern       json.RawMessage `json:"EventPattern"`
		ScheduleExpression string          `json:"ScheduleExpression"`
		State              string          `json:"State"`
		Targets            []struct {
			deliveryProperties
			ID  string `json:"Id"`
			Arn string `json:"Arn"`
		} `json:"Targets"`
	}
	if err := b.into(properties, &p); err != nil {
		return err
	}
	if p.EventPattern == nil && p.ScheduleExpression == "" {
		return errors.New("neither EventPattern nor ScheduleExpression")
	}
	targets := make([]Target, 0, len(p.Targets))
	for i := range p.Targets {
		t, err := b.target(p.Targets[i].ID, p.Targets[i].Arn, &p.Targets[i].deliveryProperties)
		if err != nil {
			return fmt.Errorf("target %s: %w", p.Targets[i].ID, err)
		}
		targets = append(targets, t)
	}
	on := enabled(nil, p.State)
	if p.EventPattern != nil {
		b.template.Rules = append(b.template.Rules, Rule{
			ID: id, Bus: b.bus(p.EventBusName), Pattern: p.EventPattern, Enabled: on, Targets: targets,
		})
	}
	if p.ScheduleExpression != "" {
		name, err := b.name(id)
		b.template.Schedules = append(b.template.Schedules, Schedule{
			ID: id, Name: name, Expression: p.ScheduleExpression, Enabled: on, Targets: targets,
		})
		return err
	}
	return nil
}

// scheduleProperties cover the Schedule and ScheduleV2 events and
// AWS::Scheduler::Schedule, which nests what concerns the target.
type scheduleProperties struct {
	deliveryProperties
	Schedule           string    `json:"Schedule"`
	ScheduleExpression string    `json:"ScheduleExpression"`
	Zone               string    `json:"ScheduleExpressionTimezone"`
	StartDate          time.Time `json:"StartDate"`
	EndDate            time.Time `json:"EndDate"`
	Enabled            *flag     `json:"Enabled"`
	State              string    `json:"State"`
	Name               string    `json:"Name"`
	Target             struct {
		deliveryProperties
		Arn string `json:"Arn"`
	} `json:"Target"`
}

func (p *scheduleProperties) model(id string, scheduler bool, target Target) Schedule {
	name := p.Name
	if name == "" {
		name = id
	}
	return Schedule{
		ID: id, Name: name, Expression: p.Schedule + p.ScheduleExpression, Zone: p.Zone, Start: p.StartDate, End: p.EndDate,
		Enabled: enabled(p.Enabled, p.State), Scheduler: scheduler, Targets: []Target{target},
	}
}

func (b *builder) scheduleEvent(function, name string, source json.RawMessage, scheduler bool) error {
	var p scheduleProperties
	if err := json.Unmarshal(source, &p); err != nil {
		return err
	}
	if (p.Schedule == "") == (p.ScheduleExpression == "") {
		return errors.New("want one schedule expression")
	}
	t, err := b.target(name, function, &p.deliveryProperties)
	b.template.Schedules = append(b.template.Schedules, p.model(function+name, scheduler, t))
	return err
}

func (b *builder) schedule(id string, properties map[string]any) error {
	var p scheduleProperties
	if err := b.into(properties, &p); err != nil {
		return err
	}
	if p.ScheduleExpression == "" || p.Target.Arn == "" {
		return errors.New("want a ScheduleExpression and a Target")
	}
	t, err := b.target(id, p.Target.Arn, &p.Target.deliveryProperties)
	b.template.Schedules = append(b.template.Schedules, p.model(id, true, t))
	return err
}
