package tabletest

import (
	"context"
	"errors"
	"sync"

	"github.com/appmint/appengine/shared/table"
)

// Broken returns a table that fails every call with an error that is not a
// fault, so that a module's answer to an internal failure can be tested.
func Broken() table.Table { return broken{} }

type broken struct{}

func broke() error { return errors.New("the table is broken on purpose: secret detail") }

func (broken) Get(context.Context, table.Key) (table.Item, error)          { return table.Item{}, broke() }
func (broken) BatchGet(context.Context, []table.Key) ([]table.Item, error) { return nil, broke() }
func (broken) Query(context.Context, table.Query) (table.Page, error)      { return table.Page{}, broke() }

func (broken) Write(context.Context, table.Op) (table.Item, error) { return table.Item{}, broke() }
func (broken) Transact(context.Context, string, ...table.Op) error { return broke() }

// Calls is how often each method of a table was called.
type Calls struct {
	Get, BatchGet, Query, Write, Transact int
}

// Total adds them up.
func (c Calls) Total() int { return c.Get + c.BatchGet + c.Query + c.Write + c.Transact }

// Counter is a table that counts the calls it passes on.
type Counter struct {
	table table.Table
	mu    sync.Mutex
	calls Calls
}

// Counting wraps a table, for tests that hold a budget of calls.
func Counting(t table.Table) *Counter { return &Counter{table: t} }

// Calls returns the counts since the start or the last Reset.
func (c *Counter) Calls() Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// Reset returns the counts and starts again from zero.
func (c *Counter) Reset() Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = Calls{}
	return calls
}

func (c *Counter) count(add func(*Calls)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(&c.calls)
}

// Get implements table.Table.
func (c *Counter) Get(ctx context.Context, key table.Key) (table.Item, error) {
	c.count(func(n *Calls) { n.Get++ })
	return c.table.Get(ctx, key)
}

// BatchGet implements table.Table.
func (c *Counter) BatchGet(ctx context.Context, keys []table.Key) ([]table.Item, error) {
	c.count(func(n *Calls) { n.BatchGet++ })
	return c.table.BatchGet(ctx, keys)
}

// Query implements table.Table.
func (c *Counter) Query(ctx context.Context, q table.Query) (table.Page, error) {
	c.count(func(n *Calls) { n.Query++ })
	return c.table.Query(ctx, q)
}

// Write implements table.Table.
func (c *Counter) Write(ctx context.Context, op table.Op) (table.Item, error) {
	c.count(func(n *Calls) { n.Write++ })
	return c.table.Write(ctx, op)
}

// Transact implements table.Table.
func (c *Counter) Transact(ctx context.Context, token string, ops ...table.Op) error {
	c.count(func(n *Calls) { n.Transact++ })
	return c.table.Transact(ctx, token, ops...)
}
