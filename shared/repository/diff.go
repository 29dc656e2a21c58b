package repository

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/appmint/appengine/shared/record"
)

// changedMax bounds how many paths an event lists; past it only the branches
// directly below data are named.
const changedMax = 64

// changedPaths lists the dotted paths in which two versions of a record differ,
// sorted; members that every write changes are left out.
func changedPaths(old, rec record.Raw) []string {
	var list []string
	if old.State != rec.State {
		list = append(list, "state")
	}
	if old.Name != rec.Name {
		list = append(list, "name")
	}
	if !reflect.DeepEqual(old.Owner, rec.Owner) {
		list = append(list, "owner")
	}
	if !reflect.DeepEqual(old.RequiredRole, rec.RequiredRole) {
		list = append(list, "requiredRole")
	}
	for name, pair := range map[string][2]json.RawMessage{
		"workflow": {old.Workflow, rec.Workflow}, "post": {old.Post, rec.Post}, "style": {old.Style, rec.Style},
		"rules": {old.Rules, rec.Rules}, "stats": {old.Stats, rec.Stats}, "share": {old.Share, rec.Share},
	} {
		if !bytes.Equal(pair[0], pair[1]) {
			list = append(list, name)
		}
	}
	list = append(list, dataPaths(old.Data, rec.Data)...)
	slices.Sort(list)
	return list
}

func dataPaths(old, rec json.RawMessage) []string {
	if bytes.Equal(old, rec) {
		return nil
	}
	var before, after any
	if json.Unmarshal(old, &before) != nil || json.Unmarshal(rec, &after) != nil {
		return []string{"data"}
	}
	paths := differ(nil, "data", before, after, 8)
	if len(paths) > changedMax {
		paths = differ(nil, "data", before, after, 1)
	}
	if len(paths) > changedMax {
		return []string{"data"}
	}
	return paths
}

func differ(list []string, path string, before, after any, depth int) []string {
	a, isA := before.(map[string]any)
	b, isB := after.(map[string]any)
	if !isA || !isB || depth == 0 {
		if reflect.DeepEqual(before, after) {
			return list
		}
		return append(list, path)
	}
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list = differ(list, path+"."+name, a[name], b[name], depth-1)
	}
	return list
}

// sortedPaths lists the keys in order, so that a branch comes before what lies
// in it.
func sortedPaths(paths map[string]json.RawMessage) []string { return slices.Sorted(maps.Keys(paths)) }
