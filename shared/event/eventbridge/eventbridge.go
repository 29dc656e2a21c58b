// Package eventbridge publishes domain events to an Amazon EventBridge bus.
package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/appmint/appengine/shared/event"
)

// Limits of one PutEvents call.
const (
	entriesMax = 10
	bytesMax   = 256 << 10
	attempts   = 3
)

// Client is the part of the SDK's client that is used.
type Client interface {
	PutEvents(ctx context.Context, in *sdk.PutEventsInput, options ...func(*sdk.Options)) (*sdk.PutEventsOutput, error)
}

// Bus publishes to one event bus.
type Bus struct {
	client Client
	name   string
}

// New builds a publisher for the named bus.
func New(client Client, name string) *Bus { return &Bus{client: client, name: name} }

// Publish sends the events in order, as many per call as the limits allow. An
// entry that EventBridge refuses is sent again, with all after it, up to three
// times; an error leaves it to the caller to start again, which consumers,
// being idempotent, do not notice.
func (b *Bus) Publish(ctx context.Context, events []event.Envelope) error {
	entries := make([]types.PutEventsRequestEntry, 0, len(events))
	for _, e := range events {
		detail, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event %s: %w", e.ID, err)
		}
		entries = append(entries, types.PutEventsRequestEntry{
			EventBusName: aws.String(b.name), Source: aws.String(event.Source), DetailType: aws.String(e.Name),
			Detail: aws.String(string(detail)), Time: aws.Time(e.OccurredAt.Time),
		})
	}
	for len(entries) > 0 {
		n := fitting(entries)
		if err := b.put(ctx, entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// fitting says how many of the entries go into one call; at least one.
func fitting(entries []types.PutEventsRequestEntry) int {
	size := 0
	for i, e := range entries {
		size += len(*e.Detail) + len(*e.DetailType) + len(*e.Source) + 14 // 14 bytes for the time, by the service's rule
		if i == entriesMax || (i > 0 && size > bytesMax) {
			return i
		}
	}
	return len(entries)
}

func (b *Bus) put(ctx context.Context, entries []types.PutEventsRequestEntry) error {
	for range attempts {
		out, err := b.client.PutEvents(ctx, &sdk.PutEventsInput{Entries: entries})
		if err != nil {
			return fmt.Errorf("put events: %w", err)
		}
		failed := firstFailed(out.Entries)
		if failed < 0 {
			return nil
		}
		entries = entries[failed:]
	}
	return fmt.Errorf("put events: %d entries refused %d times", len(entries), attempts)
}

func firstFailed(results []types.PutEventsResultEntry) int {
	for i, r := range results {
		if r.ErrorCode != nil {
			return i
		}
	}
	return -1
}
