package repository

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// ErrSubschema refuses an extended record without a sub-schema that exists for
// its collection.
var ErrSubschema = fault.New(fault.Invalid, "unknown_subschema", "The collection has no such sub-schema.")

// datatypeSubschema holds the sub-schemas of all collections; the id of one is
// its name.
const datatypeSubschema = "subschema"

// prepare brings a payload into the form that is stored: under the rules of the
// parent of an extended collection, of the collection, and of the sub-schema
// that the record names, in this order.
func (b *batch) prepare(d *collection.Definition, rec record.Raw, old json.RawMessage) (json.RawMessage, error) {
	data := rec.Data
	if d.Parent != "" {
		parent, err := b.tx.tenant.Collection(b.ctx, d.Parent)
		if err != nil && !errors.Is(err, collection.ErrUnknown) {
			return nil, err
		}
		if err == nil {
			if data, err = parent.Prepare(data, old, b.env()); err != nil {
				return nil, err
			}
		}
	}
	data, err := d.Prepare(data, old, b.env())
	if err != nil || rec.Subschema == "" || !d.SubSchema {
		return data, err
	}
	extension, err := b.tx.tenant.extension(b.ctx, d, rec.Subschema)
	if errors.Is(err, ErrSubschema) && !b.tx.extended {
		return data, nil // a mark of the client's own
	}
	if err != nil {
		return nil, err
	}
	return extension.Prepare(data, old, b.env())
}

// extension reads a sub-schema of a collection, or ErrSubschema.
func (t Tenant) extension(ctx context.Context, d *collection.Definition, name string) (*collection.Definition, error) {
	rec, err := t.Get(ctx, datatypeSubschema, name)
	if errors.Is(err, table.ErrNotFound) {
		return nil, ErrSubschema
	}
	if err != nil {
		return nil, err
	}
	extension, ok, err := collection.ExtensionOf(rec.Data, d.Name)
	if err == nil && !ok {
		err = ErrSubschema
	}
	return extension, err
}

// CreateExtended is Create for a record that names a sub-schema of its
// collection, which must exist, or whose collection extends another one.
func (g Guarded) CreateExtended(ctx context.Context, rec record.Raw) (table.Doc, error) {
	d, err := g.tenant.Collection(ctx, rec.Datatype)
	if err != nil {
		return nil, err
	}
	if d.Parent == "" && (rec.Subschema == "" || !d.SubSchema) {
		return nil, ErrSubschema
	}
	return g.create(ctx, rec, creation{once: true, extended: true})
}
