package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/table"
)

// FailuresMax is how many failed attempts at a password lock an account.
const FailuresMax = 5

// The faults of presenting a password. They are never a 401: clients answer
// that by renewing tokens and sending the attempt again.
var (
	// ErrCredentials refuses a sign-in; the same for an unknown account.
	ErrCredentials = fault.New(fault.Invalid, "invalid_credentials", "The e-mail address or the password is not right.")
	// ErrLocked refuses sign-ins after too many failures.
	ErrLocked = fault.New(fault.Forbidden, "account_locked", "Too many failed attempts. This account is locked for a while; please try again later.")
)

// Credential is the item that holds a person's password hash, apart from the
// record, which many may read. Partition "credential", sort = the person's id.
type Credential struct {
	Hash string `json:"hash,omitempty"` // PHC; "" for passwordless accounts
	// Attempts counts sign-ins begun since the last one that succeeded.
	Attempts int64 `json:"attempts"`
	// Locked is when the lock ends, in epoch seconds; 0 means not locked.
	Locked  int64 `json:"locked"`
	Changed int64 `json:"changed,omitempty"` // of the password, epoch seconds
}

const credentialPart = "credential"

// CredentialKey is where a person's credential is kept.
func CredentialKey(id string) table.Key { return table.Key{Part: credentialPart, Sort: id} }

// NewCredential is the write that stores a new account's credential; an empty
// password makes the account passwordless.
func (a *Accounts) NewCredential(ctx context.Context, id, password string) (table.Op, error) {
	if password == "" {
		return a.putCredential(id, "")
	}
	hash, err := a.passwords.Hash(ctx, password)
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	return a.putCredential(id, hash)
}

func (a *Accounts) putCredential(id, hash string) (table.Op, error) {
	doc, err := table.NewDoc(Credential{Hash: hash, Changed: a.deps.Now().Unix()})
	return table.Put{Item: table.Item{Key: CredentialKey(id), Doc: doc}}, err
}

// Prove checks the password of somebody who is signed in already, before
// something that takes more than a session. The attempt counts like one to
// sign in: ErrCredentials, or ErrLocked once there were too many. Hash is what
// is stored of the password.
func (a *Accounts) Prove(ctx context.Context, t table.Tenant, id, password string) (hash string, err error) {
	item, err := t.Write(ctx, table.Modify{
		Key: CredentialKey(id),
		Add: []table.Increment{{Path: table.At("attempts"), By: 1}},
		If: table.And{
			table.Compare{Path: table.At("attempts"), Op: table.Less, Value: FailuresMax},
			table.Compare{Path: table.At("locked"), Op: table.Equal, Value: 0},
		},
	})
	var refused *table.Refused
	switch {
	case errors.Is(err, table.ErrNotFound):
		return "", ErrCredentials
	case errors.As(err, &refused):
		return "", ErrLocked
	case err != nil:
		return "", fmt.Errorf("read credential: %w", err)
	}
	var c Credential
	if err := item.Doc.Decode(&c); err != nil {
		return "", fmt.Errorf("read credential: %w", err)
	}
	if c.Hash == "" {
		return "", ErrCredentials
	}
	match, _, err := a.passwords.Verify(ctx, password, c.Hash)
	if err != nil || !match {
		return "", errors.Join(err, ErrCredentials)
	}
	_, err = t.Write(ctx, table.Modify{Key: CredentialKey(id), Set: []table.Assign{{Path: table.At("attempts"), Value: 0}}})
	return c.Hash, err
}
