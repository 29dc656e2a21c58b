// Package eventbus is EventBridge's event bus on one machine: entries become
// events, rules choose them by pattern, targets receive them.
//
// As on AWS a target is handed the event and Put does not wait for what it
// does with it; order among events is not promised.
package eventbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/appmint/appengine/infra/local/pattern"
)

// The quotas of one Put.
const (
	MaxEntries  = 10
	MaxPutBytes = 256 << 10 // of all entries together
)

// Entry is one event to put. Detail must be a JSON object; a zero Time means now.
type Entry struct {
	Source     string
	DetailType string
	Detail     json.RawMessage
	Time       time.Time
	Resources  []string
}

// Result answers for the entry at the same position: either the event's id,
// or why the entry was refused.
type Result struct {
	EventID      string
	ErrorCode    string
	ErrorMessage string
}

// Event is the envelope that targets receive as JSON.
type Event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"` // RFC 3339 in UTC, whole seconds
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Config is what a bus needs. Now and NewID are required; Watch, when set,
// sees every accepted event before the targets do and must not block.
type Config struct {
	Account string
	Region  string
	Now     func() time.Time
	NewID   func() string // a UUID on AWS
	Watch   func(event []byte)
}

// Bus is one event bus. It is safe for concurrent use.
type Bus struct {
	config Config
	mu     sync.RWMutex
	rules  []*rule
}

// New returns a bus without rules.
func New(config Config) *Bus { return &Bus{config: config} }

// Put offers up to ten entries and answers each. The error is about the call
// as a whole: too many entries, too many bytes, or a target that could not
// take an event and had no dead-letter queue that could.
func (b *Bus) Put(ctx context.Context, entries []Entry) ([]Result, error) {
	if err := checkSize(entries); err != nil {
		return nil, err
	}
	results := make([]Result, len(entries))
	var failures []error
	for i, entry := range entries {
		if code, message := refuse(entry); code != "" {
			results[i] = Result{ErrorCode: code, ErrorMessage: message}
			continue
		}
		event := b.event(entry)
		results[i].EventID = event.ID
		if err := b.Publish(ctx, event); err != nil {
			failures = append(failures, err)
		}
	}
	return results, errors.Join(failures...)
}

// Publish hands an event with its envelope to the rules that match it; Put
// and scheduled rules meet here.
func (b *Bus) Publish(ctx context.Context, event Event) error {
	source, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if b.config.Watch != nil {
		b.config.Watch(source)
	}
	rules := b.possible(event)
	if len(rules) == 0 {
		return nil
	}
	decoded, err := pattern.Decode(source)
	if err != nil {
		return err
	}
	var failures []error
	for _, rule := range rules {
		if rule.pattern.Match(decoded) {
			failures = append(failures, rule.deliver(ctx, source, decoded))
		}
	}
	return errors.Join(failures...)
}

// possible returns the rules that an event's envelope does not rule out: for
// most events of a busy bus there are none.
func (b *Bus) possible(event Event) []*rule {
	b.mu.RLock()
	defer b.mu.RUnlock()
	envelope := map[string]any{"detail-type": event.DetailType, "source": event.Source}
	var rules []*rule
	for _, rule := range b.rules {
		if rule.pattern.Possible(envelope) {
			rules = append(rules, rule)
		}
	}
	return rules
}

func (b *Bus) event(entry Entry) Event {
	at := entry.Time
	if at.IsZero() {
		at = b.config.Now()
	}
	resources := entry.Resources
	if resources == nil {
		resources = []string{}
	}
	return Event{
		Version: "0", ID: b.config.NewID(), DetailType: entry.DetailType, Source: entry.Source,
		Account: b.config.Account, Time: at.UTC().Format(time.RFC3339), Region: b.config.Region,
		Resources: resources, Detail: entry.Detail,
	}
}

func checkSize(entries []Entry) error {
	if len(entries) == 0 || len(entries) > MaxEntries {
		return fmt.Errorf("put events: %d entries, want 1 to %d", len(entries), MaxEntries)
	}
	total := 0
	for _, entry := range entries {
		total += entry.size()
	}
	if total > MaxPutBytes {
		return fmt.Errorf("put events: %d bytes, the limit is %d", total, MaxPutBytes)
	}
	return nil
}

// size counts as the service does: 14 bytes for a time, the rest by length.
func (e Entry) size() int {
	size := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if !e.Time.IsZero() {
		size += 14
	}
	for _, resource := range e.Resources {
		size += len(resource)
	}
	return size
}

func refuse(entry Entry) (code, message string) {
	switch {
	case entry.Source == "":
		return "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."
	case strings.HasPrefix(entry.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case entry.DetailType == "":
		return "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."
	case !isObject(entry.Detail):
		return "MalformedDetail", "Detail is malformed."
	default:
		return "", ""
	}
}

func isObject(detail json.RawMessage) bool {
	return json.Valid(detail) && strings.HasPrefix(strings.TrimLeft(string(detail), " \t\r\n"), "{")
}
