package repository

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type rawIn struct {
	Body json.RawMessage `body:"json"`
}

// model is a BaseModel as clients send it; what they may not set is not read.
type model struct {
	repository.Revision
	SK       string `json:"sk"`
	PK       string `json:"pk"`
	Datatype string `json:"datatype"`
	IsNew    *bool  `json:"isNew"`
}

func (m model) raw() record.Raw {
	return record.Raw{
		Datatype: m.Datatype, Name: m.Name, Subschema: m.Subschema, Data: m.Data, State: m.State, Owner: m.Owner,
		RequiredRole: m.RequiredRole, Post: m.Post, Style: m.Style, Notes: m.Notes,
	}
}

// readModel reads a BaseModel, also one that is wrapped in {data: …}.
func readModel(body json.RawMessage) (model, error) {
	var m model
	if len(body) == 0 {
		return m, ErrInput.WithMessage("The request has no body.")
	}
	if err := readJSON(body, &m); err != nil {
		return m, err
	}
	if m.SK == "" && m.Datatype == "" && filter.Text(m.Data, "datatype") != "" && filter.Get(m.Data, "data") != nil {
		return readModel(m.Data)
	}
	return m, nil
}

func (s service) create(ctx context.Context, who auth.Principal, in rawIn) (table.Doc, error) {
	m, err := readModel(in.Body)
	if err != nil {
		return nil, err
	}
	if m.IsNew == nil || !*m.IsNew {
		return nil, notNew(m.Datatype)
	}
	return s.store(ctx, who, m)
}

func notNew(datatype string) error {
	return ErrNotNew.WithMessage("Not a new " + first(datatype, "record") + ", please use update or set the new property")
}

func (s service) store(ctx context.Context, who auth.Principal, m model) (table.Doc, error) {
	if m.Datatype == "" {
		return nil, ErrInput.WithMessage("The record does not say its datatype.")
	}
	doc, err := s.as(who).Create(ctx, m.raw())
	if errors.Is(err, repository.ErrRepeated) {
		return nil, nil
	}
	return doc, err
}

// createExtended stores a record under its collection's schema and another one.
func (s service) createExtended(ctx context.Context, who auth.Principal, in rawIn) (table.Doc, error) {
	m, err := readModel(in.Body)
	if err != nil {
		return nil, err
	}
	if m.IsNew == nil || !*m.IsNew {
		return nil, notNew(m.Datatype)
	}
	doc, err := s.as(who).CreateExtended(ctx, m.raw())
	if errors.Is(err, repository.ErrRepeated) {
		return nil, nil
	}
	return doc, err
}

// createIn takes a BaseModel or a bare payload. Some clients put the name of
// their site into the path: then the body's datatype counts.
func (s service) createIn(ctx context.Context, who auth.Principal, in bodyIn) (table.Doc, error) {
	m, err := readModel(in.Body)
	if err != nil {
		return nil, err
	}
	if m.IsNew != nil && !*m.IsNew {
		return nil, notNew(first(m.Datatype, in.Datatype))
	}
	if !isModel(in.Body) {
		m = model{Revision: repository.Revision{Data: in.Body}}
	}
	if m.Datatype == "" {
		m.Datatype = in.Datatype
	}
	return s.store(ctx, who, m)
}

// isModel tells a BaseModel from a payload: it has an object under data.
func isModel(body json.RawMessage) bool {
	data := filter.Get(body, "data")
	return len(data) > 0 && (data[0] == '{' || data[0] == '[')
}

type updateIn struct {
	recordIn
	Body json.RawMessage `body:"json"`
}

// matchIn is the ETag of the version that a change is based on.
type matchIn struct {
	IfMatch string `header:"If-Match" doc:"the record's ETag: another version in the table is a conflict"`
}

// guard completes a version by that of the ETag; both must agree when both are
// given.
func (in matchIn) guard(version *int64) (*int64, error) {
	tagged, err := api.VersionOf(in.IfMatch)
	if err != nil || tagged == nil {
		return version, err
	}
	if version != nil && *version != *tagged {
		return nil, repository.ErrVersion
	}
	return tagged, nil
}

// readRevision reads a BaseModel with the version it is based on.
func (in matchIn) readRevision(body json.RawMessage) (model, error) {
	m, err := readModel(body)
	if err != nil {
		return m, err
	}
	m.Version, err = in.guard(m.Version)
	return m, err
}

type reviseIn struct {
	matchIn
	recordIn
	Body json.RawMessage `body:"json"`
}

func (s service) updateOne(ctx context.Context, who auth.Principal, in reviseIn) (table.Doc, error) {
	m, err := in.readRevision(in.Body)
	if err != nil {
		return nil, err
	}
	return s.as(who).Update(ctx, in.Datatype, in.ID, m.Revision)
}

