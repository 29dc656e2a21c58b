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
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// The faults of reading and writing records. A missing record is
// table.ErrNotFound, an unknown collection collection.ErrUnknown, a payload that
// breaks its schema collection.ErrInvalidData.
var (
	// ErrVersion refuses a write based on a version that has been replaced; the
	// stored one is in the member currentVersion.
	ErrVersion = fault.New(fault.Conflict, "version_conflict", "Somebody else has changed this record meanwhile. Load it again and repeat your change.")
	// ErrTaken refuses a second record with the same unique value; the field is in
	// the member field.
	ErrTaken = fault.New(fault.Conflict, "unique_conflict", "That value is already taken.")
	// ErrRepeated is the answer to an identical repeat of a caller's last create.
	ErrRepeated = fault.New(fault.Conflict, "repeated_create", "That record has just been created.")
	// ErrTooMany refuses a group of writes that does not fit one transaction.
	ErrTooMany = fault.New(fault.Invalid, "too_many_writes", "That is too much for one step. Please split it.")
	// ErrTooBroad refuses a query that would have to read too much.
	ErrTooBroad = fault.New(fault.Invalid, "filter_too_broad", "That query reads too many records.")
	// ErrSort refuses a sort that makes no sense.
	ErrSort = fault.New(fault.Invalid, "invalid_sort", "That is not a field to sort by.")
	// ErrBadRecord refuses a record that cannot be stored as it is.
	ErrBadRecord = fault.New(fault.Invalid, "invalid_record", "That is not a valid record.")
)

// Options are a repository's parts.
type Options struct {
	Table  table.Table
	Now    func() time.Time
	NewID  func(datatype string) string
	Random func([]byte)
}

// Repository serves every org.
type Repository struct {
	o         Options
	catalogue *collection.Catalogue
}

// New builds a repository.
func New(o Options) *Repository {
	r := &Repository{o: o}
	r.catalogue = collection.NewCatalogue(r.loadCollection, o.Now)
	return r
}

func (r *Repository) loadCollection(ctx context.Context, id org.ID, name string) (json.RawMessage, bool, error) {
	item, err := table.Of(r.o.Table, id).Get(ctx, table.Key{Part: datatypeCollection, Sort: name})
	if errors.Is(err, table.ErrNotFound) {
		return nil, false, nil
	}
	return filter.Get(item.Doc, "data"), err == nil, err
}

// Tenant opens one org's records without permission checks.
func (r *Repository) Tenant(id org.ID) Tenant {
	return Tenant{repo: r, org: id, table: table.Of(r.o.Table, id)}
}

// As opens the principal's org with permission checks.
func (r *Repository) As(who auth.Principal) Guarded {
	return Guarded{who: who, tenant: r.Tenant(who.Org)}
}

// Tenant is one org's records.
type Tenant struct {
	repo  *Repository
	org   org.ID
	table table.Tenant
}

// Org is whose records these are.
func (t Tenant) Org() org.ID { return t.org }

// Table is the org's part of the table, for what is not a record.
func (t Tenant) Table() table.Tenant { return t.table }

// Collection returns the definition of a collection, or collection.ErrUnknown.
func (t Tenant) Collection(ctx context.Context, datatype string) (*collection.Definition, error) {
	return t.repo.catalogue.Of(ctx, t.org, datatype)
}

// Get returns a live record by id, or table.ErrNotFound.
func (t Tenant) Get(ctx context.Context, datatype, id string) (record.Raw, error) {
	doc, err := t.Doc(ctx, datatype, id)
	if err != nil {
		return record.Raw{}, err
	}
	return decode(doc)
}

// Doc is Get without decoding: the record's JSON as stored, secrets included.
func (t Tenant) Doc(ctx context.Context, datatype, id string) (table.Doc, error) {
	if !validKey(datatype) || !validKey(id) {
		return nil, table.ErrNotFound
	}
	item, err := t.table.Get(ctx, table.Key{Part: datatype, Sort: id})
	if err != nil {
		return nil, err
	}
	if !isRecord(item.Doc, datatype) {
		return nil, table.ErrNotFound
	}
	return item.Doc, nil
}

// isRecord tells a record from other items: modules keep theirs in partitions
// beside the collections, and a collection may have the name of one.
func isRecord(doc table.Doc, datatype string) bool { return filter.Text(doc, "datatype") == datatype }

// Lookup returns the record that holds value in a unique field ("email"),
// reading strongly consistent; table.ErrNotFound without one. Upper and lower
// case are the same. "name" finds the record with that unique name.
func (t Tenant) Lookup(ctx context.Context, datatype, field, value string) (record.Raw, error) {
	doc, err := t.lookup(ctx, datatype, field, value)
	if err != nil {
		return record.Raw{}, err
	}
	return decode(doc)
}

func (t Tenant) lookup(ctx context.Context, datatype, field, value string) (table.Doc, error) {
	if value == "" {
		return nil, table.ErrNotFound
	}
	item, err := t.table.Get(ctx, guardKey(datatype, field, nil, value))
	if err != nil {
		return nil, err
	}
	return t.Doc(ctx, datatype, filter.Text(item.Doc, "id"))
}

func isVersionConflict(err error) bool { return errors.Is(err, ErrVersion) }
