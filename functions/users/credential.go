package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// Lockout: after failuresMax failed attempts an account is locked for lockedFor.
const (
	failuresMax = account.FailuresMax
	lockedFor   = 15 * time.Minute

	// decoy stands in for accounts that do not exist, so that looking them up
	// takes as many round trips as looking up the others.
	decoy = "-"
)

// attempt begins a sign-in: it counts before the password is looked at, so that
// no number of simultaneous guesses gets more than failuresMax looks. The
// answer is the credential as counted, or ErrLocked.
func (s *service) attempt(ctx context.Context, t table.Tenant, id string) (credential, error) {
	now := s.deps.Now().Unix()
	begin := table.Modify{
		Key: credentialKey(id),
		Add: []table.Increment{{Path: table.At("attempts"), By: 1}},
		If: table.And{
			table.Compare{Path: table.At("attempts"), Op: table.Less, Value: failuresMax},
			table.Compare{Path: table.At("locked"), Op: table.Equal, Value: 0},
		},
	}
	item, err := t.Write(ctx, begin)
	var refused *table.Refused
	if !errors.As(err, &refused) || refused.Old == nil {
		return credentialOf(item, err)
	}
	old, err := credentialOf(*refused.Old, nil)
	if err != nil {
		return old, err
	}
	if old.Locked == 0 { // the fifth failure was never answered: lock now
		return old, s.lock(ctx, t, id)
	}
	if old.Locked > now {
		return old, ErrLocked.WithRetryAfter(time.Duration(old.Locked-now) * time.Second)
	}
	begin.Add = nil
	begin.Set = []table.Assign{{Path: table.At("attempts"), Value: 1}, {Path: table.At("locked"), Value: 0}}
	begin.If = table.Compare{Path: table.At("locked"), Op: table.Equal, Value: old.Locked}
	item, err = t.Write(ctx, begin)
	if errors.As(err, &refused) {
		return old, ErrLocked // somebody else began the first attempt after the lock
	}
	return credentialOf(item, err)
}

func credentialOf(item table.Item, err error) (credential, error) {
	var c credential
	if err != nil {
		return c, fmt.Errorf("read credential: %w", err)
	}
	return c, item.Doc.Decode(&c)
}

// lock closes the account and answers ErrLocked.
func (s *service) lock(ctx context.Context, t table.Tenant, id string) error {
	_, err := t.Write(ctx, table.Modify{
		Key: credentialKey(id),
		Set: []table.Assign{{Path: table.At("locked"), Value: s.deps.Now().Add(lockedFor).Unix()}},
		If: table.And{
			table.Compare{Path: table.At("attempts"), Op: table.GreaterOrEqual, Value: failuresMax},
			table.Compare{Path: table.At("locked"), Op: table.Equal, Value: 0},
		},
	})
	var refused *table.Refused
	switch {
	case errors.As(err, &refused): // somebody else has just done it
		return ErrLocked.WithRetryAfter(lockedFor)
	case err != nil:
		return fmt.Errorf("lock account: %w", err)
	}
	if err := s.flag(ctx, t.Org(), id); err != nil {
		return err
	}
	return ErrLocked.WithRetryAfter(lockedFor)
}

// The members of a person's record that show a lock. Lockout is a text.
const (
	lockout     = "lockout"
	lockoutDate = "lockoutDate"
)

// flag shows the lock in the record, where administrators see it.
func (s *service) flag(ctx context.Context, id org.ID, sk string) error {
	datatype, _, _ := strings.Cut(sk, "-")
	_, err := repository.Change(ctx, s.deps.Records.Tenant(id), auth.Platform(id), datatype, sk, func(rec *account.Record, _ *repository.Tx) error {
		rec.Data.Set(lockout, "true")
		rec.Data.Set(lockoutDate, record.At(s.deps.Now()))
		return nil
	})
	if err != nil && !errors.Is(err, table.ErrNotFound) && !errors.Is(err, repository.ErrVersion) {
		return fmt.Errorf("show lock: %w", err)
	}
	return nil
}

// unflag takes a lock that is over out of the record; changed says whether
// there was one. A lock without a date was put there by an administrator and
// stays until one takes it away: ErrLocked.
func (s *service) unflag(rec *account.Record) (changed bool, err error) {
	if rec.Data.Text(lockout) != "true" {
		return false, nil
	}
	at, ok := record.ParseTime(rec.Data.Text(lockoutDate))
	if !ok || s.deps.Now().Sub(at.Time) < lockedFor {
		return false, ErrLocked
	}
	rec.Data.Set(lockout, "false")
	delete(rec.Data, lockoutDate)
	return true, nil
}

// cleared is the write that forgets failed attempts; fresh, when not empty, is
// the password hashed again at today's cost.
func cleared(id, fresh string) table.Op {
	m := table.Modify{
		Key: credentialKey(id),
		Set: []table.Assign{{Path: table.At("attempts"), Value: 0}, {Path: table.At("locked"), Value: 0}},
	}
	if fresh != "" {
		m.Set = append(m.Set, table.Assign{Path: table.At("hash"), Value: fresh})
	}
	return m
}

// verify checks a password against an account that exists. On success it
// returns the write that clears the count.
func (s *service) verify(ctx context.Context, t table.Tenant, id, password string) (table.Op, error) {
	c, err := s.attempt(ctx, t, id)
	switch {
	case errors.Is(err, table.ErrNotFound):
		return nil, s.pretend(ctx, t, password)
	case err != nil:
		return nil, err
	}
	match, rehash := false, false
	if c.Hash == "" {
		err = s.passwords.VerifyNothing(ctx, password)
	} else {
		match, rehash, err = s.passwords.Verify(ctx, password, c.Hash)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("verify password: %w", err)
	case !match && c.Attempts >= failuresMax:
		if err := s.lock(ctx, t, id); !errors.Is(err, ErrLocked) {
			return nil, err
		}
		return nil, ErrCredentials
	case !match:
		return nil, ErrCredentials
	}
	fresh := ""
	if rehash {
		if fresh, err = s.passwords.Hash(ctx, password); err != nil {
			return nil, fmt.Errorf("hash password: %w", err)
		}
	}
	return cleared(id, fresh), nil
}

// pretend does for an account that does not exist what is done for one that
// does: a read, a write and the work of a verification. It answers ErrCredentials.
func (s *service) pretend(ctx context.Context, t table.Tenant, password string) error {
	_, err := t.Get(ctx, credentialKey(decoy))
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return fmt.Errorf("read credential: %w", err)
	}
	_, err = t.Write(ctx, table.Modify{
		Key: credentialKey(decoy), Upsert: true, Add: []table.Increment{{Path: table.At("attempts"), By: 1}},
	})
	if err != nil {
		return fmt.Errorf("read credential: %w", err)
	}
	if err := s.passwords.VerifyNothing(ctx, password); err != nil {
		return fmt.Errorf("verify password: %w", err)
	}
	return ErrCredentials
}
