package aggregate

import (
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/appmint/appengine/shared/filter"
)

func match(operand json.RawMessage) (stage, error) {
	f, err := filter.Parse(operand)
	return each(func(_ *run, row Row) (Row, bool, error) {
		text, err := encode(row)
		return row, err == nil && f.Match(text), err
	}), err
}

func sortStage(operand json.RawMessage) (stage, error) {
	order, err := ParseOrder(operand)
	if err == nil && len(order) == 0 {
		err = refuse("$sort needs fields.")
	}
	return late(func(_ *run, list []Row) ([]Row, error) {
		var failed error
		arrange(order, list, func(row Row, path []string) []byte {
			value, had := at(row, path)
			if !had {
				return nil
			}
			text, err := encode(value)
			if err != nil {
				failed = err
			}
			return text
		})
		return list, failed
	}), err
}

// counted is a stage whose operand is a number of rows.
func counted(name string, operand json.RawMessage) (stage, error) {
	if name == "$sample" {
		var o struct {
			Size json.RawMessage `json:"size"`
		}
		if json.Unmarshal(operand, &o) != nil {
			return nil, refuse("$sample needs {size}.")
		}
		operand = o.Size
	}
	n, ok := position(json.Number(operand))
	if !ok || n < 0 || n == 0 && name != "$skip" {
		return nil, refuse("%s needs a number of rows.", name)
	}
	switch name {
	case "$skip":
		return skip(n), nil
	case "$limit":
		return limit(n), nil
	}
	return late(func(r *run, list []Row) ([]Row, error) { return sample(r, list, n), nil }), nil
}

func skip(n int) stage {
	return func(_ *run, in rows) rows {
		return func(yield func(Row, error) bool) {
			i := 0
			for row, err := range in {
				i++
				if (i > n || err != nil) && !yield(row, err) {
					return
				}
			}
		}
	}
}

func limit(n int) stage {
	return func(_ *run, in rows) rows {
		return func(yield func(Row, error) bool) {
			i := 0
			for row, err := range in {
				i++
				if !yield(row, err) || i >= n {
					return
				}
			}
		}
	}
}

// sample draws rows without repeating one.
func sample(r *run, list []Row, n int) []Row {
	var b [8]byte
	n = min(n, len(list))
	for i := range n {
		r.env.Random(b[:])
		j := i + int(binary.BigEndian.Uint64(b[:])%uint64(len(list)-i)) //nolint:gosec // below len(list)
		list[i], list[j] = list[j], list[i]
	}
	return list[:n]
}

func countStage(operand json.RawMessage) (stage, error) {
	var name string
	if json.Unmarshal(operand, &name) != nil || name == "" || strings.ContainsAny(name, "$.") {
		return nil, refuse("$count needs the name of a field.")
	}
	return func(_ *run, in rows) rows {
		return func(yield func(Row, error) bool) {
			n := 0
			for _, err := range in {
				if err != nil {
					yield(nil, err)
					return
				}
				n++
			}
			if n > 0 {
				yield(Row{name: whole(n)}, nil)
			}
		}
	}, nil
}

// unwinding is $unwind with its options.
type unwinding struct {
	Path  string `json:"path"`
	Index string `json:"includeArrayIndex"`
	Empty bool   `json:"preserveNullAndEmptyArrays"`

	path []string
}

func unwind(operand json.RawMessage) (stage, error) {
	var u unwinding
	if json.Unmarshal(operand, &u.Path) != nil && json.Unmarshal(operand, &u) != nil || !strings.HasPrefix(u.Path, "$") {
		return nil, refuse("$unwind needs a path such as \"$data.items\".")
	}
	var err error
	if u.path, err = fieldPath(u.Path[1:]); err != nil {
		return nil, err
	}
	if u.Index != "" {
		if _, err := fieldPath(u.Index); err != nil {
			return nil, err
		}
	}
	return u.stage, nil
}

func (u unwinding) stage(_ *run, in rows) rows {
	return func(yield func(Row, error) bool) {
		for row, err := range in {
			if err != nil {
				yield(nil, err)
				return
			}
			if !u.spread(row, yield) {
				return
			}
		}
	}
}

// spread passes on a row once per element.
func (u unwinding) spread(row Row, yield func(Row, error) bool) bool {
	value, had := at(row, u.path)
	list, isList := value.([]any)
	if !isList {
		if had && value != nil || u.Empty {
			return yield(u.numbered(row, nil))
		}
		return true
	}
	if len(list) == 0 && u.Empty {
		bare, err := without(row, u.path)
		if err != nil {
			return yield(nil, err)
		}
		return yield(u.numbered(bare, nil))
	}
	for i, element := range list {
		one, err := with(row, u.path, func(any, bool) (any, bool, error) { return element, true, nil })
		if err != nil {
			return yield(nil, err)
		}
		if !yield(u.numbered(one, whole(i))) {
			return false
		}
	}
	return true
}

func (u unwinding) numbered(row Row, index any) (Row, error) {
	if u.Index == "" {
		return row, nil
	}
	return with(row, strings.Split(u.Index, "."), func(any, bool) (any, bool, error) { return index, true, nil })
}

func unsetStage(operand json.RawMessage) (stage, error) {
	var names []string
	var one string
	if json.Unmarshal(operand, &one) == nil {
		names = []string{one}
	} else if json.Unmarshal(operand, &names) != nil {
		return nil, refuse("$unset needs a field or a list of fields.")
	}
	paths := make([][]string, len(names))
	for i, name := range names {
		path, err := fieldPath(name)
		if err != nil {
			return nil, err
		}
		paths[i] = path
	}
	return each(func(_ *run, row Row) (Row, bool, error) {
		var err error
		for _, path := range paths {
			if row, err = without(row, path); err != nil {
				return nil, false, err
			}
		}
		return row, true, nil
	}), nil
}

// facet runs several pipelines over the same rows.
func (p *parser) facet(operand json.RawMessage) (stage, error) {
	members, ok := Members(operand)
	if !ok || len(members) == 0 {
		return nil, refuse("$facet needs an object of pipelines.")
	}
	branches := make(map[string][]stage, len(members))
	for _, m := range members {
		var list []json.RawMessage
		if json.Unmarshal(m.Value, &list) != nil {
			return nil, refuse("The facet %q is not a pipeline.", m.Name)
		}
		stages, err := p.pipeline(list)
		if err != nil {
			return nil, err
		}
		branches[m.Name] = stages
	}
	return late(func(r *run, list []Row) ([]Row, error) {
		whole := Row{}
		for name, stages := range branches {
			found, err := collect(r.through(stages, replay(list)))
			if err != nil {
				return nil, err
			}
			values := make([]any, len(found))
			for i, row := range found {
				values[i] = row
			}
			whole[name] = values
		}
		return []Row{whole}, nil
	}), nil
}

func replay(list []Row) rows {
	return func(yield func(Row, error) bool) {
		for _, row := range list {
			if !yield(row, nil) {
				return
			}
		}
	}
}
