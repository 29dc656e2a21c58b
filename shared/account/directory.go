package account

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/cache"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// directoryMax is how many values of one kind are remembered.
const directoryMax = 10_000

// seatsMax is how many decoded pairs of account and session are kept.
const seatsMax = 2_000

// Directory reads identity. With a time to live it remembers what it read for
// so long, absences included; without one it always reads.
type Directory struct {
	records   *repository.Repository
	table     table.Table
	companies lookup[Company]
	persons   lookup[Entry[Person]]
	apps      lookup[Entry[App]]
	keys      lookup[Entry[Key]]
	roles     lookup[auth.Verbs]
	groups    lookup[[]auth.Role]
	seats     *cache.Cache[string, seat]
}

// Entry is a record's payload with what identity needs of its envelope.
type Entry[T any] struct {
	ID    string
	Data  T
	Owner record.Owner
}

// found is a value that may not be there.
type found[T any] struct {
	value T
	ok    bool
}

type lookup[T any] struct {
	cache *cache.Cache[string, found[T]]
}

// NewDirectory builds a directory; ttl 0 remembers nothing.
func NewDirectory(records *repository.Repository, t table.Table, now func() time.Time, ttl time.Duration) *Directory {
	return &Directory{
		records: records, table: t,
		companies: newLookup[Company](now, ttl), persons: newLookup[Entry[Person]](now, ttl),
		apps: newLookup[Entry[App]](now, ttl), keys: newLookup[Entry[Key]](now, ttl),
		roles: newLookup[auth.Verbs](now, ttl), groups: newLookup[[]auth.Role](now, ttl),
		seats: cache.New[string, seat](seatsMax, time.Hour, now),
	}
}

func newLookup[T any](now func() time.Time, ttl time.Duration) lookup[T] {
	if ttl <= 0 {
		return lookup[T]{}
	}
	return lookup[T]{cache: cache.New[string, found[T]](directoryMax, ttl, now)}
}

// get answers ok false when there is no such thing.
func (l lookup[T]) get(ctx context.Context, id org.ID, name string, read func(context.Context) (T, error)) (value T, ok bool, err error) {
	fetch := func(ctx context.Context) (found[T], error) {
		value, err := read(ctx)
		if errors.Is(err, table.ErrNotFound) {
			return found[T]{}, nil
		}
		return found[T]{value: value, ok: err == nil}, err
	}
	var f found[T]
	if l.cache == nil {
		f, err = fetch(ctx)
	} else {
		f, err = l.cache.Load(ctx, string(id)+table.Separator+name, fetch)
	}
	return f.value, f.ok, err
}

func (l lookup[T]) drop(id org.ID, name string) {
	if l.cache != nil {
		l.cache.Drop(string(id) + table.Separator + name)
	}
}

// Company returns the org's own record; ok is false when there is no such org.
// The platform's own org exists without one.
func (d *Directory) Company(ctx context.Context, id org.ID) (c Company, ok bool, err error) {
	c, ok, err = d.companies.get(ctx, id, "", func(ctx context.Context) (Company, error) {
		rec, err := repository.Lookup[Company](ctx, d.records.Tenant(id), Companies, "name", string(id))
		rec.Data.ID = rec.SK
		return rec.Data, wrap("company", err)
	})
	if err == nil && !ok && id == org.Root {
		return Company{Name: id}, true, nil
	}
	if err == nil && !ok {
		d.companies.drop(id, "") // it may be founded the next moment
	}
	return c, ok, err
}

// Seat returns a person and one of their sessions, read together in one round
// trip; ok is false unless both are there and belong together.
func (d *Directory) Seat(ctx context.Context, id org.ID, datatype, sk, session string) (p Entry[Person], s auth.Session, ok bool, err error) {
	items, err := table.Of(d.table, id).BatchGet(ctx, []table.Key{{Part: datatype, Sort: sk}, auth.SessionKey(session)})
	if err != nil {
		return p, s, false, wrap("session", err)
	}
	if len(items) != 2 {
		return p, s, false, nil
	}
	known, ok := d.seats.Get(session)
	if !ok || !known.same(items) {
		if known, err = seatOf(items); err != nil {
			return p, s, false, err
		}
		d.seats.Set(session, known)
	}
	return known.entry, known.session, known.session.Subject == sk && known.entry.ID == sk, nil
}

// seat is what was decoded from two documents. It is used again only for the
// very same documents, so it is never stale.
type seat struct {
	docs    [2]table.Doc
	entry   Entry[Person]
	session auth.Session
}

func seatOf(items []table.Item) (known seat, err error) {
	var rec record.Record[Fields]
	if err := errors.Join(items[0].Doc.Decode(&rec), items[1].Doc.Decode(&known.session)); err != nil {
		return known, wrap("session", err)
	}
	known.docs = [2]table.Doc{items[0].Doc, items[1].Doc}
	known.entry = Entry[Person]{ID: rec.SK, Data: rec.Data.Person()}
	return known, nil
}

