package httpapi

import (
	"fmt"
	"slices"
	"strings"
)

const (
	anyMethod    = "ANY"
	defaultRoute = "$default"
)

// node is one path segment of the routing tree.
type node struct {
	children map[string]*node
	variable *node             // {name}
	full     map[string]*route // routes that end here, by method
	greedy   map[string]*route // routes that end in {name+} below here
}

// router chooses routes in API Gateway's order: a full match of the path
// before a greedy one, the longer greedy prefix before the shorter, and in
// each of these the method itself before ANY; $default last.
type router struct {
	root     node
	fallback *route
}

func (r *router) add(key string, to *route) error {
	if key == defaultRoute {
		if r.fallback != nil {
			return fmt.Errorf("route %s is there twice", key)
		}
		r.fallback = to
		return nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !strings.HasPrefix(path, "/") || method == "" {
		return fmt.Errorf("route %q: want a method and a path", key)
	}
	at := &r.root
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		name, variable := strings.CutPrefix(segment, "{")
		if !variable {
			at = at.child(segment)
			continue
		}
		name, closed := strings.CutSuffix(name, "}")
		name, greedy := strings.CutSuffix(name, "+")
		if !closed || name == "" || (greedy && i != len(segments)-1) {
			return fmt.Errorf("route %q: %s is malformed or not at the end", key, segment)
		}
		to.names = append(to.names, name)
		if greedy {
			return put(&at.greedy, method, to, key)
		}
		if at.variable == nil {
			at.variable = &node{}
		}
		at = at.variable
	}
	return put(&at.full, method, to, key)
}

func (n *node) child(segment string) *node {
	if n.children == nil {
		n.children = map[string]*node{}
	}
	child, ok := n.children[segment]
	if !ok {
		child = &node{}
		n.children[segment] = child
	}
	return child
}

func put(routes *map[string]*route, method string, to *route, key string) error {
	if *routes == nil {
		*routes = map[string]*route{}
	}
	if _, twice := (*routes)[method]; twice {
		return fmt.Errorf("route %q is there twice", key)
	}
	(*routes)[method] = to
	return nil
}

// find returns the route and appends the values of its path variables, in the
// order of its names.
func (r *router) find(method, path string, values []string) (*route, []string) {
	path = strings.TrimPrefix(path, "/")
	if found, values := r.root.whole(method, path, values); found != nil {
		return found, values
	}
	if found, values := r.root.longest(method, path, values); found != nil {
		return found, values
	}
	return r.fallback, values[:0]
}

func pick(routes map[string]*route, method string) *route {
	if found, ok := routes[method]; ok {
		return found
	}
	return routes[anyMethod]
}

// whole matches the whole path, a literal segment before a variable.
func (n *node) whole(method, path string, values []string) (*route, []string) {
	segment, rest, more := strings.Cut(path, "/")
	for _, next := range [2]*node{n.children[segment], n.variable} {
		if next == nil || (next == n.variable && segment == "") {
			continue
		}
		bound := values
		if next == n.variable {
			bound = append(slices.Clip(values), segment)
		}
		if !more {
			if found := pick(next.full, method); found != nil {
				return found, bound
			}
			continue
		}
		if found, bound := next.whole(method, rest, bound); found != nil {
			return found, bound
		}
	}
	return nil, values
}

// longest matches a greedy route; the deepest node that has one wins.
func (n *node) longest(method, path string, values []string) (*route, []string) {
	if path == "" {
		return nil, values // a greedy variable wants at least one character
	}
	segment, rest, more := strings.Cut(path, "/")
	if more {
		if next := n.children[segment]; next != nil {
			if found, bound := next.longest(method, rest, values); found != nil {
				return found, bound
			}
		}
		if n.variable != nil && segment != "" {
			if found, bound := n.variable.longest(method, rest, append(slices.Clip(values), segment)); found != nil {
				return found, bound
			}
		}
	}
	if found := pick(n.greedy, method); found != nil {
		return found, append(values, path)
	}
	return nil, values
}
