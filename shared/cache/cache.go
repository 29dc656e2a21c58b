// Package cache keeps what was read a moment ago: bounded, with a time to live,
// and one load at a time per key. It takes load off storage and never decides
// anything; a value may be stale for as long as its time to live.
package cache

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Cache maps keys to values. It is safe for concurrent use.
type Cache[K comparable, V any] struct {
	mu      sync.Mutex
	now     func() time.Time
	size    int
	ttl     time.Duration
	entries map[K]*list.Element
	order   *list.List // most recently used first
	loading map[K]*load[V]
}

type entry[K comparable, V any] struct {
	key     K
	value   V
	expires time.Time
}

// errPanicked is what the others get when a fetch did not return.
var errPanicked = errors.New("a shared load did not return")

type load[V any] struct {
	done  chan struct{}
	value V
	err   error
	stale bool // dropped while it was loading: hand it out, do not keep it
}

// New builds a cache of at most size entries, each living for ttl.
func New[K comparable, V any](size int, ttl time.Duration, now func() time.Time) *Cache[K, V] {
	return &Cache[K, V]{
		now: now, size: size, ttl: ttl,
		entries: make(map[K]*list.Element), order: list.New(), loading: make(map[K]*load[V]),
	}
}

// Get returns the value of the key, if it is there and still lives.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(key)
}

func (c *Cache[K, V]) get(key K) (value V, ok bool) {
	element, ok := c.entries[key]
	if !ok {
		return value, false
	}
	e := held[K, V](element)
	if !c.now().Before(e.expires) {
		c.remove(element)
		return value, false
	}
	c.order.MoveToFront(element)
	return e.value, true
}

// Set keeps a value for the cache's time to live.
func (c *Cache[K, V]) Set(key K, value V) { c.SetUntil(key, value, c.now().Add(c.ttl)) }

// SetUntil keeps a value until an instant, whatever the cache's time to live.
func (c *Cache[K, V]) SetUntil(key K, value V, expires time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(key, value, expires)
}

func (c *Cache[K, V]) set(key K, value V, expires time.Time) {
	if element, ok := c.entries[key]; ok {
		c.remove(element)
	}
	c.entries[key] = c.order.PushFront(&entry[K, V]{key: key, value: value, expires: expires})
	for len(c.entries) > c.size {
		c.remove(c.order.Back())
	}
}

// Drop forgets a key. A load of it that is under way is not kept.
func (c *Cache[K, V]) Drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if element, ok := c.entries[key]; ok {
		c.remove(element)
	}
	if l, ok := c.loading[key]; ok {
		l.stale = true
		delete(c.loading, key)
	}
}

// Load returns the value of the key, calling fetch when it is not there.
// Concurrent callers of one key share one fetch. It does not end with the first
// caller's context, since the others wait for it too. Errors are handed to all
// of them and are not kept.
func (c *Cache[K, V]) Load(ctx context.Context, key K, fetch func(context.Context) (V, error)) (V, error) {
	c.mu.Lock()
	if value, ok := c.get(key); ok {
		c.mu.Unlock()
		return value, nil
	}
	if l, ok := c.loading[key]; ok {
		c.mu.Unlock()
		return l.wait(ctx)
	}
	l := &load[V]{done: make(chan struct{}), err: errPanicked}
	c.loading[key] = l
	c.mu.Unlock()
	defer c.settle(key, l)
	l.value, l.err = fetch(context.WithoutCancel(ctx))
	return l.value, l.err
}

func (c *Cache[K, V]) settle(key K, l *load[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !l.stale {
		delete(c.loading, key)
		if l.err == nil {
			c.set(key, l.value, c.now().Add(c.ttl))
		}
	}
	close(l.done)
}

func (l *load[V]) wait(ctx context.Context) (V, error) {
	select {
	case <-l.done:
		return l.value, l.err
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("wait for a load: %w", ctx.Err())
	}
}

func (c *Cache[K, V]) remove(element *list.Element) {
	c.order.Remove(element)
	delete(c.entries, held[K, V](element).key)
}

func held[K comparable, V any](element *list.Element) *entry[K, V] {
	e, _ := element.Value.(*entry[K, V]) // nothing else is ever put into the list
	return e
}
