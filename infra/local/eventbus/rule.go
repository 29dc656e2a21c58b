package eventbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appmint/appengine/infra/local/pattern"
)

// Rule chooses events by pattern and names who gets them.
type Rule struct {
	Name    string
	Pattern []byte // JSON
	Targets []Target
}

// Target is one receiver of a rule's events.
type Target struct {
	ID string

	// Input replaces the event by a constant; InputPath, such as
	// $.detail.order, by a part of it. At most one of them is set.
	Input     json.RawMessage
	InputPath string

	// Deliver takes the event over: it puts it in a queue or starts an
	// asynchronous invocation. DeadLetter, when set, gets what Deliver refused.
	Deliver    func(ctx context.Context, event []byte) error
	DeadLetter func(ctx context.Context, event []byte, cause error) error
}

type rule struct {
	name    string
	pattern *pattern.Pattern
	targets []target
}

type target struct {
	Target
	path []string
}

// Add compiles a rule and puts it in force. It refuses malformed patterns and
// input paths, naming the rule.
func (b *Bus) Add(source Rule) error {
	compiled, err := pattern.Compile(source.Pattern)
	if err != nil {
		return fmt.Errorf("rule %s: %w", source.Name, err)
	}
	r := &rule{name: source.Name, pattern: compiled}
	for _, t := range source.Targets {
		path, err := parsePath(t)
		if err != nil {
			return fmt.Errorf("rule %s: target %s: %w", source.Name, t.ID, err)
		}
		r.targets = append(r.targets, target{Target: t, path: path})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = append(slices.Clone(b.rules), r)
	return nil
}

// parsePath accepts $ and dotted member names, the part of JSONPath that
// EventBridge documents without indexes.
func parsePath(t Target) ([]string, error) {
	if t.Deliver == nil {
		return nil, errors.New("nobody to deliver to")
	}
	if t.InputPath == "" || t.InputPath == "$" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(t.InputPath, "$.")
	if !ok || t.Input != nil || strings.ContainsAny(rest, "[]*") {
		return nil, fmt.Errorf("input path %q: want $ or $.a.b, and no constant input beside it", t.InputPath)
	}
	return strings.Split(rest, "."), nil
}

func (r *rule) deliver(ctx context.Context, source []byte, decoded any) error {
	var failures []error
	for i := range r.targets {
		if err := r.targets[i].deliver(ctx, source, decoded); err != nil {
			failures = append(failures, fmt.Errorf("rule %s: target %s: %w", r.name, r.targets[i].ID, err))
		}
	}
	return errors.Join(failures...)
}

func (t *target) deliver(ctx context.Context, source []byte, decoded any) error {
	input, err := t.input(source, decoded)
	if err != nil {
		return err
	}
	cause := t.Deliver(ctx, input)
	if cause == nil || t.DeadLetter == nil {
		return cause
	}
	return t.DeadLetter(ctx, input, cause)
}

// input is what the target sees: the event, a part of it or a constant. A
// part that the event lacks is null.
func (t *target) input(source []byte, decoded any) ([]byte, error) {
	if t.Input != nil {
		return t.Input, nil
	}
	if t.path == nil {
		return source, nil
	}
	for _, name := range t.path {
		members, ok := decoded.(map[string]any)
		if !ok {
			decoded = nil
			break
		}
		decoded = members[name]
	}
	part, err := json.Marshal(decoded)
	if err != nil {
		return nil, fmt.Errorf("input path: %w", err)
	}
	return part, nil
}
