package schedule

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"
)

// longestSleep bounds how long the loop trusts its timer: a laptop that slept
// finds its way back within a minute.
const longestSleep = time.Minute

// Entry is one schedule. Fire must return soon: it hands the event over.
type Entry struct {
	Name       string // unique; adding a name again replaces the schedule
	Expression Expression
	Start, End time.Time // bounds, zero for none
	Fire       func(ctx context.Context, at time.Time) error
}

// Loop runs all schedules with one timer. Adding and removing is allowed at
// any time.
type Loop struct {
	now     func() time.Time
	log     *slog.Logger
	mu      sync.Mutex
	entries map[string]*planned
	changed chan struct{}
}

type planned struct {
	Entry
	began time.Time
	next  time.Time
}

// New returns a loop without schedules. Run starts it.
func New(now func() time.Time, log *slog.Logger) *Loop {
	return &Loop{now: now, log: log, entries: map[string]*planned{}, changed: make(chan struct{}, 1)}
}

// Add puts a schedule in force. It refuses one without a name or a function,
// and one that will never fire.
func (l *Loop) Add(e Entry) error {
	if e.Name == "" || e.Fire == nil {
		return errors.New("schedule without a name or a target")
	}
	now := l.now()
	p := &planned{Entry: e, began: now}
	if e.Start.After(now) {
		p.began = e.Start
	}
	if p.plan(now); p.next.IsZero() {
		return errors.New("schedule " + e.Name + " will never fire")
	}
	l.mu.Lock()
	l.entries[e.Name] = p
	l.mu.Unlock()
	l.wake()
	return nil
}

// Remove takes a schedule out of force and tells whether it was there.
func (l *Loop) Remove(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.entries[name]
	delete(l.entries, name)
	return ok
}

// Upcoming returns when each schedule fires next, by name.
func (l *Loop) Upcoming() map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	upcoming := make(map[string]time.Time, len(l.entries))
	for name, p := range maps.All(l.entries) {
		upcoming[name] = p.next
	}
	return upcoming
}

// plan finds the next time within the bounds; zero ends the schedule.
func (p *planned) plan(after time.Time) {
	if after.Before(p.Start) {
		after = p.Start.Add(-time.Nanosecond)
	}
	p.next = p.Expression.Next(after, p.began)
	if !p.End.IsZero() && p.next.After(p.End) {
		p.next = time.Time{}
	}
}

func (l *Loop) wake() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Run fires schedules until ctx ends. Times that passed while the machine
// slept are made up for by firing once.
func (l *Loop) Run(ctx context.Context) {
	for {
		wait := longestSleep
		if next := l.earliest(); !next.IsZero() {
			wait = min(wait, next.Sub(l.now()))
		}
		timer := time.NewTimer(max(wait, 0))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-l.changed:
			timer.Stop()
		case <-timer.C:
			l.FireDue(ctx)
		}
	}
}

func (l *Loop) earliest() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first time.Time
	for _, p := range l.entries {
		if first.IsZero() || p.next.Before(first) {
			first = p.next
		}
	}
	return first
}

// FireDue fires what is due now. Run calls it; tests with a clock of their own
// call it too.
func (l *Loop) FireDue(ctx context.Context) {
	for _, p := range l.takeDue(l.now()) {
		if err := p.Fire(ctx, p.next); err != nil {
			l.log.ErrorContext(ctx, "schedule", slog.String("schedule", p.Name), slog.Any("error", err))
		}
	}
}

// takeDue returns copies of the due schedules and plans their next time.
func (l *Loop) takeDue(now time.Time) []planned {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []planned
	for name, p := range l.entries {
		if p.next.After(now) {
			continue
		}
		due = append(due, *p)
		if p.plan(now); p.next.IsZero() {
			delete(l.entries, name)
		}
	}
	return due
}
