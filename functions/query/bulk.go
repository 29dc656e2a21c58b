package query

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/appmint/appengine/shared/aggregate"
	"github.com/appmint/appengine/shared/auth"
)

type bulkIn struct {
	subject
	Operations []json.RawMessage `json:"operations" doc:"[{insertOne: {document}}, {updateMany: {filter, update}}, …], 1000 at most"`
	Options    orderOptions      `json:"options"`
}

// bulkOut is what became of all operations together.
type bulkOut struct {
	Acknowledged  bool              `json:"acknowledged"`
	InsertedCount int               `json:"insertedCount"`
	MatchedCount  int               `json:"matchedCount"`
	ModifiedCount int               `json:"modifiedCount"`
	DeletedCount  int               `json:"deletedCount"`
	UpsertedCount int               `json:"upsertedCount"`
	InsertedIDs   map[string]string `json:"insertedIds" doc:"by the place of the operation"`
	UpsertedIDs   map[string]string `json:"upsertedIds" doc:"by the place of the operation"`
	WriteErrors   []problem         `json:"writeErrors,omitempty"`
}

func (b *bulkOut) any() bool {
	return b.InsertedCount+b.ModifiedCount+b.DeletedCount+b.UpsertedCount+b.MatchedCount > 0
}

// allowed asks for several verbs at once; the route asks for one.
func allowed(who auth.Principal, verbs ...auth.Verb) error {
	for _, v := range verbs {
		if !who.Can(v) {
			if who.Kind == auth.APIKey {
				return auth.ErrScope
			}
			return auth.ErrForbidden
		}
	}
	return nil
}

// bulkWrite runs operations in turn. Each is like its own endpoint; a problem
// ends the call when the operations are ordered.
func (s service) bulkWrite(ctx context.Context, who auth.Principal, in bulkIn) (bulkOut, error) {
	out := bulkOut{Acknowledged: true, InsertedIDs: map[string]string{}, UpsertedIDs: map[string]string{}}
	if err := in.check(who); err != nil {
		return out, err
	}
	if err := allowed(who, auth.Create, auth.Update, auth.Delete); err != nil {
		return out, err
	}
	if len(in.Operations) == 0 {
		return out, ErrQuery.WithMessage("Invalid query format: must have required property 'operations', a list")
	}
	if len(in.Operations) > recordsMax {
		return out, ErrManyRecords.WithMessage("One call takes 1000 operations at most.")
	}
	steps := make([]aggregate.Member, len(in.Operations))
	for i, text := range in.Operations {
		members, ok := aggregate.Members(text)
		if !ok || len(members) != 1 || !known(members[0].Name) {
			return out, ErrQuery.WithMessage("The operation " + strconv.Itoa(i) + " must be one of insertOne, updateOne, updateMany, replaceOne, deleteOne and deleteMany.")
		}
		steps[i] = members[0]
	}
	return s.bulk(ctx, who, in, steps, out)
}

func (s service) bulk(ctx context.Context, who auth.Principal, in bulkIn, steps []aggregate.Member, out bulkOut) (bulkOut, error) {
	var first error
	for i, step := range steps {
		err := ctx.Err()
		if err == nil {
			err = s.operation(ctx, who, in.subject, step, i, &out)
		}
		if err != nil {
			p, err2 := notWritten(ctx, i, "", err)
			if err2 != nil {
				return out, err2
			}
			out.WriteErrors = append(out.WriteErrors, p)
		}
		if first == nil {
			first = err
		}
		if len(out.WriteErrors) > 0 && in.Options.ordered() {
			break
		}
	}
	if !out.any() && first != nil {
		return out, first
	}
	return out, nil
}

func known(op string) bool {
	switch op {
	case "insertOne", "updateOne", "updateMany", "replaceOne", "deleteOne", "deleteMany":
		return true
	}
	return false
}

// bulkOptions are those that drivers write beside the filter.
type bulkOptions struct {
	Upsert *bool `json:"upsert"`
}

// errShape refuses the body of one operation.
func errShape(op string) error {
	return ErrQuery.WithMessage("The body of " + op + " has the wrong shape.")
}

func (s service) operation(ctx context.Context, who auth.Principal, in subject, step aggregate.Member, i int, out *bulkOut) error {
	place := strconv.Itoa(i)
	switch step.Name {
	case "insertOne":
		var body insertOneIn
		if json.Unmarshal(step.Value, &body) != nil {
			return errShape(step.Name)
		}
		body.subject = in
		made, err := s.insertOne(ctx, who, body)
		if err == nil {
			out.InsertedCount++
			out.InsertedIDs[place] = made.InsertedID
		}
		return err
	case "deleteOne", "deleteMany":
		var body removeIn
		if json.Unmarshal(step.Value, &body) != nil {
			return errShape(step.Name)
		}
		body.subject = in
		done, err := s.remove(ctx, who, body, step.Name == "deleteMany")
		out.DeletedCount += done.DeletedCount
		out.inside(i, done.WriteErrors)
		return err
	}
	var body changeIn
	var options bulkOptions
	if json.Unmarshal(step.Value, &body) != nil || json.Unmarshal(step.Value, &options) != nil {
		return errShape(step.Name)
	}
	body.subject = in
	if options.Upsert != nil {
		body.Options.Upsert = *options.Upsert
	}
	return s.changing(ctx, who, body, step.Name, i, out)
}

func (s service) changing(ctx context.Context, who auth.Principal, body changeIn, op string, i int, out *bulkOut) error {
	var done updateResult
	var err error
	if op == "replaceOne" {
		done, err = s.replaceOne(ctx, who, body)
	} else {
		done, err = s.update(ctx, who, body, op == "updateMany")
	}
	out.MatchedCount += done.MatchedCount
	out.ModifiedCount += done.ModifiedCount
	if done.UpsertedID != nil {
		out.UpsertedCount++
		out.UpsertedIDs[strconv.Itoa(i)] = *done.UpsertedID
	}
	out.inside(i, done.WriteErrors)
	return err
}

// inside takes over the problems of single records within an operation.
func (b *bulkOut) inside(i int, list []problem) {
	for _, p := range list {
		p.Index = i
		b.WriteErrors = append(b.WriteErrors, p)
	}
}
