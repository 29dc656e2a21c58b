// Package table is the port to the one table that holds everything: items
// addressed by partition and sort key, sparse index attributes, conditions,
// atomic transactions and an ordered change stream.
//
// Two adapters implement it and pass one conformance suite (tabletest):
// table/dynamo in production, table/embedded on a laptop and in tests. Modules
// never see this package's raw keys: they hold a Tenant, which puts the org in
// front of every key.
package table

import (
	"context"
	"time"

	"github.com/appmint/appengine/shared/fault"
)

// Limits that hold for every adapter; DynamoDB sets them.
const (
	TransactMax  = 100            // operations in one Transact
	BatchGetMax  = 100            // keys in one round trip; BatchGet pages by itself
	OutboxMax    = 16 << 10       // bytes of events that ride on one item
	InlineMax    = 300 << 10      // bytes of Doc kept in the item; larger ones are offloaded by the adapter
	PageBytesMax = 1 << 20        // bytes one Query page reads at the most
	DocMax       = 5 << 20        // bytes of Doc that any adapter holds
	PartMax      = 2 << 10        // bytes of a partition or of a by-index value
	SortMax      = 1 << 10        // bytes of a sort key or of an ord-index value
	DepthMax     = 31             // objects and arrays inside one another in a Doc, itself included
	DigitsMax    = 38             // significant digits of a number in a Doc
	StreamWindow = 24 * time.Hour // how long a Change can be read
)

// The faults an adapter may answer with. Anything else is internal.
var (
	// ErrNotFound says that there is no live item at the key.
	ErrNotFound = fault.New(fault.NotFound, "not_found", "There is no such record.")
	// ErrBusy says that the table refused work for load; nothing was written.
	ErrBusy = fault.New(fault.Unavailable, "storage_busy", "The service is busy. Please try again in a moment.").WithRetryAfter(time.Second)
	// ErrCursor refuses a cursor that this query did not issue.
	ErrCursor = fault.New(fault.Invalid, "invalid_cursor", "That page marker is not valid. Start again from the first page.")
	// ErrTooLarge refuses a document that no adapter can hold.
	ErrTooLarge = fault.New(fault.TooLarge, "record_too_large", "The record is too large to store.")
	// ErrKey refuses a key or index value that is empty, longer than PartMax or
	// SortMax, or not UTF-8.
	ErrKey = fault.New(fault.Invalid, "invalid_key", "That identifier cannot be used.")
	// ErrDocument refuses a document with a value that no adapter can hold: a
	// number beyond DigitsMax or beyond ±9.99e125, nesting beyond DepthMax, or
	// text that is not UTF-8. The message says which.
	ErrDocument = fault.New(fault.Invalid, "invalid_record", "The record has a value that cannot be stored.")
	// ErrPath refuses an update whose path leads through a value that is not an
	// object, or an increment of something that is not a number.
	ErrPath = fault.New(fault.Invalid, "invalid_path", "That field cannot be changed in this way.")
)

// Key addresses one item.
type Key struct {
	Part string // partition, for example "acme#book"
	Sort string // sort key, for example "book-01J…"
}

// Item is one stored item.
type Item struct {
	Key
	// Doc is the item's JSON object. Conditions, updates and filters address
	// paths inside it.
	Doc Doc
	// Index holds the sparse index attributes: for "by1"…"by5" the value is the
	// index partition (the range is the sort key), for "ord1"…"ord3" it is the
	// range within the item's own partition.
	Index map[string]string
	// Outbox is the JSON array of events that this very write announces
	// (shared/event). Each write that announces nothing leaves it as it was; the
	// relay tells new from old by comparing images.
	Outbox Doc
	// Expires, when set, is the time from which the item no longer exists. It is
	// kept in whole seconds, rounded up, as DynamoDB keeps it.
	Expires time.Time
}

// Index names. A Query names one of them, or none for the base table.
const (
	By1  = "by1"
	By2  = "by2"
	By3  = "by3"
	By4  = "by4"
	By5  = "by5"
	Ord1 = "ord1"
	Ord2 = "ord2"
	Ord3 = "ord3"
)

// IndexNames returns every index attribute, in the order of the template.
func IndexNames() []string {
	return []string{By1, By2, By3, By4, By5, Ord1, Ord2, Ord3}
}

