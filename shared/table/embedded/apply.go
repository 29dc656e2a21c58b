package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// tokenWindow is how long a transaction's token is remembered.
const tokenWindow = 10 * time.Minute

// outcome is what a step will do, decided before anything is written.
type outcome struct {
	old    []byte // the stored row, expired or not; nil when there is none
	new    []byte // the row afterwards; nil when there will be none
	result []byte
	write  bool
}

// perform decides all steps first and writes only when none is refused, so a
// failing request leaves nothing in the batch.
func (g *group) perform(req *request) error {
	if done, err := g.repeated(req.token); done || err != nil {
		return err
	}
	outcomes := make([]outcome, len(req.steps))
	for i, s := range req.steps {
		o, err := g.decide(s)
		req.writeUnit += units(s.op, o, req.transact)
		if err != nil {
			return located(err, i, req.transact)
		}
		outcomes[i] = o
	}
	for i, s := range req.steps {
		if outcomes[i].write {
			if err := g.store(s, outcomes[i]); err != nil {
				g.damaged = err
				return err
			}
		}
		req.results = append(req.results, result{row: outcomes[i].result})
	}
	return g.remember(req.token)
}

// located adds the operation's number to a refusal, and makes one of a missing
// item in a transaction.
func located(err error, i int, transact bool) error {
	var refused *table.Refused
	if errors.As(err, &refused) {
		refused.Index = i
		return err
	}
	if transact && errors.Is(err, table.ErrNotFound) {
		return &table.Refused{Index: i, Err: table.ErrNotFound}
	}
	return err
}

func (g *group) decide(s step) (outcome, error) {
	old, err := g.current(s.key)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{old: old}
	live := old
	if old != nil && !eval.Live(parseExpiry(old), g.now) {
		live = nil
	}
	var before row
	if live != nil {
		if before, err = parseRow(live); err != nil {
			return o, err
		}
	}
	modify, isModify := s.op.(table.Modify)
	if isModify && live == nil && !modify.Upsert {
		return o, table.ErrNotFound
	}
	if !s.cond.Holds(before.doc, live != nil) {
		return o, refusal(table.KeyOf(s.op), live)
	}
	return g.outcome(s, o, live, before)
}

func (g *group) outcome(s step, o outcome, live []byte, before row) (outcome, error) {
	switch op := s.op.(type) {
	case table.Put:
		o.new, o.result = s.row, s.row
	case table.Modify:
		after, err := modified(before, op)
		if err != nil {
			return o, err
		}
		o.new = after.encode()
		o.result = o.new
	case table.Delete:
		o.result = live
	case table.Check:
		o.new, o.result = o.old, live
		return o, nil
	}
	o.write = o.old != nil || o.new != nil
	return o, nil
}

func refusal(k table.Key, live []byte) error {
	if live == nil {
		return &table.Refused{}
	}
	item, err := decodeItem(k, live)
	if err != nil {
		return err
	}
	return &table.Refused{Old: &item}
}

func modified(before row, op table.Modify) (row, error) {
	doc, err := eval.Apply(before.doc, op)
	if err != nil {
		return row{}, err
	}
	after := row{expires: before.expires, index: before.index, outbox: before.outbox, doc: doc}
	if !op.Expires.IsZero() {
		after.expires = eval.ExpirySeconds(op.Expires)
	}
	if op.Outbox != nil {
		after.outbox = op.Outbox
	}
	if op.Index != nil {
		after.index = reindexed(before.index, op.Index)
	}
	return after, nil
}

func reindexed(before []indexed, changes map[string]string) []indexed {
	var values [indexes][]byte
	for _, x := range before {
		values[x.number] = x.value
	}
	for name, value := range changes {
		values[indexNumber(name)] = []byte(value)
	}
	var index []indexed
	for number, value := range values {
		if len(value) > 0 {
			index = append(index, indexed{number: byte(number), value: value})
		}
	}
	return index
}

// current returns the stored row as the group sees it, nil when there is none.
func (g *group) current(key []byte) ([]byte, error) {
	if raw, ok := g.pending[string(key)]; ok {
		return raw, nil
	}
	raw, closer, err := g.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read item: %w", err)
	}
	defer func() { _ = closer.Close() }() // only releases memory
	return bytes.Clone(raw), nil
}

// store puts item, index rows, expiry row and change record into the batch. A
// write that changes nothing is none, as in DynamoDB.
func (g *group) store(s step, o outcome) error {
	if o.old != nil && o.new != nil && bytes.Equal(o.old, o.new) {
		return nil
	}
	key := table.KeyOf(s.op)
	if err := g.storeSecondary(key, o); err != nil {
		return err
	}
	var err error
	if o.new == nil {
		err = g.batch.Delete(s.key, nil)
	} else {
		err = g.batch.Set(s.key, o.new, nil)
	}
	if err != nil {
		return fmt.Errorf("write item: %w", err)
	}
	g.pending[string(s.key)] = o.new
	g.sequence++
	record := change{at: g.now, key: key, old: o.old, new: o.new}
	if err := g.batch.Set(changeKey(g.sequence), record.encode(), nil); err != nil {
		return fmt.Errorf("write change: %w", err)
	}
	return nil
}

// storeSecondary replaces the old row's index and expiry rows by the new one's.
func (g *group) storeSecondary(key table.Key, o outcome) error {
	gone, err := secondary(key, o.old)
	if err != nil {
		return err
	}
	come, err := secondary(key, o.new)
	if err != nil {
		return err
	}
	for _, k := range gone {
		if !contains(come, k) {
			if err := g.batch.Delete(k, nil); err != nil {
				return fmt.Errorf("remove index row: %w", err)
			}
		}
	}
	for _, k := range come {
		if !contains(gone, k) {
			if err := g.batch.Set(k, nil, nil); err != nil {
				return fmt.Errorf("write index row: %w", err)
			}
		}
	}
	return nil
}

func secondary(key table.Key, raw []byte) ([][]byte, error) {
	if raw == nil {
		return nil, nil
	}
	r, err := parseRow(raw)
	if err != nil {
		return nil, err
	}
	keys := make([][]byte, 0, len(r.index)+1)
	for _, x := range r.index {
		keys = append(keys, indexKey(x.number, string(x.value), key))
	}
	if r.expires != 0 {
		keys = append(keys, expiryKey(r.expires, key))
	}
	return keys, nil
}

func contains(keys [][]byte, key []byte) bool {
	for _, k := range keys {
		if bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

// repeated says whether the token was used within its window.
func (g *group) repeated(token string) (bool, error) {
	if token == "" {
		return false, nil
	}
	if g.tokens[token] {
		return true, nil
	}
	raw, closer, err := g.db.Get(tokenKey(token))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read token: %w", err)
	}
	defer func() { _ = closer.Close() }() // only releases memory
	return g.now.Sub(tokenTime(raw)) < tokenWindow, nil
}

func tokenTime(raw []byte) time.Time {
	nanoseconds, _ := binary.Varint(raw)
	return time.Unix(0, nanoseconds)
}

func (g *group) remember(token string) error {
	if token == "" {
		return nil
	}
	if g.tokens == nil {
		g.tokens = make(map[string]bool)
	}
	g.tokens[token] = true
	err := g.batch.Set(tokenKey(token), binary.AppendVarint(nil, g.now.UnixNano()), nil)
	if err == nil {
		err = g.batch.Set(ageKey(g.now, token), nil, nil)
	}
	if err != nil {
		g.damaged = fmt.Errorf("write token: %w", err)
	}
	return g.damaged
}
