// Package relay publishes what was committed: it reads the table's change
// stream, takes the events that ride on each write, and puts them on the bus in
// the order of the writes. What is committed is announced, what is not committed
// is not.
package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	r := relay{bus: deps.Bus, table: deps.Table}
	return app.Module{
		Name:    "relay",
		Summary: "Publishes the events of committed writes from the table's stream to the bus.",
		Changes: r.publish,
	}
}

type relay struct {
	bus   event.Bus
	table table.Table
}

// publish announces a batch with as few calls as the bus allows. When the bus
// refuses, it falls back to one change at a time, so that the stream starts
// again exactly at the first change that is not announced, and nothing before it
// is sent more often than needed.
func (r relay) publish(ctx context.Context, changes []table.Change) (done int, err error) {
	perChange := make([][]event.Envelope, len(changes))
	var all []event.Envelope
	for i, change := range changes {
		if perChange[i], err = r.envelopes(ctx, change); err != nil {
			return r.oneByOne(ctx, perChange[:i], fmt.Errorf("change %s: %w", change.ID, err))
		}
		all = append(all, perChange[i]...)
	}
	if r.bus.Publish(ctx, all) == nil {
		return len(changes), nil
	}
	return r.oneByOne(ctx, perChange, nil)
}

// envelopes are the events of one change. A document too large to travel in the
// stream is read from the table; it may have moved on by then, or be gone, in
// which case its events go without it.
func (r relay) envelopes(ctx context.Context, change table.Change) ([]event.Envelope, error) {
	if change.New != nil && len(change.New.Outbox) > 0 && len(change.New.Doc) == 0 {
		item, err := r.table.Get(ctx, change.Key)
		if err != nil && !errors.Is(err, table.ErrNotFound) {
			return nil, fmt.Errorf("read large document: %w", err)
		}
		complete := *change.New
		complete.Doc = item.Doc
		change.New = &complete
	}
	return repository.EnvelopeOf(change)
}

// oneByOne publishes change by change and says how many are announced; then is
// the error to end with when all of them are.
func (r relay) oneByOne(ctx context.Context, perChange [][]event.Envelope, then error) (done int, err error) {
	for i, events := range perChange {
		if len(events) == 0 {
			continue
		}
		if err := r.bus.Publish(ctx, events); err != nil {
			return i, fmt.Errorf("publish: %w", err)
		}
	}
	return len(perChange), then
}
