package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"github.com/appmint/appengine/infra/local/stream"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
	wire "github.com/appmint/appengine/shared/table/stream"
)

// changes is the table's stream in DynamoDB's words. Changes that announce
// nothing (most of them: counters, sessions) are left out here already: every
// mapping of the template filters them out, and writing them down only to drop
// them would cost more than the writes themselves. A test holds the template to
// that filter.
type changes struct {
	table *embedded.Engine
	last  atomic.Value // the cursor that was read last
}

// Changes implements stream.Source.
func (c *changes) Changes(ctx context.Context, after string, limit int) ([]json.RawMessage, string, error) {
	var records []json.RawMessage
	for {
		read, next, err := c.table.Changes(ctx, after, limit-len(records))
		if err != nil {
			return nil, after, err
		}
		for _, change := range read {
			if announces(change) {
				records = append(records, wire.Record(change))
			}
		}
		after = next
		c.last.Store(after)
		if len(read) == 0 || len(records) >= limit {
			return records, after, nil
		}
	}
}

func announces(c table.Change) bool { return c.New != nil && len(c.New.Outbox) > 0 }

// Wait implements stream.Source.
func (c *changes) Wait(ctx context.Context) error {
	last, _ := c.last.Load().(string)
	return c.table.Wait(ctx, last)
}

// cursors remembers how far each mapping has come.
func (b *Backend) cursors() stream.Cursors {
	if b.options.DataDir == "" {
		return &stream.MemoryCursors{}
	}
	return cursorFiles{b}
}

// cursorFiles keeps one small file per mapping. A cursor that is lost or late
// has changes delivered again, which consumers do not mind.
type cursorFiles struct{ backend *Backend }

func (c cursorFiles) path(name string) string {
	return c.backend.path("cursor-" + strings.ReplaceAll(name, "/", "-"))
}

// Load implements stream.Cursors.
func (c cursorFiles) Load(_ context.Context, name string) (string, error) {
	text, err := os.ReadFile(c.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// Save implements stream.Cursors.
func (c cursorFiles) Save(_ context.Context, name, cursor string) error {
	path := c.path(name)
	if err := os.WriteFile(path+".new", []byte(cursor), 0o600); err != nil {
		return fmt.Errorf("keep cursor: %w", err)
	}
	return os.Rename(path+".new", path)
}
