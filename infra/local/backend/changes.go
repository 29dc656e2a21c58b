package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"

	"github.com/appmint/appengine/infra/local/pattern"
	"github.com/appmint/appengine/infra/local/stream"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
	wire "github.com/appmint/appengine/shared/table/stream"
)

// changes is the table's stream in DynamoDB's words.
type changes struct {
	table *embedded.Engine
	last  atomic.Value // the cursor that was read last
	// quiet says that the mapping's filters drop every change that announces
	// nothing, so that such changes (most: counters, sessions) need not be
	// written out only to be dropped.
	quiet bool
}

func newChanges(t *embedded.Engine, filters []*pattern.Pattern) *changes {
	c := &changes{table: t, quiet: len(filters) > 0}
	silent := table.Change{ID: "1", Key: table.Key{Part: "a#b", Sort: "c"}, New: &table.Item{Doc: table.Doc(`{}`)}}
	event, err := pattern.Decode(wire.Record(silent))
	for _, f := range filters {
		c.quiet = c.quiet && err == nil && !f.Match(event)
	}
	return c
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
			if !c.quiet || announces(change) {
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
func (s *Stack) cursors() stream.Cursors {
	if s.options.DataDir == "" {
		return &stream.MemoryCursors{}
	}
	return cursorFiles{s}
}

// cursorFiles keeps one small file per mapping. A cursor that is lost or late
// has changes delivered again, which consumers do not mind.
type cursorFiles struct{ stack *Stack }

// Load implements stream.Cursors.
func (c cursorFiles) Load(_ context.Context, name string) (string, error) {
	text, err := os.ReadFile(c.stack.path("cursor-" + name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}

// Save implements stream.Cursors.
func (c cursorFiles) Save(_ context.Context, name, cursor string) error {
	path := c.stack.path("cursor-" + name)
	if err := os.WriteFile(path+".new", []byte(cursor), 0o600); err != nil {
		return fmt.Errorf("keep cursor: %w", err)
	}
	return os.Rename(path+".new", path)
}
