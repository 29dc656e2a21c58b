package queue

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Receive takes up to limit messages, oldest first, and waits up to wait for
// the first. A FIFO queue yields nothing of a group that has a message in
// somebody's hands. An empty result means that the wait or ctx ended.
func (q *Queue) Receive(ctx context.Context, limit int, wait time.Duration) ([]Received, error) {
	deadline := time.Now().Add(wait)
	for {
		got, next, wake, err := q.take(ctx, limit, time.Now())
		if err != nil || len(got) > 0 || ctx.Err() != nil {
			return got, err
		}
		if next.IsZero() || next.After(deadline) {
			next = deadline
		}
		if !time.Now().Before(deadline) {
			return nil, nil
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take is one attempt: the messages, else when the next one becomes visible
// and a channel that closes when something arrives.
func (q *Queue) take(ctx context.Context, limit int, now time.Time) ([]Received, time.Time, <-chan struct{}, error) {
	q.mu.Lock()
	s := scan{now: now, locked: map[string]bool{}}
	var following *list.Element
	for e := q.order.Front(); e != nil && len(s.got) < limit && s.err == nil; e = following {
		following = e.Next()
		q.consider(e, &s)
	}
	wake := q.wake
	q.mu.Unlock()
	for _, dead := range s.dead {
		s.err = errors.Join(s.err, q.bury(ctx, dead))
	}
	return s.got, s.next, wake, s.err
}

// scan is the state of one walk through the queue.
type scan struct {
	now    time.Time
	locked map[string]bool // groups with a message in somebody's hands
	next   time.Time       // when the first invisible message becomes visible
	got    []Received
	dead   []*Stored
	err    error
}

func (q *Queue) consider(e *list.Element, into *scan) {
	s, ok := e.Value.(*Stored)
	if !ok || (s.GroupID != "" && into.locked[s.GroupID]) {
		return
	}
	switch {
	case into.now.Sub(s.SentAt) >= q.config.Retention:
		into.err = q.remove(e)
	case s.VisibleAt.After(into.now):
		into.locked[s.GroupID] = s.GroupID != ""
		if into.next.IsZero() || s.VisibleAt.Before(into.next) {
			into.next = s.VisibleAt
		}
	case q.config.MaxReceive > 0 && s.Receives >= q.config.MaxReceive:
		q.order.Remove(e)
		delete(q.byID, s.ID)
		into.dead = append(into.dead, s)
	default:
		s.Receives++
		s.VisibleAt = into.now.Add(q.config.Visibility)
		if s.FirstReceivedAt.IsZero() {
			s.FirstReceivedAt = into.now
		}
		into.err = q.touch(s)
		into.got = append(into.got, Received{Stored: *s, Receipt: s.receipt()})
	}
}

// bury moves a message, already out of memory, to the dead-letter queue: first
// there, then away here, so that a crash between the two doubles it and does
// not lose it. It keeps its id and its time of sending, as in SQS.
func (q *Queue) bury(_ context.Context, s *Stored) error {
	moved := *s
	moved.DeadLetterOf, moved.VisibleAt = q.config.ARN, time.Time{}
	moved.Receives, moved.FirstReceivedAt = 0, time.Time{}
	if err := q.config.DeadLetter.accept(&moved); err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.byID[s.ID] = q.order.PushFront(s)
		return fmt.Errorf("queue %s: redrive: %w", q.config.Name, err)
	}
	return q.config.Journal.Remove(s.ID)
}

func (q *Queue) accept(s *Stored) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, twice := q.byID[s.ID]; twice {
		return nil
	}
	return q.add(s)
}

// Delete removes a message that its consumer has finished with.
func (q *Queue) Delete(receipt string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.held(receipt)
	if err != nil {
		return err
	}
	err = q.remove(e)
	q.signal() // the next message of its group may be receivable now
	return err
}

// ChangeVisibility makes a held message receivable again after d; zero means
// at once.
func (q *Queue) ChangeVisibility(receipt string, d time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.held(receipt)
	if err != nil {
		return err
	}
	s, ok := e.Value.(*Stored)
	if !ok {
		return ErrStaleReceipt
	}
	s.VisibleAt = time.Now().Add(d)
	err = q.touch(s)
	q.signal()
	return err
}

func (q *Queue) held(receipt string) (*list.Element, error) {
	id, _, _ := strings.Cut(receipt, "#")
	e, ok := q.byID[id]
	if !ok {
		return nil, ErrStaleReceipt
	}
	if s, ok := e.Value.(*Stored); !ok || s.receipt() != receipt {
		return nil, ErrStaleReceipt
	}
	return e, nil
}
