package aggregate

import (
	"encoding/json"
	"slices"
)

// bucketing is $bucket or $bucketAuto as written.
type bucketing struct {
	GroupBy    json.RawMessage   `json:"groupBy"`
	Boundaries []json.RawMessage `json:"boundaries"`
	Default    json.RawMessage   `json:"default"`
	Buckets    int               `json:"buckets"`
	Output     json.RawMessage   `json:"output"`

	by      expr
	outputs []output
}

func parseBucket(name string, operand json.RawMessage) (*bucketing, error) {
	var b bucketing
	if json.Unmarshal(operand, &b) != nil || len(b.GroupBy) == 0 {
		return nil, refuse("%s needs groupBy.", name)
	}
	value, err := decode(b.GroupBy)
	if err != nil {
		return nil, refuse("The groupBy of %s cannot be read.", name)
	}
	if b.by, err = parseExpr(value, 0); err != nil {
		return nil, err
	}
	members := []Member{{"count", json.RawMessage(`{"$sum":1}`)}}
	if len(b.Output) > 0 {
		var ok bool
		if members, ok = Members(b.Output); !ok {
			return nil, refuse("The output of %s is an object of fields.", name)
		}
	}
	b.outputs, err = outputs(members)
	return &b, err
}

// bucket groups by the interval that a value lies in.
func bucket(operand json.RawMessage) (stage, error) {
	b, err := parseBucket("$bucket", operand)
	if err != nil {
		return nil, err
	}
	bounds := make([]any, len(b.Boundaries))
	for i, text := range b.Boundaries {
		if bounds[i], err = decode(text); err != nil {
			return nil, err
		}
		if i > 0 && compare(bounds[i-1], bounds[i]) >= 0 {
			return nil, refuse("The boundaries of $bucket must ascend.")
		}
	}
	if len(bounds) < 2 {
		return nil, refuse("$bucket needs two boundaries or more.")
	}
	other, err := otherwise(b.Default)
	if err != nil {
		return nil, err
	}
	return streamed(b.interval(bounds, other), b.outputs, func(list []Row) []Row {
		slices.SortStableFunc(list, func(x, y Row) int { return compare(x["_id"], y["_id"]) })
		return list
	}), nil
}

// otherwise is the bucket of values outside the boundaries, nil without one.
func otherwise(text json.RawMessage) (*any, error) {
	if len(text) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	value, err := decode(text)
	return &value, err
}

func (b *bucketing) interval(bounds []any, other *any) expr {
	return func(s scope) (any, bool, error) {
		value, _, err := b.by(s)
		if err != nil {
			return nil, false, err
		}
		for i := 1; i < len(bounds) && value != nil; i++ {
			if compare(value, bounds[i-1]) >= 0 && compare(value, bounds[i]) < 0 {
				return bounds[i-1], true, nil
			}
		}
		if other == nil {
			return nil, false, refuse("$bucket has no default for a value outside its boundaries.")
		}
		return *other, true, nil
	}
}

// bucketsMax bounds the buckets of $bucketAuto.
const bucketsMax = 1000

// bucketAuto makes buckets of about the same size; equal values share one.
func bucketAuto(operand json.RawMessage) (stage, error) {
	b, err := parseBucket("$bucketAuto", operand)
	if err != nil {
		return nil, err
	}
	if b.Buckets < 1 || b.Buckets > bucketsMax {
		return nil, refuse("$bucketAuto needs 1 to %d buckets.", bucketsMax)
	}
	return late(b.even), nil
}

func (b *bucketing) even(r *run, list []Row) ([]Row, error) {
	type valued struct {
		value any
		row   Row
	}
	all := make([]valued, len(list))
	for i, row := range list {
		value, _, err := b.by(scope{row, r})
		if err != nil {
			return nil, err
		}
		all[i] = valued{value, row}
	}
	slices.SortStableFunc(all, func(x, y valued) int { return compare(x.value, y.value) })
	size := max(1, (len(all)+b.Buckets-1)/b.Buckets)
	var made []Row
	for from := 0; from < len(all); {
		to := min(from+size, len(all))
		for to < len(all) && compare(all[to-1].value, all[to].value) == 0 {
			to++
		}
		top := all[to-1].value
		if to < len(all) {
			top = all[to].value
		}
		g := newGrouping(nil, b.outputs)
		for _, v := range all[from:to] {
			if err := g.put(r, map[string]any{"min": all[from].value, "max": top}, v.row); err != nil {
				return nil, err
			}
		}
		made = append(made, g.rows()...)
		from = to
	}
	return made, nil
}
