package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
)

// busEvent delivers one EventBridge event to the module's consumers of it. Every
// consumer is tried; the event is delivered again when one fails, which the
// others do not notice, since consumers are idempotent.
func (h *Handler) busEvent(ctx context.Context, payload []byte) error {
	var e struct {
		Detail event.Envelope `json:"detail"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	return h.Deliver(ctx, e.Detail)
}

// Deliver hands an envelope to the module's consumers of it, acting for the
// platform within the event's org.
func (h *Handler) Deliver(ctx context.Context, e event.Envelope) error {
	ctx = auth.With(ctx, auth.Platform(e.Org))
	var failed []error
	for _, c := range h.module.Consumers {
		if c.Event != e.Name {
			continue
		}
		if err := c.Handle(ctx, e); err != nil {
			h.log.ErrorContext(ctx, "consumer failed", "consumer", c.Name, "event", e.Name, "event_id", e.ID, "org", e.Org, "error", err.Error())
			failed = append(failed, fmt.Errorf("consumer %s: %w", c.Name, err))
		}
	}
	return errors.Join(failed...)
}

// queueBatch delivers the bus events of an SQS batch and reports the failed
// messages one by one, so that the others are not delivered again.
func (h *Handler) queueBatch(ctx context.Context, payload []byte) ([]byte, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, fmt.Errorf("decode queue batch: %w", err)
	}
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, message := range batch.Records {
		if err := h.busEvent(ctx, []byte(message.Body)); err != nil {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return marshalResponse(response)
}

func marshalResponse(response any) ([]byte, error) {
	text, err := json.Marshal(response)
	if err != nil {
		return nil, fmt.Errorf("encode response: %w", err)
	}
	return text, nil
}
