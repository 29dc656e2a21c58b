package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// tidyLimit bounds how much of each kind one tidying removes, so that writes
// never wait long for it.
const tidyLimit = 256

// Sweep removes a bounded number of expired items, each with a change of its
// own like DynamoDB's TTL deletion, changes older than table.StreamWindow, and
// forgotten tokens. The engine does so by itself every second.
func (e *Engine) Sweep(ctx context.Context) error {
	_, err := e.submit(ctx, &request{tidy: true})
	return err
}

func (g *group) tidy() error {
	if err := g.removeExpired(); err != nil {
		return err
	}
	if err := g.trimChanges(); err != nil {
		return err
	}
	return g.forgetTokens()
}

// scan visits up to tidyLimit rows of a key space; the slices last for the call.
func (g *group) scan(space byte, visit func(key, value []byte) (more bool, err error)) (err error) {
	it, err := g.db.NewIter(&pebble.IterOptions{LowerBound: []byte{space}, UpperBound: []byte{space + 1}})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	seen := 0
	for valid := it.First(); valid && seen < tidyLimit; valid = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		more, err := visit(it.Key(), value)
		if err != nil || !more {
			return err
		}
		seen++
	}
	return it.Error()
}

func (g *group) removeExpired() error {
	return g.scan(spaceExpiry, func(key, _ []byte) (bool, error) {
		seconds := int64(binary.BigEndian.Uint64(key[1:9])) //nolint:gosec // was written from an int64
		if eval.Live(seconds, g.now) {
			return false, nil
		}
		item, err := parseItemKey(key[8:])
		if err != nil {
			return false, err
		}
		s := step{op: table.Delete{Key: item}, key: itemKey(item)}
		old, err := g.current(s.key)
		if err != nil {
			return false, err
		}
		// This group may have replaced the item since the row was committed.
		if old == nil || eval.Live(parseExpiry(old), g.now) {
			return true, nil
		}
		if err := g.store(s, outcome{old: old}); err != nil {
			g.damaged = err
			return false, err
		}
		return true, nil
	})
}

// trimChanges keeps the newest change whatever its age: it holds the sequence
// number.
func (g *group) trimChanges() error {
	var end []byte
	err := g.scan(spaceChange, func(key, value []byte) (bool, error) {
		nanoseconds, _ := binary.Varint(value)
		if g.now.Sub(time.Unix(0, nanoseconds)) <= table.StreamWindow {
			return false, nil
		}
		if binary.BigEndian.Uint64(key[1:]) < g.sequence {
			end = append(bytes.Clone(key), 0)
		}
		return true, nil
	})
	if err != nil || end == nil {
		return err
	}
	if err := g.batch.DeleteRange([]byte{spaceChange}, end, nil); err != nil {
		g.damaged = fmt.Errorf("trim changes: %w", err)
	}
	return g.damaged
}

// forgetTokens goes by the rows that list tokens by age.
func (g *group) forgetTokens() error {
	return g.scan(spaceAge, func(key, _ []byte) (bool, error) {
		at := time.Unix(0, int64(binary.BigEndian.Uint64(key[1:9]))) //nolint:gosec // was written from an int64
		if g.now.Sub(at) < tokenWindow {
			return false, nil
		}
		token := string(key[9:])
		used, err := g.repeated(token)
		if err == nil && !used {
			err = g.batch.Delete(tokenKey(token), nil)
		}
		if err == nil {
			err = g.batch.Delete(key, nil)
		}
		if err != nil {
			g.damaged = fmt.Errorf("forget token: %w", err)
		}
		return g.damaged == nil, g.damaged
	})
}
