package query

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/repository"
)

// legacyIn is the older update, or with operations an all-or-nothing
// transaction over any collections.
type legacyIn struct {
	changeIn
	Operations []operation `json:"operations,omitempty"`
}

// operation is one step of a transaction.
type operation struct {
	Type       string          `json:"type" doc:"insert, update or delete"`
	Collection string          `json:"collection"`
	Filter     json.RawMessage `json:"filter,omitempty"`
	Update     json.RawMessage `json:"update,omitempty"`
	Document   json.RawMessage `json:"document,omitempty"`
	Options    changeOptions   `json:"options"`
}

// legacyOut is an updateResult, with what else a transaction did.
type legacyOut struct {
	updateResult
	InsertedCount int      `json:"insertedCount,omitempty"`
	InsertedIDs   []string `json:"insertedIds,omitempty"`
	DeletedCount  int      `json:"deletedCount,omitempty"`
}

func (s service) legacyUpdate(ctx context.Context, who auth.Principal, in legacyIn) (legacyOut, error) {
	if err := allowed(who, auth.Create, auth.Update); err != nil {
		return legacyOut{}, err
	}
	if len(in.Operations) == 0 {
		done, err := s.update(ctx, who, in.changeIn, in.Options.Multi)
		return legacyOut{updateResult: done}, err
	}
	if in.OrgID != "" && in.OrgID != who.Org.String() {
		return legacyOut{}, auth.ErrOrgMismatch
	}
	var out legacyOut
	err := tries(func() (err error) {
		out, err = s.transaction(ctx, who, in.Operations)
		return err
	})
	return out, err
}

// transaction adds every operation to one unit and commits it. Every filter sees
// the records as they were before.
func (s service) transaction(ctx context.Context, who auth.Principal, list []operation) (legacyOut, error) {
	out := legacyOut{updateResult: updateResult{Acknowledged: true}}
	if len(list) > recordsMax {
		return out, ErrManyRecords
	}
	unit := s.records.As(who).Unit()
	var inserts []int // places of the new records among the writes
	for i, op := range list {
		if op.Collection == "" {
			return out, ErrQuery.WithMessage("Invalid query format: .operations[" + strconv.Itoa(i) + "] must have required property 'collection'")
		}
		var err error
		switch op.Type {
		case "insert":
			inserts = append(inserts, unit.Len())
			err = addInsert(ctx, unit, op.Collection, op.Document)
		case "update":
			err = s.addUpdate(ctx, who, unit, op, &out)
		case "delete":
			err = s.addDelete(ctx, who, unit, op, &out)
		default:
			err = ErrQuery.WithMessage("Invalid query format: .operations[" + strconv.Itoa(i) + "].type must be insert, update or delete")
		}
		if err != nil {
			return out, err
		}
	}
	docs, err := unit.Commit(ctx)
	if err != nil {
		return out, err
	}
	for _, at := range inserts {
		out.InsertedIDs = append(out.InsertedIDs, filter.Text(docs[at], "sk"))
	}
	out.InsertedCount = len(inserts)
	return out, nil
}

func (s service) addUpdate(ctx context.Context, who auth.Principal, unit *repository.Unit, op operation, out *legacyOut) error {
	in := changeIn{subject: subject{Collection: op.Collection}, Filter: op.Filter, Update: op.Update, Options: op.Options}
	c, err := s.updating(who, in, op.Options.Multi)
	if err != nil {
		return err
	}
	ids, err := s.some(ctx, who, op.Collection, op.Filter, op.Options.Multi)
	if err != nil {
		return err
	}
	if len(ids) == 0 && op.Options.Upsert {
		out.UpsertedCount++
		return c.insert(ctx, unit)
	}
	for _, id := range ids {
		before := unit.Len()
		matched, err := c.add(ctx, unit, id)
		if err != nil {
			return err
		}
		if matched {
			out.MatchedCount++
		}
		out.ModifiedCount += unit.Len() - before
	}
	return nil
}

func (s service) addDelete(ctx context.Context, who auth.Principal, unit *repository.Unit, op operation, out *legacyOut) error {
	in := removeIn{subject: subject{Collection: op.Collection}, Filter: op.Filter, Options: removeOptions{AllowAll: op.Options.AllowAll}}
	match, err := in.removing(who, true)
	if err != nil {
		return err
	}
	ids, err := s.some(ctx, who, op.Collection, op.Filter, true)
	if err != nil {
		return err
	}
	for _, id := range ids {
		matched, err := unit.Delete(ctx, op.Collection, id, match, false)
		if err != nil {
			return err
		}
		if matched {
			out.DeletedCount++
		}
	}
	return nil
}
