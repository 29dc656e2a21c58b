package function

import "time"

// poolIdle is how long a goroutine waits for its next call.
const poolIdle = time.Second

// Pool keeps goroutines between calls. A handler's stack is deep; growing a new
// goroutine's stack to it, call after call, costs a twentieth of a local run.
type Pool struct{ work chan func() }

// NewPool returns a pool without goroutines.
func NewPool() *Pool { return &Pool{work: make(chan func())} }

// run has a goroutine do the work, a waiting one if there is one; it does not
// wait for it.
func (p *Pool) run(work func()) {
	if p == nil {
		go work()
		return
	}
	select {
	case p.work <- work:
	default:
		go p.serve(work)
	}
}

// serve does the first work, and more as long as some comes in time.
func (p *Pool) serve(work func()) {
	idle := time.NewTimer(poolIdle)
	defer idle.Stop()
	for {
		work()
		idle.Reset(poolIdle)
		select {
		case work = <-p.work:
		case <-idle.C:
			return
		}
	}
}
