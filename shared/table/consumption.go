package table

import (
	"context"
	"sync"
)

// Consumption adds up what the table calls made under one context cost: reads
// in units of 4 KB (half when eventually consistent), writes in units of 1 KB
// (double in a transaction), index writes included. DynamoDB reports its own
// figures; the embedded engine reckons with the same rules, taking the JSON
// text's length for the document's size. Safe for concurrent use.
type Consumption struct {
	parent *Consumption
	mu     sync.Mutex
	calls  int
	read   float64
	write  float64
}

type consumptionKey struct{}

// WithConsumption returns a context whose table calls are added up. A context
// inside another one adds to both.
func WithConsumption(ctx context.Context) (context.Context, *Consumption) {
	parent, _ := ctx.Value(consumptionKey{}).(*Consumption)
	c := &Consumption{parent: parent}
	return context.WithValue(ctx, consumptionKey{}, c), c
}

// Consume is for adapters: it adds calls to the table, read units and write
// units to the context's Consumption, if it has one.
func Consume(ctx context.Context, calls int, read, write float64) {
	c, _ := ctx.Value(consumptionKey{}).(*Consumption)
	for ; c != nil; c = c.parent {
		c.mu.Lock()
		c.calls += calls
		c.read += read
		c.write += write
		c.mu.Unlock()
	}
}

// Calls is the number of calls to the table, repeats and further pages included.
func (c *Consumption) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// ReadUnits is the sum of read capacity units.
func (c *Consumption) ReadUnits() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

// WriteUnits is the sum of write capacity units.
func (c *Consumption) WriteUnits() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.write
}
