package query

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/update"
)

// changeIn is an update of one or many records, or a replacement of one.
type changeIn struct {
	subject
	Filter      json.RawMessage `json:"filter"`
	Update      json.RawMessage `json:"update,omitempty" doc:"update operators only"`
	Replacement json.RawMessage `json:"replacement,omitempty"`
	Options     changeOptions   `json:"options"`
}

type changeOptions struct {
	Upsert   bool `json:"upsert"`
	Multi    bool `json:"multi"`
	AllowAll bool `json:"allowAll" doc:"an empty filter is meant"`
}

// updateResult is what an update answers.
type updateResult struct {
	Acknowledged  bool      `json:"acknowledged"`
	MatchedCount  int       `json:"matchedCount"`
	ModifiedCount int       `json:"modifiedCount"`
	UpsertedCount int       `json:"upsertedCount"`
	UpsertedID    *string   `json:"upsertedId"`
	WriteErrors   []problem `json:"writeErrors,omitempty" doc:"records that matched and were not written"`
}

func (s service) updateOne(ctx context.Context, who auth.Principal, in changeIn) (updateResult, error) {
	return s.update(ctx, who, in, false)
}

func (s service) updateMany(ctx context.Context, who auth.Principal, in changeIn) (updateResult, error) {
	return s.update(ctx, who, in, true)
}

// change is how records are edited, and what a new one would hold.
type change struct {
	in    changeIn
	match *filter.Filter
	edit  func(whole map[string]any, insert bool) (todo bool, err error)
}

func (s service) update(ctx context.Context, who auth.Principal, in changeIn, many bool) (updateResult, error) {
	c, err := s.updating(who, in, many)
	if err != nil {
		return updateResult{}, err
	}
	return s.perform(ctx, who, c, many)
}

// updating checks an update before anything is read.
func (s service) updating(who auth.Principal, in changeIn, many bool) (change, error) {
	match, err := in.checked(who, many)
	if err != nil {
		return change{}, err
	}
	if len(in.Update) == 0 {
		return change{}, ErrQuery.WithMessage("Invalid query format: must have required property 'update'")
	}
	u, err := update.Parse(in.Update)
	if err != nil {
		return change{}, err
	}
	if err := writable(in.Collection, u); err != nil {
		return change{}, err
	}
	return change{in, match, func(whole map[string]any, insert bool) (bool, error) {
		if !insert && u.InsertOnly() {
			return false, nil
		}
		return true, u.Apply(whole, update.Context{Now: s.now(), Insert: insert, Match: match})
	}}, nil
}

// checked reads the filter of a write.
func (in changeIn) checked(who auth.Principal, many bool) (*filter.Filter, error) {
	if err := in.check(who); err != nil {
		return nil, err
	}
	if len(in.Filter) == 0 && !in.Options.Upsert {
		return nil, ErrQuery.WithMessage("Invalid query format: must have required property 'filter'")
	}
	match, err := filter.Parse(in.Filter)
	if err != nil {
		return nil, err
	}
	if many && match.Empty() && !in.Options.AllowAll {
		return nil, ErrNoFilter
	}
	return match, nil
}

// settable are the members of a record that an update may change.
func settable() []string {
	return []string{"data", "name", "state", "subschema", "owner", "requiredRole", "post", "style", "notes"}
}

// writable refuses changes of what the platform keeps, and of secrets.
func writable(datatype string, u *update.Update) error {
	for _, path := range u.Paths() {
		head, _, _ := strings.Cut(path, ".")
		if !slices.Contains(settable(), head) || path == "data" {
			return update.ErrInvalid.WithMessage("The field \"" + path + "\" cannot be set; payload fields begin with data.")
		}
	}
	if name := repository.Hidden(datatype, u.Names()...); name != "" {
		return update.ErrInvalid.WithMessage("The field " + name + " cannot be changed here.")
	}
	return nil
}

// perform writes every record that is meant, or inserts one when none is and
// that is wanted.
func (s service) perform(ctx context.Context, who auth.Principal, c change, many bool) (updateResult, error) {
	ids, err := s.some(ctx, who, c.in.Collection, c.in.Filter, many)
	if err != nil {
		return updateResult{}, err
	}
	out := updateResult{Acknowledged: true}
	if len(ids) == 0 && c.in.Options.Upsert {
		id, err := s.upsert(ctx, who, c)
		if err != nil {
			return updateResult{}, err
		}
		out.UpsertedCount, out.UpsertedID = 1, &id
		return out, nil
	}
	done, err := s.overMany(ctx, ids, func(ctx context.Context, id string) (state, error) {
		unit := s.records.As(who).Unit()
		matched, err := c.add(ctx, unit, id)
		if err != nil || !matched {
			return grade(matched), err
		}
		if unit.Len() == 0 {
			return stateMatched, nil
		}
		if _, err := unit.Commit(ctx); err != nil {
			return stateMatched, err
		}
		return stateModified, nil
	})
	if err != nil {
		return updateResult{}, err
	}
	out.MatchedCount, out.ModifiedCount, out.WriteErrors = done.matched, done.modified, done.problems
	return out, nil
}

