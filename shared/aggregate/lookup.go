package aggregate

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// joining is $lookup as written.
type joining struct {
	From         string            `json:"from"`
	LocalField   string            `json:"localField"`
	ForeignField string            `json:"foreignField"`
	As           string            `json:"as"`
	Let          json.RawMessage   `json:"let"`
	Pipeline     []json.RawMessage `json:"pipeline"`

	local, foreign, as []string
	stages             []stage
}

func (p *parser) lookup(operand json.RawMessage) (stage, error) {
	var j joining
	if json.Unmarshal(operand, &j) != nil || j.From == "" || j.As == "" || j.LocalField == "" || j.ForeignField == "" {
		return nil, refuse("$lookup needs from, localField, foreignField and as.")
	}
	if len(j.Let) > 0 {
		return nil, refuse("$lookup with let is not supported; use localField and foreignField.")
	}
	var err error
	for path, name := range map[*[]string]string{&j.local: j.LocalField, &j.foreign: j.ForeignField, &j.as: j.As} {
		if *path, err = fieldPath(name); err != nil {
			return nil, err
		}
	}
	if j.stages, err = p.pipeline(j.Pipeline); err != nil {
		return nil, err
	}
	return late(j.join), nil
}

// valuesMax is how many values are asked for in one filter.
const valuesMax = 1000

// join reads the other collection's records by the values that the rows hold,
// and gives each row those that match its own; null and missing match each other.
func (j joining) join(r *run, list []Row) ([]Row, error) {
	wanted := map[string]bool{}
	keys := make([][]string, len(list))
	for i, row := range list {
		found, err := keysAt(row, j.local)
		if err != nil {
			return nil, err
		}
		keys[i] = found
		for _, key := range found {
			wanted[key] = true
		}
	}
	byKey, err := j.fetch(r, slices.Sorted(maps.Keys(wanted)))
	if err != nil {
		return nil, err
	}
	for i, row := range list {
		matches, err := j.matches(r, keys[i], byKey)
		if err != nil {
			return nil, err
		}
		if list[i], err = with(row, j.as, func(any, bool) (any, bool, error) { return matches, true, nil }); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// matches are the records for one row, in the order of their ids, after the
// join's own pipeline.
func (j joining) matches(r *run, keys []string, byKey map[string][]joined) ([]any, error) {
	var found []joined
	seen := map[int]bool{}
	for _, key := range keys {
		for _, m := range byKey[key] {
			if !seen[m.at] {
				seen[m.at] = true
				found = append(found, m)
			}
		}
	}
	slices.SortFunc(found, func(a, b joined) int { return a.at - b.at })
	list := make([]Row, len(found))
	for i, m := range found {
		list[i] = m.row
	}
	list, err := collect(r.through(j.stages, replay(list)))
	values := make([]any, len(list))
	for i, row := range list {
		values[i] = row
	}
	return values, err
}

// joined is a record of the other collection with its place in the result.
type joined struct {
	at  int
	row Row
}

func (j joining) fetch(r *run, wanted []string) (map[string][]joined, error) {
	byKey := map[string][]joined{}
	n := 0
	for chunk := range slices.Chunk(wanted, valuesMax) {
		name, err := json.Marshal(j.ForeignField)
		if err != nil {
			return nil, err
		}
		query := `{` + string(name) + `:{"$in":[` + strings.Join(chunk, ",") + `]}}`
		docs, err := r.env.Fetch(r.ctx, j.From, json.RawMessage(query))
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			if n++; n > rowsMax {
				return nil, ErrBudget
			}
			if err := j.index(byKey, doc, n); err != nil {
				return nil, err
			}
		}
	}
	return byKey, nil
}

func (j joining) index(byKey map[string][]joined, doc json.RawMessage, n int) error {
	value, err := decode(doc)
	if err != nil {
		return err
	}
	row, _ := value.(Row)
	keys, err := keysAt(row, j.foreign)
	if err != nil {
		return err
	}
	for _, key := range keys {
		byKey[key] = append(byKey[key], joined{n, row})
	}
	return nil
}

// keysAt are the values at a path, those in a list one by one, as text.
func keysAt(row Row, path []string) ([]string, error) {
	value, _ := at(row, path)
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	keys := make([]string, 0, len(list))
	for _, v := range list {
		key, err := keyOf(v)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}