// Query reads one partition, or one index partition, in key order.
type Query struct {
	Part  string // the partition; for a by-index, the index value
	Index string // "" for the base table
	// From and To bound the range (the sort key, or for ord-indexes the encoded
	// value), both inclusive; empty means open. Prefix, when set, replaces them.
	From, To, Prefix string
	Desc             bool
	Limit            int // items to return; 0 means as many as the page budget holds
	// Filter is evaluated by the table after reading; it saves transfer, not
	// capacity. It may let through more than the caller wants, never less.
	Filter Cond
	// Cursor continues where a Page ended.
	Cursor string
	// CountOnly returns no items, only Page.Count.
	CountOnly bool
	// Consistent reads the latest state; ignored on indexes.
	Consistent bool
}

// Page is what one Query read.
type Page struct {
	Items  []Item
	Count  int    // items that passed the filter
	Read   int    // items looked at
	Cursor string // "" when the range is exhausted
}

// Op is one write: a Put, Modify, Delete or Check.
type Op interface{ op() Key }

// Put stores the whole item.
type Put struct {
	Item Item
	If   Cond
}

// Modify changes paths of an item in place; its paths must not overlap. Objects
// missing on the way to a path are created. A missing item is created when
// Upsert is set and refused with ErrNotFound otherwise (in a Transact with a
// Refused whose Err is ErrNotFound), whatever If says.
type Modify struct {
	Key    Key
	Set    []Assign
	Add    []Increment
	Remove []Path
	If     Cond
	Upsert bool
	// Expires, when set, replaces the item's expiry.
	Expires time.Time
	// Index, when not nil, sets the named index attributes ("" removes one).
	Index map[string]string
	// Outbox, when not nil, replaces the item's outbox.
	Outbox Doc
}

// Delete removes an item; a missing one is no error unless If refuses it.
type Delete struct {
	Key Key
	If  Cond
}

// Check asserts a condition inside a transaction and writes nothing.
type Check struct {
	Key Key
	If  Cond
}

func (o Put) op() Key    { return o.Item.Key }
func (o Modify) op() Key { return o.Key }
func (o Delete) op() Key { return o.Key }
func (o Check) op() Key  { return o.Key }

// KeyOf returns the key an operation works on.
func KeyOf(o Op) Key { return o.op() }

// Assign sets a path to a JSON value (anything encoding/json can encode), or,
// when From is set, to the value another path had before the update; when that
// had none, Path is removed.
type Assign struct {
	Path  Path
	Value any
	From  Path
}

// Increment adds to a number; a missing one counts as zero.
type Increment struct {
	Path Path
	By   int64
}

// Table is the port. All methods are safe for concurrent use; reads through Get,
// BatchGet and Query skip expired items.
type Table interface {
	// Get returns the item, or ErrNotFound. It reads consistently.
	Get(ctx context.Context, key Key) (Item, error)
	// BatchGet returns the items that exist, in the order of the keys. It reads
	// consistently. A key given twice is answered twice.
	BatchGet(ctx context.Context, keys []Key) ([]Item, error)
	// Query returns one page of a partition or index partition.
	Query(ctx context.Context, q Query) (Page, error)
	// Write performs one operation and returns the item as it is afterwards (as
	// it was, for a Delete). A refused condition is a *Refused.
	Write(ctx context.Context, op Op) (Item, error)
	// Transact performs up to TransactMax operations on distinct keys, all or
	// none. token, when not empty, makes a repeat within ten minutes a no-op and
	// counts as one of the operations. A refused condition is a *Refused naming
	// the first operation refused.
	Transact(ctx context.Context, token string, ops ...Op) error
}

// Refused is the error of a write whose condition did not hold.
type Refused struct {
	Index int   // which operation of a Transact
	Old   *Item // the item that refused it; nil when there is none
	Err   error // ErrNotFound for the Modify of a missing item in a Transact, else nil
}

// Error implements error.
func (r *Refused) Error() string { return "condition refused" }

// Unwrap lets errors.Is find ErrNotFound.
func (r *Refused) Unwrap() error { return r.Err }

// Change is one entry of the change stream: an item before and after a write.
// Changes of one partition come in the order of the writes.
type Change struct {
	ID  string // unique, increasing within a partition
	Key Key
	Old *Item // nil for an insert
	New *Item // nil for a removal
	At  time.Time
}