type reviseRawIn struct {
	matchIn
	Body json.RawMessage `body:"json"`
}

func (s service) update(ctx context.Context, who auth.Principal, in reviseRawIn) (table.Doc, error) {
	m, err := in.readRevision(in.Body)
	if err != nil {
		return nil, err
	}
	id := first(m.SK, m.PK)
	if id == "" {
		return nil, ErrInput.WithMessage("The record does not say its id (sk).")
	}
	return s.revise(ctx, who, m, id)
}

// revise updates a record whose collection may have to be found by its id.
func (s service) revise(ctx context.Context, who auth.Principal, m model, id string) (table.Doc, error) {
	if m.Datatype == "" {
		doc, err := s.as(who).GetAny(ctx, id)
		if err != nil {
			return nil, err
		}
		m.Datatype = filter.Text(doc, "datatype")
	}
	return s.as(who).Update(ctx, m.Datatype, id, m.Revision)
}

type keyIn struct {
	matchIn
	Key  string          `path:"key"`
	Body json.RawMessage `body:"json"`
}

// updateKey takes an id, or a collection with the id in the body.
func (s service) updateKey(ctx context.Context, who auth.Principal, in keyIn) (table.Doc, error) {
	m, err := in.readRevision(in.Body)
	if err != nil {
		return nil, err
	}
	id := first(m.SK, m.PK)
	if id != "" && id != in.Key {
		_, err := s.records.Tenant(who.Org).Collection(ctx, in.Key)
		switch {
		case err == nil:
			m.Datatype = in.Key
			return s.revise(ctx, who, m, id)
		case !errors.Is(err, collection.ErrUnknown):
			return nil, err
		}
	}
	return s.revise(ctx, who, m, in.Key)
}

func (s service) updatePartial(ctx context.Context, who auth.Principal, in reviseIn) (table.Doc, error) {
	var paths map[string]json.RawMessage
	if err := readJSON(in.Body, &paths); err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, ErrInput.WithMessage("The update names no field.")
	}
	version, err := api.VersionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if version != nil {
		tagged := strconv.FormatInt(*version, 10)
		if given, ok := paths["version"]; ok && string(given) != tagged {
			return nil, repository.ErrVersion
		}
		paths["version"] = json.RawMessage(tagged)
	}
	return s.as(who).Patch(ctx, in.Datatype, in.ID, paths)
}

// remove answers the record as it was, marked as deleted.
func (s service) remove(ctx context.Context, who auth.Principal, in recordIn) (table.Doc, error) {
	doc, err := s.as(who).Delete(ctx, in.Datatype, in.ID)
	if err != nil {
		return nil, err
	}
	return append([]byte(`{"deleted":true,`), doc[1:]...), nil
}

// target is one record to delete.
type target struct {
	Datatype string `json:"datatype"`
	ID       string `json:"id"`
	SK       string `json:"sk"`
}

// UnmarshalJSON accepts an id alone.
func (t *target) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &t.ID) == nil {
		return nil
	}
	type plain target
	return json.Unmarshal(text, (*plain)(t))
}

// removal is what a deletion of many records answers.
type removal struct {
	DeletedCount int       `json:"deletedCount"`
	IDs          []string  `json:"ids"`
	Errors       []problem `json:"errors,omitempty"`
}

type problem struct {
	ID      string `json:"id"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// removeMax bounds one deletion of many records.
const removeMax = 500

func (s service) removeMany(ctx context.Context, who auth.Principal, in bodyIn) (removal, error) {
	return s.removeAll(ctx, who, in.Datatype, in.Body)
}

func (s service) removeMixed(ctx context.Context, who auth.Principal, in rawIn) (removal, error) {
	return s.removeAll(ctx, who, "", in.Body)
}

func (s service) removeAll(ctx context.Context, who auth.Principal, datatype string, body json.RawMessage) (removal, error) {
	var targets []target
	if json.Unmarshal(body, &targets) != nil {
		var whole struct {
			Datatype string   `json:"datatype"`
			IDs      []target `json:"ids"`
		}
		if err := readJSON(body, &whole); err != nil {
			return removal{}, err
		}
		datatype, targets = first(datatype, whole.Datatype), whole.IDs
	}
	if len(targets) == 0 || len(targets) > removeMax {
		return removal{}, ErrInput.WithMessage("Name the ids of 1 to 500 records.")
	}
	out := removal{IDs: []string{}}
	for _, t := range targets {
		id := first(t.ID, t.SK)
		_, err := s.as(who).Delete(ctx, first(t.Datatype, datatype), id)
		f, known := fault.From(err)
		switch {
		case err == nil:
			out.IDs = append(out.IDs, id)
		case known:
			out.Errors = append(out.Errors, problem{id, f.Reason, f.Message})
		default:
			return out, err
		}
	}
	out.DeletedCount = len(out.IDs)
	return out, nil
}
