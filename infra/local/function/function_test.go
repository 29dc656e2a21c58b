package function_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/appmint/appengine/infra/local/function"
)

func TestCallReturnsTheAnswer(t *testing.T) {
	t.Parallel()
	echo := function.Func(func(_ context.Context, payload []byte) ([]byte, error) { return payload, nil })

	got, finished, err := function.Call(t.Context(), echo, []byte("x"), time.Second)
	if string(got) != "x" || !finished || err != nil {
		t.Errorf("Call = %q, %v, %v; want the payload", got, finished, err)
	}
}

func TestCallTurnsPanicIntoFunctionError(t *testing.T) {
	t.Parallel()
	broken := function.Func(func(context.Context, []byte) ([]byte, error) { panic("boom") })

	_, finished, err := function.Call(t.Context(), broken, nil, time.Second)
	var fault *function.Error
	if !errors.As(err, &fault) || fault.Message != "boom" || !finished {
		t.Errorf("Call = %v, %v; want a function error saying boom", finished, err)
	}
}

// A function that ignores its context must not hold up the caller.
func TestCallGivesUpAtTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := function.Func(func(context.Context, []byte) ([]byte, error) {
			<-release
			return nil, nil
		})
		start := time.Now()
		_, finished, err := function.Call(t.Context(), stuck, nil, 3*time.Second)
		if !errors.Is(err, function.ErrTimeout) || finished {
			t.Errorf("Call = %v, %v; want a timeout", finished, err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("gave up after %v, want 3s", took)
		}
		close(release)
	})
}

func TestCallReportsCancellation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	waits := function.Func(func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if _, _, err := function.Call(ctx, waits, nil, time.Second); !errors.Is(err, context.Canceled) {
		t.Errorf("Call = %v, want context.Canceled", err)
	}
}

// A pool's goroutines go on after a panic, never mix up two calls, and end when
// there is nothing to do.
func TestPoolServesManyCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := function.NewPool()
		var group sync.WaitGroup
		for i := range 200 {
			group.Go(func() {
				want := fmt.Sprint(i)
				in := function.Func(func(_ context.Context, payload []byte) ([]byte, error) {
					if i%10 == 0 {
						panic("boom")
					}
					return payload, nil
				})
				answer, finished, err := pool.Call(t.Context(), in, []byte(want), time.Minute)
				if i%10 == 0 && err == nil || i%10 != 0 && string(answer) != want || !finished {
					t.Errorf("call %d: got %q, %v, %v", i, answer, finished, err)
				}
			})
		}
		group.Wait()
		time.Sleep(time.Minute) // of the bubble: idle goroutines end
	})
}