func grade(matched bool) state {
	if matched {
		return stateMatched
	}
	return stateGone
}

func (c change) add(ctx context.Context, unit *repository.Unit, id string) (bool, error) {
	return unit.Edit(ctx, c.in.Collection, id, c.match, func(whole map[string]any) (bool, error) { return c.edit(whole, false) })
}

// upsert inserts what the filter's equalities and the change make together.
func (s service) upsert(ctx context.Context, who auth.Principal, c change) (string, error) {
	unit := s.records.As(who).Unit()
	if err := c.insert(ctx, unit); err != nil {
		return "", err
	}
	docs, err := unit.Commit(ctx)
	if err != nil {
		return "", err
	}
	return filter.Text(docs[0], "sk"), nil
}

func (c change) insert(ctx context.Context, unit *repository.Unit) error {
	whole := map[string]any{"data": map[string]any{}}
	if err := seed(whole, c.in.Collection, c.in.Filter, 0); err != nil {
		return err
	}
	if _, err := c.edit(whole, true); err != nil {
		return err
	}
	rec, err := recordOf(c.in.Collection, whole)
	if err != nil {
		return err
	}
	return unit.Insert(ctx, rec)
}

// seed takes the equalities of a filter into a new record.
func seed(whole map[string]any, datatype string, query json.RawMessage, depth int) error {
	value, err := decode(query)
	object, ok := value.(map[string]any)
	if err != nil || !ok || depth > 10 {
		return nil //nolint:nilerr // the filter was parsed before; this only looks for equalities
	}
	for name, operand := range object {
		if name == "$and" {
			list, _ := operand.([]any)
			for _, part := range list {
				text, err := json.Marshal(part)
				if err != nil {
					return err
				}
				if err := seed(whole, datatype, text, depth+1); err != nil {
					return err
				}
			}
			continue
		}
		value, equal := equality(operand)
		head, _, _ := strings.Cut(name, ".")
		if !equal || !slices.Contains(settable(), head) || repository.Hidden(datatype, strings.Split(name, ".")...) != "" {
			continue
		}
		if err := update.Assign(whole, name, value); err != nil {
			return err
		}
	}
	return nil
}

// equality reads value and {"$eq": value}.
func equality(operand any) (any, bool) {
	object, ok := operand.(map[string]any)
	if !ok {
		return operand, true
	}
	if value, has := object["$eq"]; has && len(object) == 1 {
		return value, true
	}
	for name := range object {
		if strings.HasPrefix(name, "$") {
			return nil, false
		}
	}
	return operand, true
}

func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var value any
	err := d.Decode(&value)
	return value, err
}

// recordOf makes a record of a decoded document: a BaseModel, or a bare payload.
func recordOf(datatype string, document map[string]any) (record.Raw, error) {
	inner, wrapped := document["data"].(map[string]any)
	if !wrapped || !isModel(document) {
		document = map[string]any{"data": document}
	} else {
		kept := map[string]any{"data": inner}
		for _, name := range settable() {
			if value, has := document[name]; has {
				kept[name] = value
			}
		}
		document = kept
	}
	text, err := json.Marshal(document)
	if err != nil {
		return record.Raw{}, err
	}
	var rec record.Raw
	if err := json.Unmarshal(text, &rec); err != nil {
		return rec, repository.ErrBadRecord.WithMessage("The document does not fit a record: " + err.Error() + ".")
	}
	rec.Datatype = datatype
	return rec, nil
}

// isModel tells a BaseModel, which has nothing but the envelope's members beside
// data, from a payload with a field named data.
func isModel(document map[string]any) bool {
	envelope := append(settable(), "datatype", "pk", "sk", "isNew", "version", "createdate", "modifydate", "author",
		"created_by", "modified_by", "client", "publishedDate", "stats", "share", "rules", "workflow", "create_hash", "crm_agent")
	for name := range document {
		if !slices.Contains(envelope, name) {
			return false
		}
	}
	return true
}
