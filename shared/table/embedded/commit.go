package embedded

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// Bounds of one group of writes, and how often the committer tidies up.
const (
	groupRequests = 512
	groupBytes    = 4 << 20
	tidyInterval  = time.Second
)

// request is one Write or Transact on its way through the committer.
type request struct {
	steps     []step
	token     string
	transact  bool
	tidy      bool          // not a write but a Sweep
	done      chan struct{} // closed when the fields below are final
	results   []result
	writeUnit float64
	err       error
}

// step is one operation, prepared by the caller as far as possible so that the
// committer has little to do.
type step struct {
	op   table.Op
	key  []byte
	cond eval.Program
	row  []byte // the row of a Put
}

// result is the row an operation leaves, or for a Delete the one it removed.
type result struct {
	row []byte
}

// Write implements table.Table.
func (e *Engine) Write(ctx context.Context, op table.Op) (table.Item, error) {
	if err := eval.CheckOp(op); err != nil {
		return table.Item{}, err
	}
	req, err := e.submit(ctx, &request{}, op)
	if err != nil {
		return table.Item{}, err
	}
	if len(req.results) == 0 || req.results[0].row == nil {
		return table.Item{}, nil
	}
	return decodeItem(table.KeyOf(op), req.results[0].row)
}

// Transact implements table.Table. A token is remembered for ten minutes.
func (e *Engine) Transact(ctx context.Context, token string, ops ...table.Op) error {
	if err := eval.CheckOps(token, ops); err != nil {
		return err
	}
	if len(ops) == 0 {
		return nil
	}
	_, err := e.submit(ctx, &request{token: token, transact: true}, ops...)
	return err
}

// submit queues the request and waits until it is durable or refused. When ctx
// ends first the outcome is unknown, as with any lost answer.
func (e *Engine) submit(ctx context.Context, req *request, ops ...table.Op) (*request, error) {
	req.steps = make([]step, len(ops))
	for i, op := range ops {
		s, err := prepare(op)
		if err != nil {
			return nil, err
		}
		req.steps[i] = s
	}
	if err := e.enqueue(ctx, req); err != nil {
		return nil, err
	}
	select {
	case <-req.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !req.tidy {
		table.Consume(ctx, 1, 0, req.writeUnit)
	}
	return req, req.err
}

func (e *Engine) enqueue(ctx context.Context, req *request) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.close.RUnlock()
	req.done = make(chan struct{})
	select {
	case e.queue <- req:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func prepare(op table.Op) (step, error) {
	s := step{op: op, key: itemKey(table.KeyOf(op))}
	var cond table.Cond
	switch op := op.(type) {
	case table.Put:
		cond = op.If
		s.row = rowOf(op.Item).encode()
	case table.Modify:
		cond = op.If
	case table.Delete:
		cond = op.If
	case table.Check:
		cond = op.If
	}
	var err error
	s.cond, err = eval.Compile(cond)
	return s, err
}

// commitLoop is the committer. It ends when the queue is closed and empty.
func (e *Engine) commitLoop(sequence uint64) {
	defer close(e.commits)
	ticker := time.NewTicker(tidyInterval)
	defer ticker.Stop()
	for {
		select {
		case first, open := <-e.queue:
			if !open {
				return
			}
			sequence = e.commitGroup(sequence, e.gather(first))
		case <-ticker.C:
			tidy := &request{tidy: true, done: make(chan struct{})}
			sequence = e.commitGroup(sequence, []*request{tidy})
			<-tidy.done
			if tidy.err != nil {
				e.log.Errorf("sweep: %v", tidy.err)
			}
		}
	}
}

// gather takes what else is waiting, up to the bounds of a group.
func (e *Engine) gather(first *request) []*request {
	requests := []*request{first}
	bytes := first.bytes()
	for len(requests) < groupRequests && bytes < groupBytes {
		select {
		case next, open := <-e.queue:
			if !open {
				return requests
			}
			requests = append(requests, next)
			bytes += next.bytes()
		default:
			return requests
		}
	}
	return requests
}

func (r *request) bytes() int {
	n := 0
	for _, s := range r.steps {
		n += len(s.row)
	}
	return n
}

// commitGroup performs the requests one after the other and applies the outcome
// as one batch. The next group is evaluated while this one is synced; all of it,
// refusals included, is answered once it is durable: a refusal may rest on a
// write of the same group, or of one before it.
func (e *Engine) commitGroup(sequence uint64, requests []*request) uint64 {
	g := &group{
		db:       e.db,
		batch:    e.db.NewBatch(),
		now:      e.now(),
		pending:  make(map[string][]byte),
		sequence: sequence,
	}
	for _, req := range requests {
		if req.tidy {
			req.err = g.tidy()
		} else {
			req.err = g.perform(req)
		}
	}
	if err := e.flush(g); err != nil {
		g.sequence = sequence
		for _, req := range requests {
			req.err, req.results = err, nil
		}
	}
	e.commits <- commit{requests: requests, sequence: g.sequence}
	return g.sequence
}

// commit is a group that is applied and waits to be durable.
type commit struct {
	requests []*request
	sequence uint64
}

// syncLoop makes commits durable, as many at once as have come together, and
// answers their requests in order. It ends when there are no more.
func (e *Engine) syncLoop() {
	defer close(e.done)
	for first := range e.commits {
		list := []commit{first}
		for more := true; more && len(list) < commitsMax; {
			select {
			case next, open := <-e.commits:
				if more = open; open {
					list = append(list, next)
				}
			default:
				more = false
			}
		}
		e.settle(list, e.sync())
	}
}

// sync makes everything durable that was applied before: the log is synced up to
// a mark written now.
func (e *Engine) sync() error {
	if !e.write.Sync {
		return nil
	}
	if err := e.db.LogData([]byte{0}, e.write); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (e *Engine) settle(list []commit, failed error) {
	if last := list[len(list)-1].sequence; failed == nil && last > e.synced.Load() {
		e.announce(last)
	}
	for _, c := range list {
		for _, req := range c.requests {
			if failed != nil && req.err == nil {
				req.err, req.results = failed, nil
			}
			close(req.done)
		}
	}
}

func (e *Engine) flush(g *group) error {
	defer func() { _ = g.batch.Close() }() // only releases memory
	if g.damaged != nil {
		return g.damaged
	}
	if g.batch.Empty() {
		return nil
	}
	if err := e.db.Apply(g.batch, pebble.NoSync); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// group is the work of one commit.
type group struct {
	db       *pebble.DB
	batch    *pebble.Batch
	now      time.Time
	pending  map[string][]byte // rows written in this group by item key; nil when removed
	tokens   map[string]bool   // tokens used in this group
	sequence uint64
	damaged  error // set when the batch is incomplete and must not be committed
}
