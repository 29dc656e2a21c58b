// Package query is the module with which code asks for records, and changes
// them, in the words of a document database: filters, update operators,
// pipelines and bulk writes. Everything goes through the repository as the
// caller, so that permissions, uniqueness, totals, trash and events hold.
package query

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// The faults of the endpoints themselves.
var (
	// ErrCollection refuses a collection that the org does not have.
	ErrCollection = fault.New(fault.Invalid, "unknown_collection", "There is no such collection.")
	// ErrQuery refuses a body that does not say what to do.
	ErrQuery = fault.New(fault.Invalid, "invalid_query", "Invalid query format.")
	// ErrNoFilter refuses to write every record by accident.
	ErrNoFilter = fault.New(fault.Invalid, "filter_required", "An empty filter means every record. Set options.allowAll to true if that is meant.")
	// ErrManyRecords refuses a write over more records than one call takes.
	ErrManyRecords = fault.New(fault.Invalid, "too_many_records", "That is more than one call may write.")
	// ErrTimeout ends a query that takes too long.
	ErrTimeout = fault.New(fault.Timeout, "query_timeout", "The query took too long. Narrow it, or index a field that it filters by.")
	// ErrResult refuses an answer over the limit.
	ErrResult = fault.New(fault.Invalid, "result_too_large", "The result is larger than 5 MB. Ask for fewer records or fields.")
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := service{records: deps.Records, now: deps.Now, random: deps.Random}
	return app.Module{
		Name:    "query",
		Summary: "Find, aggregate and bulk-write records with filters, update operators and pipelines.",
		Routes:  s.routes(),
	}
}

type service struct {
	records *repository.Repository
	now     func() time.Time
	random  func([]byte)
}

// How long a call may take.
const (
	queryTime     = 10 * time.Second
	aggregateTime = 20 * time.Second
	// writeTime leaves room below the function's own limit to report what was
	// written.
	writeTime = 20 * time.Second
)

// within bounds a call's time, and says unknown collections in this module's
// words: they are wrong input here, not a missing thing.
func within[In, Out any](limit time.Duration, f func(context.Context, auth.Principal, In) (Out, error)) func(context.Context, auth.Principal, In) (Out, error) {
	return func(ctx context.Context, who auth.Principal, in In) (Out, error) {
		bounded, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		out, err := f(bounded, who, in)
		return out, inOurWords(ctx, err)
	}
}

func inOurWords(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, collection.ErrUnknown):
		return ErrCollection
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return ErrTimeout
	}
	return err
}

// subject is what every body says.
type subject struct {
	OrgID      string `json:"orgId" doc:"must equal the orgid header when present"`
	Collection string `json:"collection" doc:"a datatype, such as sf_product"`
}

// check refuses a body about another org, or about no collection.
func (in subject) check(who auth.Principal) error {
	if in.OrgID != "" && in.OrgID != who.Org.String() {
		return auth.ErrOrgMismatch
	}
	if in.Collection == "" {
		return ErrQuery.WithMessage("Invalid query format: must have required property 'collection'")
	}
	return nil
}

// object refuses a required member that is missing or no object.
func object(name string, text json.RawMessage) error {
	if len(text) == 0 || text[0] != '{' {
		return ErrQuery.WithMessage("Invalid query format: must have required property '" + name + "', an object")
	}
	return nil
}

// resultMax bounds an answer, in bytes.
const resultMax = 5 << 20

// list joins documents to a JSON array.
func list[D ~[]byte](docs []D) (json.RawMessage, error) {
	size := 2
	for _, doc := range docs {
		size += len(doc) + 1
	}
	if size > resultMax {
		return nil, ErrResult
	}
	text := append(make(json.RawMessage, 0, size), '[')
	for i, doc := range docs {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, doc...)
	}
	return append(text, ']'), nil
}

// readFails are the faults of every route that reads.
func readFails() []*fault.Error {
	return []*fault.Error{
		ErrCollection, ErrQuery, ErrTimeout, ErrResult, auth.ErrForbidden, auth.ErrScope, auth.ErrOrgMismatch,
		filter.ErrInvalid, aggregate.ErrInvalid, repository.ErrSort, repository.ErrTooBroad,
	}
}

// writeFails are the faults of every route that writes.
func writeFails() []*fault.Error {
	return append(readFails(), ErrNoFilter, ErrManyRecords, collection.ErrInvalidData, collection.ErrInvalidDefinition,
		collection.ErrBuiltin, repository.ErrBadRecord, repository.ErrTaken, repository.ErrVersion, repository.ErrReserved,
		repository.ErrTooMany, table.ErrTooLarge, table.ErrNotFound)
}
