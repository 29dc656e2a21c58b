// Package event is how modules tell each other what happened. An event rides on
// the write it announces (the item's outbox), the relay publishes it once the
// write is committed, the bus delivers it at least once, and consumers are
// idempotent by its id.
package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// Source names this system on the bus.
const Source = "appengine"

// DepthMax is how many times events may cause events before the chain is cut.
const DepthMax = 10

// PayloadMax is the largest envelope the bus carries, in bytes (EventBridge's
// entry limit). Past it data becomes {pk, sk, datatype, version} with
// truncated: true, and consumers load the record themselves.
const PayloadMax = 256 << 10

// Actor is who caused an event.
type Actor struct {
	Type  string `json:"type"` // user, customer, app, key, guest, anonymous or system
	ID    string `json:"id,omitempty"`
	Email string `json:"email,omitempty"`
}

// ActorOf names a principal in events.
func ActorOf(p auth.Principal) Actor {
	return Actor{Type: string(p.Kind), ID: p.ID, Email: p.Email}
}

// Seed is an event as it waits in an outbox: all that the record itself does not
// say. The relay adds the record.
type Seed struct {
	ID      string          `json:"id"`
	Name    string          `json:"name"`
	At      record.Time     `json:"at"`
	Actor   Actor           `json:"actor"`
	Source  string          `json:"source,omitempty"` // api (default), import, form, automation, system or webhook
	Depth   int             `json:"depth,omitempty"`
	Changed []string        `json:"changed,omitempty"` // dotted paths
	Payload json.RawMessage `json:"payload,omitempty"` // domain members beside the envelope's: an object
}

// Envelope is an event on the bus. Both spellings of the org are sent, since
// consumers of both exist.
type Envelope struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Org        org.ID          `json:"orgid"`
	OrgID      org.ID          `json:"orgId"`
	OccurredAt record.Time     `json:"occurredAt"`
	Actor      Actor           `json:"actor"`
	Datatype   string          `json:"datatype,omitempty"`
	RecordID   string          `json:"recordId,omitempty"`
	Version    int64           `json:"version"`
	Data       json.RawMessage `json:"data,omitempty"`
	Previous   json.RawMessage `json:"previous,omitempty"`
	Changed    []string        `json:"changed,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"`
	Source     string          `json:"source"`
	Depth      int             `json:"depth"`
	Truncated  bool            `json:"truncated,omitempty"`
}

// Bus publishes envelopes; all or an error, in order.
type Bus interface {
	Publish(ctx context.Context, events []Envelope) error
}

// Outbox encodes seeds as an item's outbox.
func Outbox(seeds ...Seed) (table.Doc, error) {
	if len(seeds) == 0 {
		return nil, nil
	}
	doc, err := table.NewDoc(seeds)
	if err == nil && len(doc) > table.OutboxMax {
		return nil, fmt.Errorf("outbox of %s: %d bytes is over the limit", seeds[0].Name, len(doc))
	}
	return doc, err
}

// Declaration says that a module emits an event; the catalogue prints it.
type Declaration struct {
	Name    string // "book.borrowed" or one of the system names such as "collection-create"
	Summary string
}

// Emits declares an event.
func Emits(name, summary string) Declaration { return Declaration{Name: name, Summary: summary} }

// Consumer is a module's subscription to one event.
type Consumer struct {
	Name    string // unique within the module; names its idempotency markers
	Event   string
	Summary string
	Handle  func(ctx context.Context, e Envelope) error
}

// On subscribes a handler. It is called at least once per event, for one org
// per call; use Once to make its effect happen once.
func On(consumer, event, summary string, handle func(context.Context, Envelope) error) Consumer {
	return Consumer{Name: consumer, Event: event, Summary: summary, Handle: handle}
}

// seenFor is how long a consumer remembers an event id: longer than any queue
// keeps a message (14 days).
const seenFor = 15 * 24 * time.Hour

// Once performs a consumer's effect in one transaction with the marker that it
// has happened. A repeat of the event changes nothing and is no error.
func Once(ctx context.Context, t table.Tenant, consumer string, e Envelope, now time.Time, effect ...table.Op) error {
	marker := table.Put{
		Item: table.Item{
			Key:     table.Key{Part: "seen", Sort: consumer + "/" + e.ID},
			Doc:     table.Doc(`{}`),
			Expires: now.Add(seenFor),
		},
		If: table.ItemMissing{},
	}
	err := t.Transact(ctx, "", append([]table.Op{marker}, effect...)...)
	var refused *table.Refused
	if errors.As(err, &refused) && refused.Index == 0 {
		return nil
	}
	return err
}
