package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/cache"
)

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()) }
func (c *clock) forward(d time.Duration) { c.at.Add(int64(d)) }

func TestEntriesEndWithTheirTimeToLive(t *testing.T) {
	t.Parallel()
	var c clock
	kept := cache.New[string, int](2, time.Minute, c.now)
	kept.Set("a", 1)
	kept.SetUntil("b", 2, c.now().Add(time.Hour))
	c.forward(time.Minute)
	if _, ok := kept.Get("a"); ok {
		t.Error("a outlived its minute")
	}
	if got, ok := kept.Get("b"); !ok || got != 2 {
		t.Errorf("b = %d, %v; want 2, true", got, ok)
	}
}

func TestLeastRecentlyUsedLeavesFirst(t *testing.T) {
	t.Parallel()
	var c clock
	kept := cache.New[string, int](2, time.Minute, c.now)
	kept.Set("a", 1)
	kept.Set("b", 2)
	kept.Get("a")
	kept.Set("c", 3)
	if _, ok := kept.Get("b"); ok {
		t.Error("b stayed, although a was used after it")
	}
	if _, ok := kept.Get("a"); !ok {
		t.Error("a left, although it was used last")
	}
}

func TestConcurrentLoadsOfOneKeyShareOneFetch(t *testing.T) {
	t.Parallel()
	var c clock
	kept := cache.New[string, int](2, time.Minute, c.now)
	var fetches atomic.Int64
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			got, err := kept.Load(t.Context(), "a", func(context.Context) (int, error) {
				fetches.Add(1)
				return 7, nil
			})
			if err != nil || got != 7 {
				t.Errorf("load = %d, %v; want 7", got, err)
			}
		})
	}
	group.Wait()
	if got := fetches.Load(); got != 1 {
		t.Errorf("%d fetches, want 1", got)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	t.Parallel()
	var c clock
	kept := cache.New[string, int](2, time.Minute, c.now)
	broken := errors.New("broken")
	if _, err := kept.Load(t.Context(), "a", func(context.Context) (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("err = %v, want broken", err)
	}
	if got, err := kept.Load(t.Context(), "a", func(context.Context) (int, error) { return 1, nil }); err != nil || got != 1 {
		t.Errorf("second load = %d, %v; want 1", got, err)
	}
}

// What is dropped while it loads was read before the change that dropped it.
func TestDropVoidsALoadUnderWay(t *testing.T) {
	t.Parallel()
	var c clock
	kept := cache.New[string, int](2, time.Minute, c.now)
	_, err := kept.Load(t.Context(), "a", func(context.Context) (int, error) {
		kept.Drop("a")
		return 1, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := kept.Get("a"); ok {
		t.Error("a stale value was kept")
	}
}
