package repository

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/table"
)

// projection cuts records down to the fields asked for.
type projection struct{ include, exclude, mask []string }

// masked stands where a value is not shown.
const masked = "******"

func (p projection) apply(doc table.Doc) (table.Doc, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var whole map[string]any
	if err := d.Decode(&whole); err != nil {
		return nil, fmt.Errorf("project record: %w", err)
	}
	if len(p.include) > 0 {
		whole = included(whole, p.include)
	}
	for _, path := range p.exclude {
		if !identity(path) {
			edit(whole, strings.Split(path, "."), func(at map[string]any, name string) { delete(at, name) })
		}
	}
	for _, path := range p.mask {
		if !identity(path) {
			edit(whole, strings.Split(path, "."), func(at map[string]any, name string) {
				if _, has := at[name]; has {
					at[name] = masked
				}
			})
		}
	}
	return table.NewDoc(whole)
}

// identity says whether a field always stays.
func identity(path string) bool {
	return path == "pk" || path == "sk" || path == "datatype" || path == "version"
}

func included(whole map[string]any, paths []string) map[string]any {
	kept := map[string]any{}
	for _, path := range append([]string{"pk", "sk", "datatype", "version"}, paths...) {
		take(whole, kept, strings.Split(path, "."))
	}
	return kept
}

func take(from, to map[string]any, path []string) {
	value, has := from[path[0]]
	if !has {
		return
	}
	below, isObject := value.(map[string]any)
	if len(path) == 1 || !isObject {
		to[path[0]] = value
		return
	}
	inner, ok := to[path[0]].(map[string]any)
	if !ok {
		inner = map[string]any{}
		to[path[0]] = inner
	}
	take(below, inner, path[1:])
}

// edit reaches the object that holds a path's last part, through every element
// of arrays on the way.
func edit(at any, path []string, change func(map[string]any, string)) {
	switch at := at.(type) {
	case map[string]any:
		if len(path) == 1 {
			change(at, path[0])
			return
		}
		edit(at[path[0]], path[1:], change)
	case []any:
		for _, below := range at {
			edit(below, path, change)
		}
	}
}
