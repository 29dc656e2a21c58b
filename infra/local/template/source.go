package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The values of event source mappings when they are left out.
const (
	defaultQueueBatch  = 10
	defaultStreamBatch = 100
)

// mappingProperties are what queue and stream sources have in common.
type mappingProperties struct {
	BatchSize                      *number  `json:"BatchSize"`
	MaximumBatchingWindowInSeconds number   `json:"MaximumBatchingWindowInSeconds"`
	FunctionResponseTypes          []string `json:"FunctionResponseTypes"`
	Enabled                        *flag    `json:"Enabled"`
	FilterCriteria                 struct {
		Filters []struct {
			Pattern document `json:"Pattern"`
		} `json:"Filters"`
	} `json:"FilterCriteria"`
}

func (p *mappingProperties) partial() (bool, error) {
	for _, name := range p.FunctionResponseTypes {
		if name != "ReportBatchItemFailures" {
			return false, fmt.Errorf("FunctionResponseTypes: there is no %s", name)
		}
	}
	return len(p.FunctionResponseTypes) > 0, nil
}

func (p *mappingProperties) filters() []json.RawMessage {
	if len(p.FilterCriteria.Filters) == 0 {
		return nil
	}
	patterns := make([]json.RawMessage, 0, len(p.FilterCriteria.Filters))
	for _, filter := range p.FilterCriteria.Filters {
		patterns = append(patterns, json.RawMessage(filter.Pattern))
	}
	return patterns
}

func (b *builder) queueEvent(f *Function, name string, source json.RawMessage) error {
	var p struct {
		mappingProperties
		Queue         string `json:"Queue"`
		ScalingConfig struct {
			MaximumConcurrency number `json:"MaximumConcurrency"`
		} `json:"ScalingConfig"`
	}
	if err := json.Unmarshal(source, &p); err != nil {
		return err
	}
	id, err := b.expect("Queue", p.Queue, "Queue")
	if err != nil {
		return err
	}
	partial, err := p.partial()
	f.QueueEvents = append(f.QueueEvents, QueueEvent{
		Name: name, Queue: id, BatchSize: p.BatchSize.or(defaultQueueBatch), PartialFailures: partial,
		Window: seconds(p.MaximumBatchingWindowInSeconds), Filters: p.filters(),
		Concurrency: int(p.ScalingConfig.MaximumConcurrency), Enabled: enabled(p.Enabled, ""),
	})
	return err
}

func (b *builder) streamEvent(f *Function, name string, source json.RawMessage) error {
	var p struct {
		mappingProperties
		Stream                     string      `json:"Stream"`
		StartingPosition           string      `json:"StartingPosition"`
		BisectBatchOnFunctionError flag        `json:"BisectBatchOnFunctionError"`
		MaximumRetryAttempts       *number     `json:"MaximumRetryAttempts"`
		MaximumRecordAgeInSeconds  *number     `json:"MaximumRecordAgeInSeconds"`
		DestinationConfig          destination `json:"DestinationConfig"`
	}
	if err := json.Unmarshal(source, &p); err != nil {
		return err
	}
	if !slices.Contains([]string{"LATEST", "TRIM_HORIZON"}, p.StartingPosition) {
		return errors.New("StartingPosition: want LATEST or TRIM_HORIZON")
	}
	table, err := b.expect("Stream", p.Stream, "Table")
	if err != nil {
		return err
	}
	onFailure, err := b.optionalQueue("OnFailure", p.DestinationConfig.OnFailure.Destination)
	if err != nil {
		return err
	}
	partial, err := p.partial()
	f.Streams = append(f.Streams, StreamEvent{
		Name: name, Table: table, BatchSize: p.BatchSize.or(defaultStreamBatch), PartialFailures: partial,
		Window: seconds(p.MaximumBatchingWindowInSeconds), Bisect: bool(p.BisectBatchOnFunctionError),
		MaxRetries: p.MaximumRetryAttempts.or(-1), MaxAge: seconds(number(max(0, p.MaximumRecordAgeInSeconds.or(0)))),
		FromTip: p.StartingPosition == "LATEST", Filters: p.filters(), OnFailure: onFailure, Enabled: enabled(p.Enabled, ""),
	})
	return err
}

type queueProperties struct {
	FifoQueue                 flag     `json:"FifoQueue"`
	ContentBasedDeduplication flag     `json:"ContentBasedDeduplication"`
	VisibilityTimeout         *number  `json:"VisibilityTimeout"`
	DelaySeconds              number   `json:"DelaySeconds"`
	MessageRetentionPeriod    *number  `json:"MessageRetentionPeriod"`
	RedrivePolicy             document `json:"RedrivePolicy"`
}

func (b *builder) queue(id string, properties map[string]any) error {
	var p queueProperties
	if err := b.into(properties, &p); err != nil {
		return err
	}
	name, err := b.name(id)
	if err != nil {
		return err
	}
	q := Queue{
		ID: id, Name: name, ARN: b.arn(id, name), FIFO: bool(p.FifoQueue), ContentDedup: bool(p.ContentBasedDeduplication),
		Visibility: seconds(number(p.VisibilityTimeout.or(30))), Delay: seconds(p.DelaySeconds),
		Retention: seconds(number(p.MessageRetentionPeriod.or(345_600))),
	}
	if p.RedrivePolicy != nil {
		var policy struct {
			Target     string `json:"deadLetterTargetArn"`
			MaxReceive number `json:"maxReceiveCount"`
		}
		if err := json.Unmarshal(p.RedrivePolicy, &policy); err != nil {
			return fmt.Errorf("RedrivePolicy: %w", err)
		}
		if q.DeadLetter, err = b.expect("RedrivePolicy", policy.Target, "Queue"); err != nil {
			return err
		}
		if q.MaxReceive = int(policy.MaxReceive); q.MaxReceive < 1 || q.DeadLetter == id {
			return errors.New("RedrivePolicy: want another queue and a maxReceiveCount of at least 1")
		}
	}
	b.template.Queues = append(b.template.Queues, q)
	return nil
}
