package stack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/appmint/appengine/infra/local/eventbus"
	"github.com/appmint/appengine/infra/local/httpapi"
	"github.com/appmint/appengine/infra/local/schedule"
	"github.com/appmint/appengine/infra/local/template"
)

func (s *Stack) addRules() error {
	for _, rule := range s.options.Template.Rules {
		if !rule.Enabled {
			continue
		}
		prepared := eventbus.Rule{Name: rule.ID, Pattern: rule.Pattern}
		for _, t := range rule.Targets {
			deliver, err := s.deliverer(t)
			if err != nil {
				return fmt.Errorf("%s: %w", rule.ID, err)
			}
			target := eventbus.Target{ID: t.ID, Input: t.Input, InputPath: t.InputPath, Deliver: deliver}
			if to := s.Queues[t.DeadLetter]; to != nil {
				keep := sender(to, t.GroupID)
				target.DeadLetter = func(ctx context.Context, event []byte, cause error) error {
					s.options.Log.WarnContext(ctx, "event goes to the dead-letter queue",
						slog.String("rule", rule.ID), slog.Any("error", cause))
					return keep(ctx, event)
				}
			}
			prepared.Targets = append(prepared.Targets, target)
		}
		if err := s.Bus(rule.Bus).Add(prepared); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) addSchedules() error {
	for _, declared := range s.options.Template.Schedules {
		if !declared.Enabled {
			continue
		}
		expression, err := schedule.Parse(declared.Expression, declared.Zone)
		if err != nil {
			return fmt.Errorf("%s: %w", declared.ID, err)
		}
		for _, t := range declared.Targets {
			if err := s.addSchedule(declared, t, expression); err != nil {
				return fmt.Errorf("%s: %w", declared.ID, err)
			}
		}
	}
	return nil
}

// addSchedule plans one target. One that will never fire again, because its
// time has passed, is left out and not an error: the template stays.
func (s *Stack) addSchedule(declared template.Schedule, t template.Target, expression schedule.Expression) error {
	deliver, err := s.deliverer(t)
	if err != nil {
		return err
	}
	now := s.options.Now()
	if next := expression.Next(now, now); next.IsZero() || (!declared.End.IsZero() && next.After(declared.End)) {
		return nil
	}
	origin := schedule.Origin{
		Name: declared.Name, Account: s.options.Settings.AccountID, Region: s.options.Settings.Region,
		Scheduler: declared.Scheduler, Input: t.Input,
	}
	return s.Schedules.Add(schedule.Entry{
		Name: declared.ID + "/" + t.ID, Expression: expression, Start: declared.Start, End: declared.End,
		Fire: func(ctx context.Context, at time.Time) error {
			event, err := origin.Event(at)
			if err != nil {
				return err
			}
			return deliver(ctx, event)
		},
	})
}

func (s *Stack) addAPIs() error {
	for _, api := range s.options.Template.HTTPAPIs {
		config := httpapi.Config{
			APIID: strings.ToLower(api.ID), AccountID: s.options.Settings.AccountID, Region: s.options.Settings.Region,
			Domain: s.options.Domain, Stage: api.Stage, CORS: (*httpapi.CORS)(api.CORS), Now: s.options.Now,
			Fail: func(r *http.Request, err error) {
				s.options.Log.ErrorContext(r.Context(), "request failed", slog.String("method", r.Method),
					slog.String("path", r.URL.Path), slog.Any("error", err))
			},
		}
		for _, route := range api.Routes {
			config.Routes = append(config.Routes, s.route(api, route))
		}
		gateway, err := httpapi.New(config)
		if err != nil {
			return fmt.Errorf("%s: %w", api.ID, err)
		}
		s.APIs[api.ID] = gateway
	}
	return nil
}

func (s *Stack) route(api template.HTTPAPI, declared template.Route) httpapi.Route {
	route := httpapi.Route{
		Key: declared.Key, Invoker: s.Functions[declared.Function], Timeout: declared.Timeout,
		Lambda: s.functions[declared.Function].Timeout,
	}
	if declared.Authorizer != "" {
		a := api.Authorizers[declared.Authorizer]
		route.Authorizer = &httpapi.Authorizer{Invoker: s.Functions[a.Function], IdentitySource: a.IdentitySource}
	}
	return route
}
