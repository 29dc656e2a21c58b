package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/appmint/appengine/infra/local/eventbus"
	"github.com/appmint/appengine/infra/local/pattern"
	"github.com/appmint/appengine/infra/local/queue"
	"github.com/appmint/appengine/infra/local/schedule"
	"github.com/appmint/appengine/infra/local/stream"
	"github.com/appmint/appengine/infra/local/template"
)

// deliver returns how a target takes an event over.
func (s *Stack) deliver(to, group string) (func(context.Context, []byte) error, error) {
	if q, ok := s.queues[to]; ok {
		return func(ctx context.Context, event []byte) error {
			_, err := q.Send(ctx, queue.Message{Body: string(event), GroupID: group})
			return err
		}, nil
	}
	if f, ok := s.functions[to]; ok {
		return f.async.Deliver, nil
	}
	return nil, fmt.Errorf("target %s: neither a function nor a queue of the template", to)
}

// buildRules puts the template's EventBridge rules in force.
func (s *Stack) buildRules() error {
	for _, r := range s.template.Rules {
		rule := eventbus.Rule{Name: r.ID, Pattern: r.Pattern}
		for _, t := range r.Targets {
			deliver, err := s.deliver(t.To, t.GroupID)
			if err != nil {
				return fmt.Errorf("rule %s: %w", r.ID, err)
			}
			rule.Targets = append(rule.Targets, eventbus.Target{
				ID: t.ID, Input: t.Input, InputPath: t.InputPath, Deliver: deliver, DeadLetter: s.deadLetter(t.DeadLetter),
			})
		}
		if !r.Enabled {
			continue
		}
		if err := s.bus.Add(rule); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) deadLetter(id string) func(context.Context, []byte, error) error {
	q, ok := s.queues[id]
	if !ok {
		return nil
	}
	return func(ctx context.Context, event []byte, _ error) error {
		_, err := q.Send(ctx, queue.Message{Body: string(event)})
		return err
	}
}

// buildMappings feeds functions from queues and from the table's stream.
func (s *Stack) buildMappings() error {
	for _, f := range s.functions {
		for _, q := range f.QueueEvents {
			if !q.Enabled {
				continue
			}
			poller := &queue.Poller{
				Queue: s.queues[q.Queue], Invoker: f.invoker, Timeout: f.Timeout, BatchSize: q.BatchSize, Window: q.Window,
				PartialFailures: q.PartialFailures, Concurrency: max(q.Concurrency, 1), Log: s.options.Log,
			}
			s.workers = append(s.workers, poller.Run)
		}
		for _, e := range f.Streams {
			if err := s.addStream(f, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Stack) addStream(f *running, e template.StreamEvent) error {
	filters, err := compile(e.Filters)
	if err != nil {
		return fmt.Errorf("stream of %s: %w", f.ID, err)
	}
	mapping := &stream.Mapping{
		Name: f.ID + "-" + e.Name, Source: newChanges(s.table, filters), Cursors: s.cursors(), Invoker: f.invoker, Timeout: f.Timeout,
		BatchSize: e.BatchSize, Filters: filters, PartialFailures: e.PartialFailures, Bisect: e.Bisect, MaxRetries: e.MaxRetries,
		MaxAge: e.MaxAge, FunctionARN: f.ARN, Log: s.options.Log,
	}
	if q, ok := s.queues[e.OnFailure]; ok {
		mapping.OnFailure = func(ctx context.Context, body []byte) error {
			_, err := q.Send(ctx, queue.Message{Body: string(body)})
			return err
		}
	}
	s.workers = append(s.workers, mapping.Run)
	return nil
}

func compile(sources []json.RawMessage) ([]*pattern.Pattern, error) {
	var filters []*pattern.Pattern
	for _, source := range sources {
		filter, err := pattern.Compile(source)
		if err != nil {
			return nil, err
		}
		filters = append(filters, filter)
	}
	return filters, nil
}

// buildSchedules starts the template's schedules.
func (s *Stack) buildSchedules() error {
	s.schedules = schedule.New(time.Now, s.options.Log)
	for _, e := range s.template.Schedules {
		for _, t := range e.Targets {
			if err := s.addSchedule(e, t); err != nil {
				return fmt.Errorf("schedule %s: %w", e.ID, err)
			}
		}
	}
	s.workers = append(s.workers, s.schedules.Run)
	return nil
}

func (s *Stack) addSchedule(e template.Schedule, t template.Target) error {
	expression, err := schedule.Parse(e.Expression, e.Zone)
	if err != nil || !e.Enabled {
		return err
	}
	deliver, err := s.deliver(t.To, t.GroupID)
	if err != nil {
		return err
	}
	origin := schedule.Origin{Name: e.Name, Account: account, Region: region, Scheduler: e.Scheduler, Input: t.Input}
	return s.schedules.Add(schedule.Entry{
		Name: e.ID + "/" + t.ID, Expression: expression, Start: e.Start, End: e.End,
		Fire: func(ctx context.Context, at time.Time) error {
			event, err := origin.Event(at)
			if err != nil {
				return err
			}
			return deliver(ctx, event)
		},
	})
}
