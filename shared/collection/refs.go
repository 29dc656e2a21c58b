package collection

import (
	"encoding/json"
	"slices"
	"strings"
)

// Reference is a field that points at records of a collection.
type Reference struct {
	Path   string // of the field, "data.items.sku"; elements of lists are meant alike
	Target string // the collection pointed at
	Key    string // which of its fields is held; "" means the id
}

// References lists the fields that are declared to point at other records, by
// the schema's keyword ref. It reads the schema anew at every call.
func (d *Definition) References() []Reference {
	var list []Reference
	references(d.Schema, "data", 0, &list)
	slices.SortFunc(list, func(a, b Reference) int { return compareText(a.Path, b.Path) })
	return list
}

func references(schema json.RawMessage, path string, depth int, list *[]Reference) {
	var n struct {
		Ref        any                        `json:"ref"`
		Properties map[string]json.RawMessage `json:"properties"`
		Items      json.RawMessage            `json:"items"`
	}
	if depth > depthMax || len(schema) == 0 || schema[0] != '{' || json.Unmarshal(schema, &n) != nil {
		return
	}
	if text, ok := n.Ref.(string); ok && text != "" {
		target, key, _ := strings.Cut(text, ".")
		*list = append(*list, Reference{Path: path, Target: target, Key: key})
	}
	for name, below := range n.Properties {
		references(below, path+"."+name, depth+1, list)
	}
	references(n.Items, path, depth+1, list)
}
