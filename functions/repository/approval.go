package repository

import (
	"context"
	"encoding/json"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// requestIn is a GET that writes, as clients send it.
type requestIn struct {
	recordIn
	Note string `query:"note"`
}

// noted is a record with a note, in the path or in the body.
type noted struct {
	target
	Note string
}

func readNoted(body json.RawMessage) (noted, error) {
	var n noted
	if err := readJSON(body, &n.target); err != nil {
		return n, err
	}
	var text struct {
		Note string `json:"note"`
	}
	err := readJSON(body, &text)
	n.Note = text.Note
	return n, err
}

func requested(note string) repository.Step {
	return repository.Step{
		Verb: auth.Update, To: record.Pending, Note: note,
		From: []record.State{record.Draft, record.New, record.Rejected, record.Hold},
	}
}

func approved(note string) repository.Step {
	return repository.Step{
		Verb: auth.Approve, To: record.Approved, Note: note,
		From: []record.State{record.Pending, record.Reviewed, record.InProgress},
	}
}

func rejected(note string) repository.Step {
	return repository.Step{
		Verb: auth.Approve, To: record.Rejected, Note: note,
		From: []record.State{record.Pending, record.Reviewed, record.InProgress, record.Approved},
	}
}

func (s service) requestApproval(ctx context.Context, who auth.Principal, in requestIn) (table.Doc, error) {
	return s.as(who).Step(ctx, in.Datatype, in.ID, requested(in.Note))
}

func (s service) approve(ctx context.Context, who auth.Principal, in updateIn) (table.Doc, error) {
	return s.step(ctx, who, in, approved)
}

func (s service) reject(ctx context.Context, who auth.Principal, in updateIn) (table.Doc, error) {
	return s.step(ctx, who, in, rejected)
}

func (s service) approveBody(ctx context.Context, who auth.Principal, in rawIn) (table.Doc, error) {
	return s.stepBody(ctx, who, in, approved)
}

func (s service) rejectBody(ctx context.Context, who auth.Principal, in rawIn) (table.Doc, error) {
	return s.stepBody(ctx, who, in, rejected)
}

func (s service) step(ctx context.Context, who auth.Principal, in updateIn, step func(note string) repository.Step) (table.Doc, error) {
	n, err := readNoted(in.Body)
	if err != nil {
		return nil, err
	}
	return s.as(who).Step(ctx, in.Datatype, in.ID, step(n.Note))
}

func (s service) stepBody(ctx context.Context, who auth.Principal, in rawIn, step func(note string) repository.Step) (table.Doc, error) {
	n, err := readNoted(in.Body)
	if err != nil {
		return nil, err
	}
	record, err := named(in.Body)
	if err != nil {
		return nil, err
	}
	return s.as(who).Step(ctx, record.Datatype, record.ID, step(n.Note))
}
