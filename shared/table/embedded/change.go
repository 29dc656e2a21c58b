package embedded

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/cockroachdb/pebble/v2"

	"github.com/appmint/appengine/shared/table"
)

// changeBytes bounds what one call of Changes returns, as DynamoDB does.
const changeBytes = 1 << 20

// Changes returns up to limit changes that came after the change with that ID,
// or the oldest ones of the window when after is empty, and the ID to go on
// from. The order is one for the whole table. Only durable changes are shown.
func (e *Engine) Changes(ctx context.Context, after string, limit int) (changes []table.Change, next string, err error) {
	from, err := parseChangeID(after)
	if err != nil {
		return nil, after, err
	}
	if err := e.enter(ctx); err != nil {
		return nil, after, err
	}
	defer e.close.RUnlock()
	it, err := e.db.NewIterWithContext(ctx, &pebble.IterOptions{
		LowerBound: changeKey(from + 1),
		UpperBound: changeKey(e.synced.Load() + 1),
	})
	if err != nil {
		return nil, after, fmt.Errorf("read changes: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	next = after
	size := 0
	for valid := it.First(); valid && len(changes) < limit && size < changeBytes; valid = it.Next() {
		raw, err := it.ValueAndErr()
		if err != nil {
			return nil, after, fmt.Errorf("read changes: %w", err)
		}
		next = changeID(binary.BigEndian.Uint64(it.Key()[1:]))
		c, err := parseChange(next, raw)
		if err != nil {
			return nil, after, err
		}
		changes = append(changes, c)
		size += len(raw)
	}
	return changes, next, it.Error()
}

// Latest returns the ID of the newest change, for a consumer that wants to see
// only what comes from now on; it is empty when there was none yet.
func (e *Engine) Latest() string {
	if last := e.synced.Load(); last > 0 {
		return changeID(last)
	}
	return ""
}

// Wait returns when there is a change after the one with that ID, or with the
// context's error, or when the engine is closed.
func (e *Engine) Wait(ctx context.Context, after string) error {
	from, err := parseChangeID(after)
	if err != nil {
		return err
	}
	for {
		e.wakeMu.Lock()
		wake := e.wake
		e.wakeMu.Unlock()
		if e.synced.Load() > from {
			return nil
		}
		select {
		case <-wake:
		case <-e.done:
			if e.synced.Load() > from {
				return nil
			}
			return fmt.Errorf("table: %w", os.ErrClosed)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *Engine) announce(sequence uint64) {
	e.synced.Store(sequence)
	e.wakeMu.Lock()
	defer e.wakeMu.Unlock()
	close(e.wake)
	e.wake = make(chan struct{})
}

// changeID is fixed in width, so that texts compare as the numbers do.
func changeID(sequence uint64) string { return fmt.Sprintf("%016x", sequence) }

func parseChangeID(id string) (uint64, error) {
	if id == "" {
		return 0, nil
	}
	sequence, err := strconv.ParseUint(id, 16, 63)
	if err != nil || len(id) != 16 {
		return 0, table.ErrCursor
	}
	return sequence, nil
}

// lastChange finds where the stream ended; the newest change is never trimmed.
func (e *Engine) lastChange() (sequence uint64, err error) {
	it, err := e.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{spaceChange},
		UpperBound: []byte{spaceChange + 1},
	})
	if err != nil {
		return 0, fmt.Errorf("read changes: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	if it.Last() {
		sequence = binary.BigEndian.Uint64(it.Key()[1:])
	}
	return sequence, it.Error()
}
