package collection

import (
	"encoding/json"
	"fmt"
	"slices"
)

// rules is the part of a schema that changes values: a tree with a branch for
// each property that has a default or a transform somewhere below it.
type rules struct {
	fill       any // default; nil means none
	transforms []transform
	format     string
	properties map[string]*rules
	order      []string // property names, sorted: rules apply in a fixed order
	items      *rules
	others     *rules // additional properties
}

// empty says that nothing of the tree changes anything.
func (r *rules) empty() bool {
	return r == nil || r.fill == nil && len(r.transforms) == 0 && r.format == "" &&
		len(r.properties) == 0 && r.items == nil && r.others == nil
}

// node is what the walk reads of a schema.
type node struct {
	Type        any                        `json:"type"`
	Default     json.RawMessage            `json:"default"`
	Transform   any                        `json:"transform"`
	Format      string                     `json:"format"`
	Unique      any                        `json:"unique"`
	UniqueScope any                        `json:"uniqueScope"`
	Indexed     bool                       `json:"indexed"`
	TextSearch  any                        `json:"textSearch"`
	Properties  map[string]json.RawMessage `json:"properties"`
	Items       json.RawMessage            `json:"items"`
	Additional  json.RawMessage            `json:"additionalProperties"`
}

// depthMax bounds how deep schemas nest.
const depthMax = 32

// walk reads rules, unique and search fields out of the schema.
func (d *Definition) walk() error {
	if len(d.Schema) == 0 {
		return nil
	}
	r, err := d.branch(d.Schema, "data", 0)
	if err != nil {
		return err
	}
	d.rules = r
	slices.SortFunc(d.Unique, func(a, b Unique) int { return compareText(a.Field, b.Field) })
	slices.Sort(d.Search)
	return nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// branch reads one schema node. path is "" below an array or a map, where
// uniqueness and search do not reach.
func (d *Definition) branch(text json.RawMessage, path string, depth int) (*rules, error) {
	if depth > depthMax {
		return nil, ErrInvalidDefinition.WithMessage("The schema is nested too deeply.")
	}
	var n node
	if len(text) == 0 || text[0] != '{' {
		return nil, nil //nolint:nilnil // true and false are schemas without rules
	}
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", path, err)
	}
	d.declare(n, path)
	r := &rules{format: instantFormat(n.Format), transforms: transformsOf(n.Transform)}
	if len(n.Default) > 0 {
		r.fill = decode(n.Default)
	}
	return r, d.children(r, n, path, depth)
}

func (d *Definition) children(r *rules, n node, path string, depth int) error {
	for name, text := range n.Properties {
		below := ""
		if path != "" {
			below = path + "." + name
		}
		child, err := d.branch(text, below, depth+1)
		if err != nil {
			return err
		}
		if child.empty() {
			continue
		}
		if r.properties == nil {
			r.properties = map[string]*rules{}
		}
		r.properties[name] = child
		r.order = append(r.order, name)
	}
	slices.Sort(r.order)
	return d.elements(r, n, depth)
}

func (d *Definition) elements(r *rules, n node, depth int) error {
	items, err := d.branch(n.Items, "", depth+1)
	if err != nil {
		return err
	}
	others, err := d.branch(n.Additional, "", depth+1)
	if err != nil {
		return err
	}
	if !items.empty() {
		r.items = items
	}
	if !others.empty() {
		r.others = others
	}
	return nil
}

// declare notes what a property says about itself.
func (d *Definition) declare(n node, path string) {
	if path == "" || path == "data" {
		return
	}
	if truthy(n.Unique) {
		d.Unique = append(d.Unique, Unique{Field: path, Scope: scopes(n.UniqueScope)})
	}
	if truthy(n.TextSearch) {
		d.Search = append(d.Search, path)
	}
}

// scopes reads uniqueScope: a field name of the payload, or several.
func scopes(value any) []string {
	fields := texts(value)
	for i, name := range fields {
		fields[i] = Wrapper + name
	}
	return fields
}

// texts reads a string, or a list of strings.
func texts(value any) []string {
	switch value := value.(type) {
	case string:
		if value != "" {
			return []string{value}
		}
	case []any:
		var list []string
		for _, v := range value {
			if s, ok := v.(string); ok && s != "" {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}

func truthy(value any) bool {
	switch value := value.(type) {
	case bool:
		return value
	case map[string]any, json.Number, float64:
		return true
	case string:
		return value == "true"
	}
	return false
}
