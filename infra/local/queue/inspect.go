package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Messages returns up to limit messages, oldest first, without receiving them.
func (q *Queue) Messages(limit int) []Stored {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.all()
	return all[:min(limit, len(all))]
}

// Stats counts the messages by what can be done with them now.
func (q *Queue) Stats() Stats {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	var stats Stats
	for e := q.order.Front(); e != nil; e = e.Next() {
		s, ok := e.Value.(*Stored)
		switch {
		case !ok:
		case !s.VisibleAt.After(now):
			stats.Visible++
		case s.Receives > 0:
			stats.InFlight++
		default:
			stats.Delayed++
		}
	}
	return stats
}

// Purge deletes every message and returns how many there were.
func (q *Queue) Purge() (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := q.order.Len()
	q.order.Init()
	clear(q.byID)
	q.writes = 0
	return count, q.config.Journal.Rewrite(nil)
}

// Redrive moves up to limit messages of a dead-letter queue back to where
// they came from, which source finds by ARN, and returns how many it moved.
// Messages that some consumer holds, or whose source is unknown, stay.
func (q *Queue) Redrive(ctx context.Context, source func(arn string) *Queue, limit int) (int, error) {
	moved := 0
	for _, s := range q.Messages(limit) {
		to := source(s.DeadLetterOf)
		if to == nil || s.VisibleAt.After(time.Now()) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return moved, err
		}
		s.DeadLetterOf, s.Receives, s.FirstReceivedAt = "", 0, time.Time{}
		s.SentAt = time.Now()
		if err := errors.Join(to.accept(&s), q.forget(s.ID)); err != nil {
			return moved, fmt.Errorf("redrive to %s: %w", to.config.Name, err)
		}
		moved++
	}
	return moved, nil
}

func (q *Queue) forget(id string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, ok := q.byID[id]
	if !ok {
		return nil
	}
	return q.remove(e)
}
