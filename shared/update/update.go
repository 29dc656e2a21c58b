// Package update is the language of partial changes: Mongo-style operators such
// as $set, $inc and $push on dotted paths, parsed once, refused where they make
// no sense, and applied to decoded JSON documents (numbers as json.Number).
package update

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
)

// ErrInvalid refuses an update, in words that say why.
var ErrInvalid = fault.New(fault.Invalid, "invalid_update", "That update cannot be used.")

// Limits of one update.
const (
	sizeMax     = 1 << 20 // bytes of its text
	pathsMax    = 200     // fields it changes
	segmentsMax = 16      // parts of one path
	elementsMax = 1000    // positions by which a list may grow through a path
)

// The segments that stand for elements of a list.
const (
	matched = "$"   // the first element that the filter matched
	each    = "$[]" // every element
)

// Update is a parsed update.
type Update struct {
	steps []step
	names map[string]bool // members mentioned anywhere, operators aside
}

// step is one operator on one path.
type step struct {
	op    string
	path  []string
	apply func(t target) error
}

// Context is what an update draws on besides the document.
type Context struct {
	Now    time.Time
	Insert bool           // the document is new: $setOnInsert counts
	Match  *filter.Filter // what found the document, for the positional $
}

// target is where a step is applied.
type target struct {
	doc  map[string]any
	path []string
	ctx  Context
}

func refuse(format string, args ...any) error {
	return ErrInvalid.WithMessage(fmt.Sprintf(format, args...))
}

// Parse reads an update document. What it refuses is an ErrInvalid that says
// why.
func Parse(text json.RawMessage) (*Update, error) {
	if len(text) > sizeMax {
		return nil, refuse("The update is larger than %d bytes.", sizeMax)
	}
	var value any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, refuse("The update is not valid JSON.")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse("The update is followed by something else.")
	}
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		return nil, refuse("The update must be an object of operators, such as {\"$set\": {\"data.title\": \"New\"}}.")
	}
	u := &Update{names: map[string]bool{}}
	for _, op := range slices.Sorted(maps.Keys(object)) {
		if !strings.HasPrefix(op, "$") {
			return nil, refuse("The update must contain only operators such as $set; %q is none.", op)
		}
		fields, ok := object[op].(map[string]any)
		if !ok {
			return nil, refuse("%s needs an object of fields.", op)
		}
		if err := u.operator(op, fields); err != nil {
			return nil, err
		}
		mention(u.names, fields)
	}
	if len(u.steps) == 0 {
		return nil, refuse("The update names no field.")
	}
	return u, u.conflicts()
}

func (u *Update) operator(op string, fields map[string]any) error {
	make, known := operators()[op]
	if !known {
		return refuse("%s is not an operator of updates.", op)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		path, err := parsePath(name)
		if err != nil {
			return err
		}
		apply, err := make(name, fields[name])
		if err != nil {
			return err
		}
		u.steps = append(u.steps, step{op: op, path: path, apply: apply})
		for _, segment := range path {
			u.names[segment] = true
		}
		if op != "$rename" {
			continue
		}
		if err := u.renamed(name, fields[name]); err != nil {
			return err
		}
	}
	return nil
}

// renamed notes the destination of a $rename, which is written too.
func (u *Update) renamed(name string, operand any) error {
	to, _ := operand.(string)
	path, err := parsePath(to)
	if err != nil {
		return err
	}
	if strings.Contains(name+to, matched) {
		return refuse("$rename cannot reach into lists.")
	}
	u.steps = append(u.steps, step{op: "$rename", path: path, apply: func(target) error { return nil }})
	for _, segment := range path {
		u.names[segment] = true
	}
	return nil
}

func parsePath(name string) ([]string, error) {
	path := strings.Split(name, ".")
	if len(path) > segmentsMax {
		return nil, refuse("The field %q has more than %d parts.", name, segmentsMax)
	}
	positions := 0
	for i, segment := range path {
		switch {
		case segment == matched && i > 0:
			positions++
		case segment == each && i > 0:
		case segment == "" || strings.HasPrefix(segment, "$"):
			return nil, refuse("%q is not a field that can be changed.", name)
		}
	}
	if positions > 1 {
		return nil, refuse("The field %q uses the positional $ more than once.", name)
	}
	return path, nil
}

// conflicts refuses two steps of which one changes what the other is about.
func (u *Update) conflicts() error {
	if len(u.steps) > pathsMax {
		return refuse("The update changes more than %d fields.", pathsMax)
	}
	paths := make([]string, len(u.steps))
	for i, s := range u.steps {
		paths[i] = strings.Join(s.path, ".") + "."
	}
	slices.Sort(paths)
	for i := 1; i < len(paths); i++ {
		if strings.HasPrefix(paths[i], paths[i-1]) {
			return refuse("Two changes of the update are about %q.", strings.TrimSuffix(paths[i-1], "."))
		}
	}
	return nil
}

// mention collects the member names of a value.
func mention(names map[string]bool, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, below := range value {
			for segment := range strings.SplitSeq(name, ".") {
				names[segment] = true
			}
			mention(names, below)
		}
	case []any:
		for _, below := range value {
			mention(names, below)
		}
	}
}

// Names lists every member that the update mentions, in paths and in values.
func (u *Update) Names() []string { return slices.Sorted(maps.Keys(u.names)) }

// Paths lists the fields that the update changes, those of $setOnInsert
// included.
func (u *Update) Paths() []string {
	list := make([]string, len(u.steps))
	for i, s := range u.steps {
		list[i] = strings.Join(s.path, ".")
	}
	return list
}

// InsertOnly says that there is nothing but $setOnInsert, so that a document
// that exists stays as it is.
func (u *Update) InsertOnly() bool {
	return !slices.ContainsFunc(u.steps, func(s step) bool { return s.op != "$setOnInsert" })
}

// Apply changes a document in place. After an error, an ErrInvalid, the document
// is changed in part and must be thrown away.
func (u *Update) Apply(doc map[string]any, ctx Context) error {
	// Positions are found before anything changes, since a change may hide them.
	paths := make([][]string, len(u.steps))
	for i, s := range u.steps {
		path, err := positioned(doc, s.path, ctx.Match)
		if err != nil {
			return err
		}
		paths[i] = path
	}
	for i, s := range u.steps {
		if s.op == "$setOnInsert" && !ctx.Insert {
			continue
		}
		if err := s.apply(target{doc: doc, path: paths[i], ctx: ctx}); err != nil {
			return err
		}
	}
	return nil
}