func (k seat) same(items []table.Item) bool {
	return bytes.Equal(k.docs[0], items[0].Doc) && bytes.Equal(k.docs[1], items[1].Doc)
}

// Person returns a user or customer by id.
func (d *Directory) Person(ctx context.Context, id org.ID, datatype, sk string) (Entry[Person], bool, error) {
	return d.persons.get(ctx, id, sk, func(ctx context.Context) (Entry[Person], error) {
		e, err := read[Fields](ctx, d.records.Tenant(id), datatype, sk)
		return Entry[Person]{ID: e.ID, Data: e.Data.Person(), Owner: e.Owner}, err
	})
}

// App returns an application by the id of its record.
func (d *Directory) App(ctx context.Context, id org.ID, sk string) (Entry[App], bool, error) {
	return d.apps.get(ctx, id, sk, func(ctx context.Context) (Entry[App], error) {
		return read[App](ctx, d.records.Tenant(id), Apps, sk)
	})
}

// Key returns the API key behind a presented text, if it is one of the org's,
// alive at an instant. The secret is read each time, so that a key which was
// revoked, switched off or replaced is refused at once.
func (d *Directory) Key(ctx context.Context, id org.ID, presented string, now time.Time) (Entry[Key], bool, error) {
	prefix, ok := auth.KeyPrefix(presented)
	if !ok {
		return Entry[Key]{}, false, nil
	}
	var secret KeySecret
	item, err := table.Of(d.table, id).Get(ctx, KeySecretKey(prefix))
	if err == nil {
		err = item.Doc.Decode(&secret)
	}
	if errors.Is(err, table.ErrNotFound) || err == nil && !secret.Matches(presented, now) {
		return Entry[Key]{}, false, nil
	}
	if err != nil {
		return Entry[Key]{}, false, wrap("key secret", err)
	}
	key, ok, err := d.keys.get(ctx, id, secret.ID, func(ctx context.Context) (Entry[Key], error) {
		return read[Key](ctx, d.records.Tenant(id), Keys, secret.ID)
	})
	return key, ok && key.Data.UsableAt(now), err
}

// RoleVerbs returns the content verbs of a role: a system role's own, or those
// of a userrole record; ok is false for a role that nobody defined.
func (d *Directory) RoleVerbs(ctx context.Context, id org.ID, role auth.Role) (auth.Verbs, bool, error) {
	if verbs, ok := auth.SystemVerbs(role); ok {
		return verbs, true, nil
	}
	return d.roles.get(ctx, id, string(role), func(ctx context.Context) (auth.Verbs, error) {
		type custom struct {
			Name        string `json:"name"`
			Permissions struct {
				Content Names `json:"content"`
			} `json:"permissions"`
		}
		rec, err := repository.Lookup[custom](ctx, d.records.Tenant(id), Roles, "name", string(role))
		if err == nil && rec.Data.Name != string(role) {
			err = table.ErrNotFound // unique names disregard case, roles do not
		}
		return auth.ParseVerbs(rec.Data.Permissions.Content), wrap("role", err)
	})
}

// GroupRoles returns the roles of a group; ok is false when there is none.
func (d *Directory) GroupRoles(ctx context.Context, id org.ID, group string) ([]auth.Role, bool, error) {
	return d.groups.get(ctx, id, group, func(ctx context.Context) ([]auth.Role, error) {
		type roles struct {
			Roles Names `json:"roles"`
		}
		rec, err := repository.Lookup[roles](ctx, d.records.Tenant(id), Groups, "name", group)
		return AsRoles(rec.Data.Roles), wrap("group", err)
	})
}

// Rights are the roles of a staff account, those of its groups included, and
// the content verbs they add up to with the baseline of every user.
func (d *Directory) Rights(ctx context.Context, id org.ID, roles, groups []string) ([]auth.Role, auth.Verbs, error) {
	all := AsRoles(roles)
	for _, g := range groups {
		more, _, err := d.GroupRoles(ctx, id, g)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, more...)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	verbs, _ := auth.SystemVerbs(auth.RoleUser)
	for _, r := range all {
		more, _, err := d.RoleVerbs(ctx, id, r)
		if err != nil {
			return nil, 0, err
		}
		verbs |= more
	}
	return all, verbs, nil
}

// AsRoles converts role names.
func AsRoles(names []string) []auth.Role {
	roles := make([]auth.Role, len(names))
	for i, n := range names {
		roles[i] = auth.Role(n)
	}
	return roles
}

func read[T any](ctx context.Context, t repository.Tenant, datatype, sk string) (Entry[T], error) {
	rec, err := repository.Get[T](ctx, t, datatype, sk)
	e := Entry[T]{ID: rec.SK, Data: rec.Data}
	if rec.Owner != nil {
		e.Owner = *rec.Owner
	}
	return e, wrap(datatype, err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read %s: %w", what, err)
}
