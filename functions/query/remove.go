package query

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
)

type removeIn struct {
	subject
	Filter  json.RawMessage `json:"filter"`
	Hard    bool            `json:"hard" doc:"for good instead of into the trash; admins only"`
	Options removeOptions   `json:"options"`
}

type removeOptions struct {
	AllowAll bool `json:"allowAll" doc:"an empty filter is meant"`
	Hard     bool `json:"hard"`
}

func (in removeIn) hard() bool { return in.Hard || in.Options.Hard }

type removeOut struct {
	Acknowledged bool      `json:"acknowledged"`
	DeletedCount int       `json:"deletedCount"`
	WriteErrors  []problem `json:"writeErrors,omitempty" doc:"records that matched and were not deleted"`
}

func (s service) deleteOne(ctx context.Context, who auth.Principal, in removeIn) (removeOut, error) {
	return s.remove(ctx, who, in, false)
}

func (s service) deleteMany(ctx context.Context, who auth.Principal, in removeIn) (removeOut, error) {
	return s.remove(ctx, who, in, true)
}

// removing checks a deletion before anything is read.
func (in removeIn) removing(who auth.Principal, many bool) (*filter.Filter, error) {
	match, err := changeIn{subject: in.subject, Filter: in.Filter, Options: changeOptions{AllowAll: in.Options.AllowAll}}.checked(who, many)
	if err == nil && in.hard() && !who.IsAdmin() {
		err = auth.ErrForbidden
	}
	return match, err
}

func (s service) remove(ctx context.Context, who auth.Principal, in removeIn, many bool) (removeOut, error) {
	match, err := in.removing(who, many)
	if err != nil {
		return removeOut{}, err
	}
	ids, err := s.some(ctx, who, in.Collection, in.Filter, many)
	if err != nil {
		return removeOut{}, err
	}
	done, err := s.overMany(ctx, ids, func(ctx context.Context, id string) (state, error) {
		unit := s.records.As(who).Unit()
		matched, err := unit.Delete(ctx, in.Collection, id, match, in.hard())
		if err != nil || !matched {
			return grade(matched), err
		}
		if _, err := unit.Commit(ctx); err != nil {
			return stateMatched, err
		}
		return stateModified, nil
	})
	if err != nil {
		return removeOut{}, err
	}
	return removeOut{Acknowledged: true, DeletedCount: done.modified, WriteErrors: done.problems}, nil
}

func sortProblems(list []problem) {
	slices.SortFunc(list, func(a, b problem) int { return cmp.Compare(a.Index, b.Index) })
}
