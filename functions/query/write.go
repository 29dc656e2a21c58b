package query

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// Limits of writing.
const (
	recordsMax = 1000 // records that one call writes
	attempts   = 5    // of a record that somebody else keeps changing
	parallel   = 8    // records written at once, where the order means nothing
)

// problem is one record or operation that was not written.
type problem struct {
	Index   int    `json:"index" doc:"place of the document or operation in the request; of the record in the order of ids"`
	ID      string `json:"id,omitempty"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// notWritten says what went wrong with one record; errors that are no fault are
// not for clients, and end the call.
func notWritten(ctx context.Context, index int, id string, err error) (problem, error) {
	err = inOurWords(ctx, err)
	if errors.Is(err, context.DeadlineExceeded) {
		err = ErrTimeout
	}
	f, known := fault.From(err)
	if !known || f.Kind == fault.Internal {
		return problem{}, err
	}
	return problem{Index: index, ID: id, Reason: f.Reason, Message: f.Message}, nil
}

// tries repeats a write that somebody else came before.
func tries(write func() error) error {
	var err error
	for range attempts {
		if err = write(); !errors.Is(err, repository.ErrVersion) {
			return err
		}
	}
	return err
}

// some finds the ids of the records that a write is about, oldest first: one, or
// all of them within the limit.
func (s service) some(ctx context.Context, who auth.Principal, datatype string, query json.RawMessage, many bool) ([]string, error) {
	docs, err := s.records.As(who).All(ctx, datatype, repository.Find{Filter: query})
	if err != nil {
		return nil, err
	}
	if many && len(docs) > recordsMax {
		return nil, ErrManyRecords.WithMessage("The filter matches more than 1000 records. Narrow it, and write them in parts.").WithExtra("matched", len(docs))
	}
	aggregate.Docs(nil, docs)
	if !many && len(docs) > 1 {
		docs = docs[:1]
	}
	ids := make([]string, len(docs))
	for i, doc := range docs {
		ids[i] = filter.Text(doc, "sk")
	}
	return ids, nil
}

// outcome counts what became of many records.
type outcome struct {
	mu       sync.Mutex
	matched  int
	modified int
	problems []problem
	first    error // of the first problem
}

// note takes in what became of one record.
func (o *outcome) note(ctx context.Context, index int, id string, done state, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if done >= stateMatched {
		o.matched++
	}
	if done == stateModified {
		o.modified++
	}
	if err == nil {
		return nil
	}
	p, err2 := notWritten(ctx, index, id, err)
	if err2 != nil {
		return err2
	}
	if o.first == nil {
		o.first = inOurWords(ctx, err)
	}
	o.problems = append(o.problems, p)
	return nil
}

// state is how far a write of one record came.
type state uint8

const (
	stateGone     state = iota // it no longer matches
	stateMatched               // found, not written
	stateModified              // written
)

// overMany writes records one by one, several at a time, each whole or not at
// all. When nothing could be written the first problem is the answer.
func (s service) overMany(ctx context.Context, ids []string, write func(ctx context.Context, id string) (state, error)) (*outcome, error) {
	o := &outcome{}
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for i, id := range ids {
		group.Go(func() error {
			var done state
			err := ctx.Err()
			if err == nil {
				err = tries(func() (err error) {
					done, err = write(ctx, id)
					return err
				})
			}
			if errors.Is(err, table.ErrNotFound) { // deleted meanwhile
				done, err = stateGone, nil
			}
			return o.note(ctx, i, id, done, err)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if o.modified == 0 && o.first != nil {
		return nil, o.first
	}
	sortProblems(o.problems)
	return o, nil
}
