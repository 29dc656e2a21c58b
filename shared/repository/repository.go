// Package repository keeps BaseModel records of every collection over the
// table: ids, versions, defaults, transforms, validation, uniqueness, indexes,
// exact totals, history, trash and the event of each write.
//
// A Tenant is one org's records without permission checks, for modules' own
// logic; a Guarded applies the roles, the collection's and the record's
// requiredRole and ownership, and is what generic endpoints use.
package repository

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

var errTBD = errors.New("pending")

// Options are a repository's parts.
type Options struct {
	Table  table.Table
	Now    func() time.Time
	NewID  func(datatype string) string
	Random func([]byte)
}

// Repository serves every org.
type Repository struct{ o Options }

// New builds a repository.
func New(o Options) *Repository { return &Repository{o: o} }

// Tenant opens one org's records without permission checks.
func (r *Repository) Tenant(id org.ID) Tenant { return Tenant{repo: r, org: id} }

// As opens the principal's org with permission checks.
func (r *Repository) As(who auth.Principal) Guarded {
	return Guarded{who: who, tenant: r.Tenant(who.Org)}
}

// Tenant is one org's records.
type Tenant struct {
	repo *Repository
	org  org.ID
}

// Guarded is one org's records as a principal may see and change them.
type Guarded struct {
	who    auth.Principal
	tenant Tenant
}

// Get returns a live record by id, or table.ErrNotFound.
func (t Tenant) Get(ctx context.Context, datatype, id string) (record.Raw, error) {
	return record.Raw{}, errTBD
}

// Lookup returns the record that holds value in a unique field ("email"),
// reading strongly consistent; table.ErrNotFound without one.
func (t Tenant) Lookup(ctx context.Context, datatype, field, value string) (record.Raw, error) {
	return record.Raw{}, errTBD
}

// Find returns one page of a collection.
func (t Tenant) Find(ctx context.Context, datatype string, find Find) (Page, error) {
	return Page{}, errTBD
}

// Find is a filter with its options.
type Find struct {
	Filter  json.RawMessage // Mongo-style document; nil means everything
	Options ListOptions
}

// ListOptions are the DataOptions of the wire, already checked.
type ListOptions struct {
	Page     int    // 1-based
	PageSize int    // 1…1000
	Sort     string // dotted path
	Desc     bool
	NoCount  bool
}

// Page is one page of records with the exact total of the filter.
type Page struct {
	Data  []record.Raw
	Total int
	More  bool
}

// Begin starts a group of writes that commit together or not at all. The actor
// becomes author, writer and actor of the events.
func (t Tenant) Begin(actor auth.Principal) *Tx { return &Tx{} }

// Tx collects writes; nothing is stored before Commit.
type Tx struct{}

// Create adds a new record; Datatype and Data are read, and Name, Owner, State,
// SK when the collection has natural keys, and the other client-settable
// members of the envelope.
func (x *Tx) Create(rec record.Raw) {}

// Update replaces a record as loaded; a version that has moved on meanwhile is
// ErrVersion.
func (x *Tx) Update(rec record.Raw) {}

// Delete moves a record as loaded to the trash.
func (x *Tx) Delete(rec record.Raw) {}

// Purge removes a record for good, without trash.
func (x *Tx) Purge(rec record.Raw) {}

// Emit announces a domain event together with the last record added; payload
// (an object, may be nil) becomes Envelope.Payload.
func (x *Tx) Emit(name string, payload any) {}

// Also adds raw operations on the org's items to the same transaction.
func (x *Tx) Also(ops ...table.Op) {}

// Commit performs the writes in one transaction and returns the records as
// stored, in the order they were added (for deletions as they were).
func (x *Tx) Commit(ctx context.Context) ([]record.Raw, error) { return nil, errTBD }

func isVersionConflict(err error) bool { return false }
