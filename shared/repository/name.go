package repository

import (
	"strings"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
)

// nameMax is how long a derived name gets.
const nameMax = 50

// derivedName is the name of a record that was given none: data.name as a slug,
// or else username, email or title. unique says that it is data.name and that
// the collection wants it once.
func derivedName(d *collection.Definition, data []byte) (name string, unique bool) {
	for _, field := range []string{"name", "username", "email", "title"} {
		if text := strings.TrimSpace(filter.Text(data, field)); text != "" {
			return slug(text), field == "name" && d.GuardName
		}
	}
	return "", false
}

func slug(text string) string {
	name := strings.ReplaceAll(collection.URI(text), "/", "-")
	if len(name) > nameMax {
		name = strings.TrimRight(name[:nameMax], "-")
	}
	return name
}

// explicitName checks a name that the caller chose.
func explicitName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if len(name) > 2*nameMax {
		return "", ErrBadRecord.WithMessage("A name has at most 100 characters.")
	}
	return strings.ReplaceAll(collection.URI(name), "/", "-"), nil
}

// guard is one unique value that a record holds.
type guard struct {
	field string
	sort  string
}

// guards lists the unique values of a record; absent ones are ignored.
func guards(d *collection.Definition, rec record.Raw) []guard {
	var list []guard
	scopedName := false
	for _, u := range d.Unique {
		scopedName = scopedName || u.Field == "data.name" && len(u.Scope) > 0
		value := scalarText(rec.Data, u.Field)
		if value == "" {
			continue
		}
		scope := make([]string, len(u.Scope))
		for i, path := range u.Scope {
			scope[i] = normal(scalarText(rec.Data, path))
		}
		list = append(list, guard{u.Field, guardKey(rec.Datatype, u.Field, scope, value).Sort})
	}
	if rec.Name == "" || scopedName {
		return list
	}
	if derived, unique := derivedName(d, rec.Data); unique || derived != rec.Name {
		list = append(list, guard{"name", guardKey(rec.Datatype, "name", nil, rec.Name).Sort})
	}
	return distinct(list)
}

func distinct(list []guard) []guard {
	seen := map[string]bool{}
	kept := list[:0]
	for _, g := range list {
		if !seen[g.sort] {
			seen[g.sort] = true
			kept = append(kept, g)
		}
	}
	return kept
}

// scalarText is the text of a scalar in the payload; path begins with "data.".
func scalarText(data []byte, path string) string {
	raw := filter.Get(data, strings.Split(strings.TrimPrefix(path, collection.Wrapper), ".")...)
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || string(raw) == "null" {
		return ""
	}
	if raw[0] == '"' {
		return filter.Text(raw)
	}
	return string(raw)
}
