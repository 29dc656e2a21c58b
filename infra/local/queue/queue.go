// Package queue is SQS on one machine: standard and FIFO queues with
// visibility timeout, delay, retention and redrive to a dead-letter queue;
// the poller that feeds a function from a queue; and Lambda's asynchronous
// invocation, which is a queue with a poller of its own.
//
// Delivery is at least once. With a journal, messages survive a restart of
// the process; a FIFO queue's memory of deleted messages does not.
package queue

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/appmint/appengine/infra/local/uuid"
)

// The values of AWS::SQS::Queue's properties when they are left out.
const (
	DefaultVisibility = 30 * time.Second
	DefaultRetention  = 4 * 24 * time.Hour
)

// compactAfter is how many journal writes, beyond the messages alive, make a
// rewrite worth while.
const compactAfter = 10_000

// Config describes a queue. Zero durations mean the defaults of SQS.
type Config struct {
	Name         string
	ARN          string
	Region       string
	FIFO         bool
	ContentDedup bool // the body's SHA-256 is the default deduplication id
	Visibility   time.Duration
	Delay        time.Duration
	Retention    time.Duration
	MaxReceive   int    // receives before a message goes to DeadLetter; 0 means never
	DeadLetter   *Queue // required when MaxReceive is set
	Journal      Journal
}

// Stats counts a queue's messages as SQS's approximate attributes do.
type Stats struct {
	Visible  int `json:"visible"`
	InFlight int `json:"inFlight"`
	Delayed  int `json:"delayed"`
}

// Queue is one queue. It is safe for concurrent use.
type Queue struct {
	config Config

	mu       sync.Mutex
	order    *list.List // of *Stored, oldest first
	byID     map[string]*list.Element
	seen     map[string]dedupe
	sequence uint64
	writes   int           // to the journal since its last rewrite
	wake     chan struct{} // closed when something may have become receivable
}

type dedupe struct {
	id string
	at time.Time
}

// Open returns a queue with the messages of its journal. Those that were in a
// consumer's hands are receivable at once: no consumer survived.
func Open(config Config) (*Queue, error) {
	if config.MaxReceive > 0 && config.DeadLetter == nil {
		return nil, fmt.Errorf("queue %s: a redrive policy wants a dead-letter queue", config.Name)
	}
	if config.DeadLetter != nil && config.DeadLetter.config.FIFO != config.FIFO {
		return nil, fmt.Errorf("queue %s: the dead-letter queue of a FIFO queue is FIFO, and the reverse", config.Name)
	}
	if config.Visibility == 0 {
		config.Visibility = DefaultVisibility
	}
	if config.Retention == 0 {
		config.Retention = DefaultRetention
	}
	if config.Journal == nil {
		config.Journal = forgetful{}
	}
	q := &Queue{
		config: config, order: list.New(), byID: map[string]*list.Element{},
		seen: map[string]dedupe{}, wake: make(chan struct{}),
	}
	if err := q.load(); err != nil {
		return nil, fmt.Errorf("queue %s: %w", config.Name, err)
	}
	return q, nil
}

// Name returns the queue's name, the last part of its URL and ARN.
func (q *Queue) Name() string { return q.config.Name }

// ARN returns the queue's ARN.
func (q *Queue) ARN() string { return q.config.ARN }

func (q *Queue) load() error {
	kept, err := q.config.Journal.Load()
	if err != nil {
		return err
	}
	now := time.Now()
	for i := range kept {
		s := &kept[i]
		if s.Receives > 0 {
			s.VisibleAt = now
		}
		q.insert(s)
		if s.DedupID != "" {
			q.seen[s.DedupID] = dedupe{id: s.ID, at: s.SentAt}
		}
	}
	return q.config.Journal.Rewrite(kept)
}

func (q *Queue) insert(s *Stored) {
	q.sequence = max(q.sequence, s.Sequence)
	q.byID[s.ID] = q.order.PushBack(s)
}

// Send puts a message in the queue and returns its id. A duplicate within
// five minutes on a FIFO queue returns the first one's id and adds nothing.
func (q *Queue) Send(_ context.Context, m Message) (string, error) {
	if m.Body == "" || len(m.Body) > MaxBodyBytes {
		return "", ErrTooLarge
	}
	if q.config.FIFO && q.config.ContentDedup && m.DedupID == "" {
		sum := sha256.Sum256([]byte(m.Body))
		m.DedupID = hex.EncodeToString(sum[:])
	}
	if q.config.FIFO != (m.GroupID != "") || q.config.FIFO && m.DedupID == "" {
		return "", ErrGroup
	}
	if m.Delay == 0 {
		m.Delay = q.config.Delay
	}
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if id, ok := q.duplicate(m.DedupID, now); ok {
		return id, nil
	}
	s := &Stored{
		ID: uuid.New(), Body: m.Body, GroupID: m.GroupID, DedupID: m.DedupID,
		Attributes: m.Attributes, SentAt: now, VisibleAt: now.Add(m.Delay),
	}
	if err := q.add(s); err != nil {
		return "", err
	}
	if q.config.FIFO {
		q.seen[s.DedupID] = dedupe{id: s.ID, at: now}
	}
	return s.ID, nil
}

// duplicate looks a deduplication id up and forgets old ones on the way.
func (q *Queue) duplicate(id string, now time.Time) (string, bool) {
	if !q.config.FIFO {
		return "", false
	}
	if len(q.seen) > 1000 {
		for key, d := range q.seen {
			if now.Sub(d.at) >= dedupeWindow {
				delete(q.seen, key)
			}
		}
	}
	d, ok := q.seen[id]
	return d.id, ok && now.Sub(d.at) < dedupeWindow
}

// add appends a message, durably, and wakes the consumers. q.mu is held.
func (q *Queue) add(s *Stored) error {
	s.Sequence = q.sequence + 1
	q.writes++
	if err := q.config.Journal.Put(*s); err != nil {
		return err
	}
	q.insert(s)
	q.signal()
	return nil
}

func (q *Queue) signal() {
	close(q.wake)
	q.wake = make(chan struct{})
}

func (q *Queue) touch(s *Stored) error {
	q.writes++
	return q.config.Journal.Touch(*s)
}

// remove forgets a message in memory and in the journal. q.mu is held.
func (q *Queue) remove(element *list.Element) error {
	s, ok := element.Value.(*Stored)
	if !ok {
		return nil
	}
	q.order.Remove(element)
	delete(q.byID, s.ID)
	q.writes++
	if q.writes > compactAfter+2*q.order.Len() {
		q.writes = 0
		return q.config.Journal.Rewrite(q.all())
	}
	return q.config.Journal.Remove(s.ID)
}

func (q *Queue) all() []Stored {
	kept := make([]Stored, 0, q.order.Len())
	for e := q.order.Front(); e != nil; e = e.Next() {
		if s, ok := e.Value.(*Stored); ok {
			kept = append(kept, *s)
		}
	}
	return kept
}
