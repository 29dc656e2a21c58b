package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/appmint/appengine/infra/local/pattern"
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
//
// It implements stream.Prefiltered.
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

// Prefilters says whether the filters ask for exactly what is yielded anyway.
func (c *changes) Prefilters(filters []*pattern.Pattern) bool {
	item := table.Item{Key: table.Key{Part: "org#datatype", Sort: "id"}, Doc: table.Doc(`{}`)}
	loud := item
	loud.Outbox = table.Doc(`[]`)
	return len(filters) > 0 && !passes(filters, &item) && passes(filters, &loud)
}

func passes(filters []*pattern.Pattern, item *table.Item) bool {
	event, err := pattern.Decode(wire.Record(table.Change{ID: "1", Key: item.Key, New: item}))
	return err == nil && slices.ContainsFunc(filters, func(f *pattern.Pattern) bool { return f.Match(event) })
}

func announces(c table.Change) bool { return c.New != nil && len(c.New.Outbox) > 0 }

// linger is how long news are let gather before they are read: reading the
// stream once per write would cost more than the write.
const linger = 10 * time.Millisecond

// Wait implements stream.Source.
func (c *changes) Wait(ctx context.Context) error {
	last, _ := c.last.Load().(string)
	if err := c.table.Wait(ctx, last); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(linger):
		return nil
	}
}

// cursors remembers how far each mapping has come.
func (b *Backend) cursors() stream.Cursors {
	if b.options.DataDir == "" {
		return &stream.MemoryCursors{}
	}
	c := &cursorFiles{backend: b, cursors: map[string]string{}, written: map[string]time.Time{}}
	b.closers = append(b.closers, c.close)
	return c
}

// cursorFiles keeps one small file per mapping, written a few times a second at
// most and when the backend closes. A cursor that is lost or late has changes
// delivered again, which consumers do not mind.
type cursorFiles struct {
	backend *Backend
	mu      sync.Mutex
	cursors map[string]string
	written map[string]time.Time
}

// saveEvery is how often a cursor is written to its file.
const saveEvery = 250 * time.Millisecond

func (c *cursorFiles) path(name string) string {
	return c.backend.path("cursor-" + strings.ReplaceAll(name, "/", "-"))
}

// Load implements stream.Cursors.
func (c *cursorFiles) Load(_ context.Context, name string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cursor, ok := c.cursors[name]; ok {
		return cursor, nil
	}
	text, err := os.ReadFile(c.path(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read cursor: %w", err)
	}
	c.cursors[name] = string(text)
	return string(text), nil
}

// Save implements stream.Cursors.
func (c *cursorFiles) Save(_ context.Context, name, cursor string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursors[name] = cursor
	if time.Since(c.written[name]) < saveEvery {
		return nil
	}
	c.written[name] = time.Now()
	return c.write(name)
}

func (c *cursorFiles) write(name string) error {
	path := c.path(name)
	if err := os.WriteFile(path+".new", []byte(c.cursors[name]), 0o600); err != nil {
		return fmt.Errorf("keep cursor: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keep cursor: %w", err)
	}
	return nil
}

// close writes every cursor as it is.
func (c *cursorFiles) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	failed := make([]error, 0, len(c.cursors))
	for name := range c.cursors {
		failed = append(failed, c.write(name))
	}
	return errors.Join(failed...)
}
