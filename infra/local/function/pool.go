package function

// poolIdle is how many goroutines a pool keeps for the next calls.
const poolIdle = 64

// Pool keeps goroutines between calls. A handler's stack is deep; growing a new
// goroutine's stack to it, call after call, costs a twentieth of a local run.
type Pool struct{ idle chan chan func() }

// NewPool returns a pool without goroutines.
func NewPool() *Pool { return &Pool{idle: make(chan chan func(), poolIdle)} }

// run has a goroutine do the work; it does not wait.
func (p *Pool) run(work func()) {
	if p == nil {
		go work()
		return
	}
	select {
	case worker := <-p.idle:
		worker <- work
	default:
		go p.serve(work)
	}
}

// serve does the first work and then, while the pool has room, waits for more.
func (p *Pool) serve(work func()) {
	mine := make(chan func(), 1)
	for {
		work()
		select {
		case p.idle <- mine:
			work = <-mine
		default:
			return
		}
	}
}
