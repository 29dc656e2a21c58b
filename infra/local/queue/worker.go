package queue

import (
	"context"
	"sync"
	"time"
)

// receiveWait is SQS's longest long poll.
const receiveWait = 20 * time.Second

// pauseAfterError keeps a failing journal from turning a worker into a busy
// loop.
const pauseAfterError = time.Second

// work lets count workers repeat step until ctx ends and waits for them. A
// step that has begun may finish its message.
func work(ctx context.Context, count int, step func(context.Context) error, report func(error)) {
	var group sync.WaitGroup
	for range max(count, 1) {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := step(ctx); err != nil {
					report(err)
					pause(ctx, pauseAfterError)
				}
			}
		})
	}
	group.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
