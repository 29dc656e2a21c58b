package collection

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// One file per collection, in a folder per domain: asking for one collection
// parses one file, and the start of a process parses none.
//
//go:embed builtin
var files embed.FS

const root = "builtin"

// file is the form of a built-in definition on disk.
type file struct {
	Name        string            `json:"name"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Mark        Mark              `json:"mark"`
	Public      bool              `json:"public"`
	Versioning  bool              `json:"versioning"`
	SubSchema   bool              `json:"subSchema"`
	Natural     bool              `json:"natural"`
	Customers   bool              `json:"customers"`
	AdminOnly   bool              `json:"adminOnly"`
	Secrets     []string          `json:"secrets"`
	Slots       map[string]string `json:"slots"`
	Schema      json.RawMessage   `json:"schema"`
}

// Builtin parses the definition of a built-in collection; ok is false for any
// other name. It is not cached: a Catalogue is.
func Builtin(name string) (d *Definition, ok bool, err error) {
	text, ok := source(name)
	if !ok {
		return nil, false, nil
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, true, fmt.Errorf("parse collection %s: %w", name, err)
	}
	d = &Definition{
		Name: f.Name, Title: f.Title, Description: f.Description, Mark: f.Mark, Public: f.Public,
		Versioning: f.Versioning, SubSchema: f.SubSchema, Natural: f.Natural, Customers: f.Customers, AdminOnly: f.AdminOnly, Secrets: f.Secrets,
		Slots: fixed(f.Slots), Schema: f.Schema,
	}
	if err := d.walk(); err != nil {
		return nil, true, fmt.Errorf("read schema of %s: %w", name, err)
	}
	d.GuardName = slices.ContainsFunc(d.Unique, func(u Unique) bool { return u.Field == "data.name" && len(u.Scope) == 0 })
	return d, true, nil
}

// IsBuiltin says whether the name is taken by the platform.
func IsBuiltin(name string) bool {
	_, ok := source(name)
	return ok
}

// BuiltinNames lists every built-in collection, sorted.
func BuiltinNames() []string {
	var names []string
	for _, domain := range domains() {
		entries, err := files.ReadDir(path.Join(root, domain))
		if err != nil {
			continue
		}
		for _, e := range entries {
			names = append(names, strings.TrimSuffix(e.Name(), ".json"))
		}
	}
	slices.Sort(names)
	return names
}

// source finds a collection's file by trying each domain: a dozen binary
// searches in the embedded directory, about a microsecond.
func source(name string) ([]byte, bool) {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "/.") {
		return nil, false
	}
	for _, domain := range domains() {
		if text, err := files.ReadFile(root + "/" + domain + "/" + name + ".json"); err == nil {
			return text, true
		}
	}
	return nil, false
}

func domains() []string {
	return []string{
		"users", "people", "system", "site", "storefront", "communication",
		"events", "finance", "business", "community", "logistics",
	}
}
