// Package stream feeds a function from a table's change stream as Lambda's
// event source mapping for DynamoDB streams does: in order, one batch in
// flight per shard, with filters, partial failures, bisection, a limit of
// retries and an on-failure queue.
package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/appmint/appengine/infra/local/pattern"
)

// Source is one shard of a change stream. Records are DynamoDB stream records
// as JSON, each with dynamodb.SequenceNumber; cursors are opaque.
type Source interface {
	// Changes returns up to limit records after a cursor, and the cursor after
	// the last of them. An empty cursor means the beginning. Without news it
	// returns no records at once.
	Changes(ctx context.Context, after string, limit int) (records []json.RawMessage, next string, err error)
	// Wait returns when there may be news since the last Changes, or with
	// ctx's error.
	Wait(ctx context.Context) error
}

// Prefiltered is a Source that can check filters more cheaply than by decoding
// every record. When Prefilters answers true, it yields only records that pass
// them, and the mapping does not check again.
type Prefiltered interface {
	Source
	Prefilters(filters []*pattern.Pattern) bool
}

// Cursors remembers how far each mapping has come.
type Cursors interface {
	// Load returns the cursor, empty when there is none yet.
	Load(ctx context.Context, name string) (string, error)
	// Save replaces the cursor.
	Save(ctx context.Context, name, cursor string) error
}

// MemoryCursors forgets with the process: records are then delivered again.
type MemoryCursors struct {
	mu      sync.Mutex
	cursors map[string]string
}

// Load returns the cursor of a mapping.
func (m *MemoryCursors) Load(_ context.Context, name string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursors[name], nil
}

// Save replaces the cursor of a mapping.
func (m *MemoryCursors) Save(_ context.Context, name, cursor string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cursors == nil {
		m.cursors = map[string]string{}
	}
	m.cursors[name] = cursor
	return nil
}

// record is what a mapping needs to know of a stream record.
type record struct {
	source   json.RawMessage
	sequence string
	created  float64 // seconds since 1970; 0 when the record doesn't say
	position int     // among the records that were read, filtered ones included
}

func parse(source json.RawMessage, position int) (record, error) {
	var fields struct {
		DynamoDB struct {
			SequenceNumber string  `json:"SequenceNumber"`
			Created        float64 `json:"ApproximateCreationDateTime"`
		} `json:"dynamodb"`
	}
	if err := json.Unmarshal(source, &fields); err != nil {
		return record{}, fmt.Errorf("stream record: %w", err)
	}
	if fields.DynamoDB.SequenceNumber == "" {
		return record{}, fmt.Errorf("stream record %d has no sequence number", position)
	}
	return record{
		source: source, sequence: fields.DynamoDB.SequenceNumber, created: fields.DynamoDB.Created, position: position,
	}, nil
}
