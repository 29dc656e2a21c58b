package invoke

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/shared/table/stream"
)

// streamBatch hands a batch of table changes to the module. When it stops early,
// the stream is told the first change that is not done, and delivers from there.
func (h *Handler) streamBatch(ctx context.Context, payload []byte) ([]byte, error) {
	changes, err := stream.Changes(payload)
	if err != nil {
		return nil, fmt.Errorf("read stream batch: %w", err)
	}
	response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	done, err := h.module.Changes(ctx, changes)
	if err != nil {
		h.log.ErrorContext(ctx, "stream batch stopped", "module", h.module.Name, "done", done, "of", len(changes), "error", err.Error())
		if done < len(changes) {
			response.BatchItemFailures = append(response.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: changes[done].ID})
		}
	}
	return marshalResponse(response)
}
