package update

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/filter"
)

// change makes a new value of the one at a path; had says whether there is one.
// With keep false the value goes away.
type change func(old any, had bool) (value any, keep bool, err error)

// rewrite applies a change at a path, making the objects on the way when create
// is set, and returns the container that it was given, grown if it is a list.
func rewrite(at any, path []string, create bool, c change) (any, error) {
	switch at := at.(type) {
	case map[string]any:
		return at, rewriteMember(at, path, create, c)
	case []any:
		if path[0] == each {
			return at, rewriteEach(at, path[1:], create, c)
		}
		return rewriteElement(at, path, create, c)
	}
	if !create {
		return at, nil
	}
	return at, refuse("%q cannot be set below a value that is no object.", strings.Join(path, "."))
}

func rewriteMember(at map[string]any, path []string, create bool, c change) error {
	name := path[0]
	if name == each {
		return refuse("The field before $[] is not a list.")
	}
	old, had := at[name]
	if len(path) == 1 {
		value, keep, err := c(old, had)
		if keep {
			at[name] = value
		} else {
			delete(at, name)
		}
		return err
	}
	if !had {
		if !create {
			return nil
		}
		if path[1] == each {
			return refuse("The field %q is not a list.", name)
		}
		old = map[string]any{}
	}
	value, err := rewrite(old, path[1:], create, c)
	at[name] = value
	return err
}

func rewriteEach(at []any, path []string, create bool, c change) error {
	for i := range at {
		if err := rewriteAt(at, i, path, create, c); err != nil {
			return err
		}
	}
	return nil
}

// rewriteAt changes one element, or what lies below it. An element that would go
// away becomes null, so that the others keep their places.
func rewriteAt(at []any, i int, path []string, create bool, c change) error {
	if len(path) == 0 {
		value, keep, err := c(at[i], true)
		if !keep {
			value = nil
		}
		at[i] = value
		return err
	}
	value, err := rewrite(at[i], path, create, c)
	at[i] = value
	return err
}

func rewriteElement(at []any, path []string, create bool, c change) (any, error) {
	i, err := strconv.Atoi(path[0])
	if err != nil || i < 0 || i > len(at)+elementsMax {
		if !create {
			return at, nil
		}
		return at, refuse("%q is not a position of that list.", path[0])
	}
	if i >= len(at) {
		if !create {
			return at, nil
		}
		for len(at) < i {
			at = append(at, nil)
		}
		if len(path) == 1 {
			value, keep, err := c(nil, false)
			if keep {
				at = append(at, value)
			}
			return at, err
		}
		at = append(at, map[string]any{})
	}
	return at, rewriteAt(at, i, path[1:], create, c)
}

// lookup returns the value at a path of members and positions.
func lookup(at any, path []string) (any, bool) {
	for _, segment := range path {
		switch below := at.(type) {
		case map[string]any:
			value, had := below[segment]
			if !had {
				return nil, false
			}
			at = value
		case []any:
			i, err := strconv.Atoi(segment)
			if err != nil || i < 0 || i >= len(below) {
				return nil, false
			}
			at = below[i]
		default:
			return nil, false
		}
	}
	return at, true
}

// positioned replaces the positional $ of a path by the place of the first
// element with which alone in the list the document still matches.
func positioned(doc map[string]any, path []string, match *filter.Filter) ([]string, error) {
	at := slices.Index(path, matched)
	if at < 0 {
		return path, nil
	}
	name := strings.Join(path[:at], ".")
	value, _ := lookup(doc, path[:at])
	list, ok := value.([]any)
	if !ok || match.Empty() {
		return nil, refuse("The positional $ needs a filter on an element of the list %q.", name)
	}
	for i, element := range list {
		alone := func(any, bool) (any, bool, error) { return []any{element}, true, nil }
		if _, err := rewrite(doc, path[:at], false, alone); err != nil {
			return nil, err
		}
		if text, err := encode(doc); err == nil && match.Match(text) {
			found := slices.Clone(path)
			found[at] = strconv.Itoa(i)
			return found, restore(doc, path[:at], list)
		}
	}
	if err := restore(doc, path[:at], list); err != nil {
		return nil, err
	}
	return nil, refuse("The filter does not say which element of the list %q is meant.", name)
}

func restore(doc map[string]any, path []string, list []any) error {
	_, err := rewrite(doc, path, false, func(any, bool) (any, bool, error) { return list, true, nil })
	return err
}

// Assign sets the value at a dotted path, making the objects on the way.
func Assign(doc map[string]any, name string, value any) error {
	path, err := parsePath(name)
	if err != nil {
		return err
	}
	_, err = rewrite(doc, path, true, func(any, bool) (any, bool, error) { return value, true, nil })
	return err
}

func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// clone copies a decoded value, so that two places never share one.
func clone(value any) any {
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, below := range value {
			copied[name] = clone(below)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, below := range value {
			copied[i] = clone(below)
		}
		return copied
	}
	return value
}
