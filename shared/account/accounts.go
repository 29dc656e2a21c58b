package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// ErrEmailTaken refuses a second account with the same e-mail address.
var ErrEmailTaken = fault.New(fault.Conflict, "email_taken", "There is already an account with that e-mail address.")

// EventLogin is announced with every session that begins.
const EventLogin = "user.login"

// Accounts opens accounts, sessions and organisations: what signing in, signing
// up, accepting an invitation and founding have in common.
type Accounts struct {
	deps      app.Deps
	sessions  auth.Sessions
	passwords *auth.Passwords
	directory *Directory
}

// NewAccounts builds Accounts. It remembers nothing: what it decides holds as
// things are now.
func NewAccounts(d app.Deps) *Accounts {
	passwords := d.Passwords
	if passwords == nil {
		passwords = auth.NewPasswords(auth.Argon2{}, d.Random, 0)
	}
	return &Accounts{
		deps: d, passwords: passwords,
		sessions:  auth.NewSessions(d.Now, d.Random),
		directory: NewDirectory(d.Records, d.Table, d.Now, 0),
	}
}

// Passwords hashes and verifies passwords.
func (a *Accounts) Passwords() *auth.Passwords { return a.passwords }

// Sessions keeps sessions.
func (a *Accounts) Sessions() auth.Sessions { return a.sessions }

// Directory reads identity as it is now.
func (a *Accounts) Directory() *Directory { return a.directory }

// New is an account to be created.
type New struct {
	Kind     auth.Kind
	Fields   Fields
	Password string // "" for a passwordless account
	// Hash, when set, is taken instead of Password: the same person's password in
	// another org.
	Hash string
}

// Create stores a new account with its credential and first session, and
// whatever more adds, in one transaction. A second account with the same e-mail
// address is ErrEmailTaken.
func (a *Accounts) Create(ctx context.Context, id org.ID, n New, more func(*repository.Tx)) (Session, error) {
	datatype := Datatype(n.Kind)
	sk := a.deps.NewID(datatype)
	credential, err := a.credentialOf(ctx, sk, n)
	if err != nil {
		return Session{}, err
	}
	opened, err := a.start(ctx, n.Kind, sk)
	if err != nil {
		return Session{}, err
	}
	raw, err := record.Untyped(Record{SK: sk, Datatype: datatype, Data: n.Fields})
	if err != nil {
		return Session{}, err
	}
	actor := ActorOf(id, n.Kind, Record{SK: sk, Data: n.Fields})
	tx := a.deps.Records.Tenant(id).Begin(actor)
	tx.Create(raw)
	if more != nil {
		more(tx)
	}
	if err := Trace(tx, actor, "signup", EventLogin); err != nil {
		return Session{}, err
	}
	tx.Also(credential, opened.store)
	stored, err := tx.Commit(ctx)
	if err != nil {
		return Session{}, Taken(err)
	}
	rec, err := record.Typed[Fields](stored[0])
	if err != nil {
		return Session{}, err
	}
	return a.answer(ctx, id, n.Kind, rec, opened)
}

func (a *Accounts) credentialOf(ctx context.Context, sk string, n New) (table.Op, error) {
	if n.Hash == "" {
		return a.NewCredential(ctx, sk, n.Password)
	}
	return a.putCredential(sk, n.Hash)
}

// Taken says in this package's words that an e-mail address is taken.
func Taken(err error) error {
	f, ok := fault.From(err)
	if ok && errors.Is(f, repository.ErrTaken) {
		if field, _ := f.Extra["field"].(string); strings.TrimPrefix(field, "data.") == "email" {
			return ErrEmailTaken
		}
	}
	return fmt.Errorf("store account: %w", err)
}
