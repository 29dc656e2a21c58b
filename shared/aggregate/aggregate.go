// Package aggregate runs pipelines over JSON documents: filters, groups, joins,
// reshaping and counting, parsed once, refused where they would write, execute
// code or look at the machine, and streamed row by row within a budget.
package aggregate

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/fault"
)

// The faults of pipelines.
var (
	// ErrInvalid refuses a pipeline or a projection, in words that say why.
	ErrInvalid = fault.New(fault.Invalid, "invalid_pipeline", "That pipeline cannot be used.")
	// ErrBudget ends a pipeline that grows too large on its way.
	ErrBudget = fault.New(fault.Invalid, "pipeline_too_large", "The pipeline makes too many or too large rows on its way. Match or limit earlier.")
)

// Limits of one pipeline.
const (
	stagesMax = 50        // stages, those of $facet included
	rowsMax   = 100_000   // rows that one stage passes on
	textMax   = 5 << 20   // bytes of one row as text
	sizeMax   = 256 << 10 // bytes of the pipeline's text
)

// Row is a document on its way: decoded JSON, numbers as json.Number. Rows are
// never changed in place, since stages share what lies in them.
type Row = map[string]any

type rows = iter.Seq2[Row, error]

// stage turns rows into rows.
type stage func(r *run, in rows) rows

// Env is what a pipeline draws on besides its rows.
type Env struct {
	Now    time.Time
	Random func([]byte)
	// Fetch returns the records of another collection that match, as JSON.
	Fetch func(ctx context.Context, collection string, filter json.RawMessage) ([]json.RawMessage, error)
}

// run is one pipeline while it runs.
type run struct {
	ctx context.Context //nolint:containedctx // lives as long as one Run
	env Env
}

// Pipeline is a parsed pipeline.
type Pipeline struct {
	stages []stage
	head   json.RawMessage
}

func refuse(format string, args ...any) error {
	return ErrInvalid.WithMessage(fmt.Sprintf(format, args...))
}

// parser counts stages while it reads.
type parser struct{ stages int }

// Parse reads a pipeline. What it refuses is an ErrInvalid, or a
// filter.ErrInvalid for its filters.
func Parse(text json.RawMessage) (*Pipeline, error) {
	if len(text) > sizeMax {
		return nil, refuse("The pipeline is larger than %d bytes.", sizeMax)
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		return nil, refuse("The pipeline must be a list of stages.")
	}
	p := &Pipeline{}
	if len(list) > 0 {
		if members, ok := Members(list[0]); ok && len(members) == 1 && members[0].Name == "$match" {
			p.head = members[0].Value
			list = list[1:]
		}
	}
	var err error
	p.stages, err = (&parser{}).pipeline(list)
	return p, err
}

// Head is the filter of a leading $match, which the caller applies where the
// documents are found; nil without one.
func (p *Pipeline) Head() json.RawMessage { return p.head }

func (p *parser) pipeline(list []json.RawMessage) ([]stage, error) {
	stages := make([]stage, 0, len(list))
	for _, text := range list {
		members, ok := Members(text)
		if !ok || len(members) != 1 {
			return nil, refuse("A stage of the pipeline is an object with one operator, such as {\"$match\": {}}.")
		}
		if p.stages++; p.stages > stagesMax {
			return nil, refuse("The pipeline has more than %d stages.", stagesMax)
		}
		s, err := p.stage(members[0].Name, members[0].Value)
		if err != nil {
			return nil, err
		}
		stages = append(stages, s)
	}
	return stages, nil
}

// forbidden are stages that write, execute code, reach beyond the collection or
// look at the machine.
func forbidden() []string {
	return []string{
		"$out", "$merge", "$where", "$function", "$accumulator", "$currentOp", "$listSessions", "$listLocalSessions",
		"$collStats", "$indexStats", "$planCacheStats", "$unionWith", "$changeStream", "$graphLookup",
	}
}

func (p *parser) stage(name string, operand json.RawMessage) (stage, error) {
	if slices.Contains(forbidden(), name) {
		return nil, refuse("The stage %s is not allowed here.", name)
	}
	switch name {
	case "$match":
		return match(operand)
	case "$sort":
		return sortStage(operand)
	case "$limit", "$skip", "$sample":
		return counted(name, operand)
	case "$count":
		return countStage(operand)
	case "$unwind":
		return unwind(operand)
	case "$unset":
		return unsetStage(operand)
	case "$lookup":
		return p.lookup(operand)
	case "$facet":
		return p.facet(operand)
	case "$project":
		return project(operand)
	case "$addFields", "$set":
		return addFields(name, operand)
	case "$replaceRoot", "$replaceWith":
		return replaceRoot(name, operand)
	case "$group":
		return group(operand)
	case "$sortByCount":
		return sortByCount(operand)
	case "$bucket":
		return bucket(operand)
	case "$bucketAuto":
		return bucketAuto(operand)
	}
	return nil, refuse("%s is not a stage of this pipeline language.", name)
}

// Run streams documents through the pipeline. The rows end with an error when
// the context ends, or past the budget (ErrBudget).
func (p *Pipeline) Run(ctx context.Context, docs iter.Seq[json.RawMessage], env Env) iter.Seq2[Row, error] {
	r := &run{ctx: ctx, env: env}
	return r.through(p.stages, r.bounded(decoded(docs)))
}

func (r *run) through(stages []stage, in rows) rows {
	for _, s := range stages {
		in = r.bounded(s(r, in))
	}
	return in
}

// bounded ends a stage that passes on too many rows, or too late.
func (r *run) bounded(in rows) rows {
	return func(yield func(Row, error) bool) {
		n := 0
		for row, err := range in {
			n++
			switch {
			case err != nil:
			case r.ctx.Err() != nil:
				err = r.ctx.Err()
			case n > rowsMax:
				err = ErrBudget
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func decoded(docs iter.Seq[json.RawMessage]) rows {
	return func(yield func(Row, error) bool) {
		for doc := range docs {
			value, err := decode(doc)
			row, _ := value.(Row)
			if !yield(row, err) {
				return
			}
		}
	}
}

func decode(text []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("decode row: %w", err)
	}
	return value, nil
}

// collect reads all rows, for stages that need them together.
func collect(in rows) ([]Row, error) {
	var list []Row
	for row, err := range in {
		if err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, nil
}

// late is a stage that needs all rows before it passes on the first.
func late(make func(r *run, list []Row) ([]Row, error)) stage {
	return func(r *run, in rows) rows {
		return func(yield func(Row, error) bool) {
			list, err := collect(in)
			if err == nil {
				list, err = make(r, list)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range list {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// each is a stage that turns one row into one, or with false into none.
func each(turn func(r *run, row Row) (Row, bool, error)) stage {
	return func(r *run, in rows) rows {
		return func(yield func(Row, error) bool) {
			for row, err := range in {
				pass := true
				if err == nil {
					row, pass, err = turn(r, row)
				}
				if (pass || err != nil) && !yield(row, err) {
					return
				}
			}
		}
	}
}
