package repository

import (
	"context"
	"fmt"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
)

// Get is Tenant.Get with a typed payload.
func Get[T any](ctx context.Context, t Tenant, datatype, id string) (record.Record[T], error) {
	raw, err := t.Get(ctx, datatype, id)
	if err != nil {
		return record.Record[T]{}, err
	}
	return record.Typed[T](raw)
}

// Lookup is Tenant.Lookup with a typed payload.
func Lookup[T any](ctx context.Context, t Tenant, datatype, field, value string) (record.Record[T], error) {
	raw, err := t.Lookup(ctx, datatype, field, value)
	if err != nil {
		return record.Record[T]{}, err
	}
	return record.Typed[T](raw)
}

// Create stores one new record.
func Create[T any](ctx context.Context, t Tenant, actor auth.Principal, rec record.Record[T]) (record.Record[T], error) {
	raw, err := record.Untyped(rec)
	if err != nil {
		return rec, err
	}
	tx := t.Begin(actor)
	tx.Create(raw)
	return only[T](tx.Commit(ctx))
}

// Change loads a record, applies change to it and stores it, again from the
// start when somebody else wrote in between (up to five times). An error of
// change ends it with nothing written.
func Change[T any](ctx context.Context, t Tenant, actor auth.Principal, datatype, id string, change func(*record.Record[T], *Tx) error) (record.Record[T], error) {
	const attempts = 5
	var rec record.Record[T]
	var err error
	for range attempts {
		rec, err = changeOnce(ctx, t, actor, datatype, id, change)
		if !isVersionConflict(err) {
			return rec, err
		}
	}
	return rec, fmt.Errorf("change %s: %w", datatype, err)
}

func changeOnce[T any](ctx context.Context, t Tenant, actor auth.Principal, datatype, id string, change func(*record.Record[T], *Tx) error) (record.Record[T], error) {
	rec, err := Get[T](ctx, t, datatype, id)
	if err != nil {
		return rec, err
	}
	tx := t.Begin(actor)
	if err := change(&rec, tx); err != nil {
		return rec, err
	}
	raw, err := record.Untyped(rec)
	if err != nil {
		return rec, err
	}
	tx.Update(raw)
	return only[T](tx.Commit(ctx))
}

func only[T any](stored []record.Raw, err error) (record.Record[T], error) {
	if err != nil || len(stored) == 0 {
		return record.Record[T]{}, err
	}
	return record.Typed[T](stored[0])
}
