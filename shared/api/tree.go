package api

import (
	"fmt"
	"strings"
)

// tree finds a route by method and path segments. Literal segments win over
// parameters, at every position, which net/http's mux refuses to decide (it
// panics on pairs such as /usage/history/{type} and /usage/{org}/current).
type tree struct {
	literal map[string]*tree
	param   *tree
	rest    map[string]*leaf // by method, for a last {name...}
	leaves  map[string]*leaf // by method
}

type leaf struct {
	route *Route
	names []string // parameter names in order of their position
}

// add enters a route; a second one of the same method and shape is an error.
func (t *tree) add(r *Route) error {
	node := t
	var names []string
	for _, segment := range segments(r.Path) {
		name, isParam := strings.CutPrefix(segment, "{")
		if !isParam {
			node = node.child(segment)
			continue
		}
		name = strings.TrimSuffix(name, "}")
		if rest, isRest := strings.CutSuffix(name, "..."); isRest {
			return put(&node.rest, r, append(names, rest))
		}
		names = append(names, name)
		if node.param == nil {
			node.param = &tree{}
		}
		node = node.param
	}
	return put(&node.leaves, r, names)
}

func (t *tree) child(segment string) *tree {
	if t.literal == nil {
		t.literal = map[string]*tree{}
	}
	if t.literal[segment] == nil {
		t.literal[segment] = &tree{}
	}
	return t.literal[segment]
}

func put(leaves *map[string]*leaf, r *Route, names []string) error {
	if *leaves == nil {
		*leaves = map[string]*leaf{}
	}
	if other := (*leaves)[r.Method]; other != nil {
		return fmt.Errorf("route %s: the same as %s", r.Pattern(), other.route.Pattern())
	}
	(*leaves)[r.Method] = &leaf{route: r, names: names}
	return nil
}

// find returns the leaf for a path and the values of its parameters. HEAD is
// served by GET.
func (t *tree) find(method string, path []string, values []string) (*leaf, []string) {
	if len(path) == 0 {
		if l := byMethod(t.leaves, method); l != nil {
			return l, values
		}
		return nil, nil
	}
	if next := t.literal[path[0]]; next != nil {
		if l, v := next.find(method, path[1:], values); l != nil {
			return l, v
		}
	}
	if t.param != nil {
		if l, v := t.param.find(method, path[1:], append(values, path[0])); l != nil {
			return l, v
		}
	}
	if l := byMethod(t.rest, method); l != nil {
		return l, append(values, strings.Join(path, "/"))
	}
	return nil, nil
}

func byMethod(leaves map[string]*leaf, method string) *leaf {
	if l := leaves[method]; l != nil || method != "HEAD" {
		return l
	}
	return leaves["GET"]
}

// segments splits a path; duplicate and trailing slashes do not count, nor does
// the /api prefix that a site's proxy may have left on.
func segments(path string) []string {
	parts := make([]string, 0, 8)
	for part := range strings.SplitSeq(path, "/") {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) > 1 && parts[0] == "api" {
		return parts[1:]
	}
	return parts
}
