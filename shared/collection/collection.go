// Package collection knows what a collection is: its schema, unique and indexed
// fields, defaults and transforms, its marks and flags. Built-in collections
// are data files embedded in the binary and parsed one at a time, when asked
// for; run-time collections are records of the org.
package collection

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// The faults of definitions and of what is checked against them.
var (
	// ErrUnknown says that the org has no such collection.
	ErrUnknown = fault.New(fault.NotFound, "unknown_datatype", "There is no such collection.")
	// ErrInvalidData lists everything that a payload breaks of its schema.
	ErrInvalidData = fault.New(fault.Invalid, "validation_failed", "Some of the values are not valid.")
	// ErrInvalidDefinition refuses a collection record that cannot work.
	ErrInvalidDefinition = fault.New(fault.Invalid, "invalid_collection", "That is not a valid collection definition.")
	// ErrBuiltin refuses to redefine or delete a built-in collection.
	ErrBuiltin = fault.New(fault.Conflict, "builtin_collection", "A built-in collection cannot be redefined or deleted.")
)

// Mark says who may write a collection's records.
type Mark string

// The marks of a collection.
const (
	Ordinary Mark = ""  // anybody with the verb, through the generic calls
	Reserved Mark = "R" // the platform; generic writes are for admins' own modules
	Money    Mark = "M" // its module alone
	Module   Mark = "A" // created through its module, changed by either
)

// Wrapper is the payload's member in a record; fields below it are written
// "data.<field>", all others are members of the envelope.
const Wrapper = "data."

// Unique is a field whose value occurs once, among the records that agree in
// the Scope fields. Paths are dotted and begin with "data.".
type Unique struct {
	Field string
	Scope []string
}

// Definition is one collection, ready to use. It is immutable and safe for
// concurrent use.
type Definition struct {
	Name        string
	Title       string
	Description string
	Mark        Mark
	Public      bool // customers may read every live record
	Versioning  bool // each write leaves a history record
	SubSchema   bool
	Natural     bool // the id of a record is its name
	Customers   bool // customers may create records, and change their own
	AdminOnly   bool // credentials and the like: admins alone read them generically
	Custom      bool // defined by the org at run time
	// Parent names the collection whose schema records meet as well, for run-time
	// collections of type Extended; "" for all others.
	Parent   string
	Secrets  []string
	Slots    map[string]string // index attribute ("by3") → dotted path
	Pending  map[string]bool   // paths whose slots older records lack: written, not read
	Required *record.RequiredRole
	Schema   json.RawMessage
	Unique   []Unique
	Search   []string // paths of textSearch fields, besides name
	// GuardName says that a payload's own name must be unique, as an explicit
	// name of the envelope always is.
	GuardName bool

	rules    *rules
	once     sync.Once
	compiled *jsonschema.Schema
	failed   error
}

// SlotOf returns the index attribute that holds a path and can be read, "" when
// none does. Equality slots come before ordering slots.
func (d *Definition) SlotOf(path string) string {
	if d.Pending[path] {
		return ""
	}
	for _, slot := range table.IndexNames() {
		if d.Slots[slot] == path {
			return slot
		}
	}
	return ""
}

// OrderSlotOf is SlotOf among the ordering slots.
func (d *Definition) OrderSlotOf(path string) string {
	if d.Pending[path] {
		return ""
	}
	for slot, held := range d.Slots {
		if held == path && strings.HasPrefix(slot, "ord") {
			return slot
		}
	}
	return ""
}

// UniqueOf says whether a path is unique among all records of the collection,
// and whether its guards can be relied on to find them.
func (d *Definition) UniqueOf(path string) bool {
	if d.Pending[path] {
		return false
	}
	for _, u := range d.Unique {
		if u.Field == path && len(u.Scope) == 0 {
			return true
		}
	}
	return false
}

// fixed puts the slots that every collection has beside its own: name, owner and
// time of change.
func fixed(own map[string]string) map[string]string {
	slots := map[string]string{table.By1: "name", table.By2: "owner.id", table.Ord1: "modifydate"}
	for slot, path := range own {
		if _, taken := slots[slot]; !taken {
			slots[slot] = path
		}
	}
	return slots
}
