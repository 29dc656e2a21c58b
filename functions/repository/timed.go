package repository

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
)

type timedIn struct {
	listIn
	Datatype string `path:"datatype"`
	From     string `query:"from" doc:"the earliest instant"`
	To       string `query:"to" doc:"the latest instant"`
	Field    string `query:"field" doc:"the field that holds the time: createdate unless given"`
}

// timed lists the records of a span of time, oldest first unless asked
// otherwise.
func (s service) timed(ctx context.Context, who auth.Principal, in timedIn) (listOut, error) {
	o, err := in.options()
	if err != nil {
		return listOut{}, err
	}
	field := repository.AttributePath(first(in.Field, "createdate"))
	if o.sort == "" {
		o.sort, o.SortType = field, first(in.ST, in.SortType, "asc")
	}
	span := map[string]string{}
	for op, text := range map[string]string{"$gte": in.From, "$lte": in.To} {
		if text == "" {
			continue
		}
		instant, ok := record.ParseTime(text)
		if !ok {
			return listOut{}, ErrInput.WithMessage("from and to must be dates.")
		}
		span[op] = instant.Format(record.Layout)
	}
	var query json.RawMessage
	if len(span) > 0 {
		if query, err = json.Marshal(map[string]any{field: span}); err != nil {
			return listOut{}, fmt.Errorf("encode span: %w", err)
		}
	}
	return s.page(ctx, who, in.Datatype, repository.Find{Filter: query}, &o)
}

type activitiesIn struct {
	listIn
	Author string `query:"author"`
	Type   string `query:"type"`
}

// activity is the collection of what was done to records.
const activity = "activity"

func (s service) activities(ctx context.Context, who auth.Principal, in activitiesIn) (listOut, error) {
	o, err := in.options()
	if err != nil {
		return listOut{}, err
	}
	find := repository.Find{}
	if in.Author != "" {
		find.Where = filter.And(find.Where, filter.Equal("author", in.Author))
	}
	if in.Type != "" {
		find.Where = filter.And(find.Where, filter.Equal("data.type", in.Type))
	}
	return s.page(ctx, who, activity, find, &o)
}

type activitiesOfIn struct {
	listIn
	recordIn
}

func (s service) activitiesOf(ctx context.Context, who auth.Principal, in activitiesOfIn) (listOut, error) {
	o, err := in.options()
	if err != nil {
		return listOut{}, err
	}
	if _, err := s.as(who).Get(ctx, in.Datatype, in.ID); err != nil {
		return listOut{}, err
	}
	return s.page(ctx, who, activity, repository.Find{Where: filter.Equal("owner.id", in.ID)}, &o)
}
