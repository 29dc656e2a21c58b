package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/table"
)

// purpose is what a mailed token or code is good for.
type purpose string

const (
	forReset  purpose = "reset"  // a new password
	forSignin purpose = "signin" // a session without a password
	forVerify purpose = "verify" // the proof of an address
)

// How long what was mailed is good, and what bounds guessing and mailing.
const (
	resetFor  = 60 * time.Minute
	linkFor   = 15 * time.Minute
	codeFor   = 10 * time.Minute
	verifyFor = 24 * time.Hour

	ticketTries = 5  // wrong codes that end a ticket
	ticketMails = 10 // mails of one purpose to one person within mailWindow
	mailWindow  = time.Hour
)

// ticket is the item behind the latest token or code that was mailed to a
// person for one purpose: partition "ticket", sort "<purpose>/<person's id>". A
// new request replaces it, and with it ends what was mailed before. It holds a
// hash; a code's is of little worth to a thief, but the code lives ten minutes.
type ticket struct {
	Hash     string `json:"hash"`
	Code     bool   `json:"code,omitempty"`
	Until    int64  `json:"until"` // epoch seconds
	Tries    int64  `json:"tries"` // wrong codes so far
	Used     bool   `json:"used"`
	Redirect string `json:"redirect,omitempty"`
	// Email is the address it was mailed to; it opens nothing once the account
	// has another.
	Email string `json:"email"`

	// Request names the event that asked for it, Asked when, in epoch
	// milliseconds: an event that arrives twice or late changes nothing.
	Request string `json:"request"`
	Asked   int64  `json:"asked"`
	Sent    bool   `json:"sent"`
	// Mails counts the mails since Since, in epoch seconds.
	Mails int64 `json:"mails"`
	Since int64 `json:"since"`
}

func ticketKey(p purpose, sk string) table.Key {
	return table.Key{Part: "ticket", Sort: string(p) + "/" + sk}
}

// open says whether the ticket still is good at an instant.
func (k ticket) open(now time.Time) bool {
	return !k.Used && k.Tries < ticketTries && now.Unix() < k.Until
}

// stillOf says whether the account still has the address that was mailed to.
func (k ticket) stillOf(rec account.Record) bool {
	return k.Email == account.Email(rec.Data.Person().Email)
}

// tokenOf is what a mail carries: whose it is, and the secret.
func tokenOf(sk, secret string) string { return sk + "." + secret }

// splitToken takes a mailed token apart.
func splitToken(token string) (sk, secret string, ok bool) {
	token = strings.TrimSpace(token)
	dot := strings.LastIndexByte(token, '.')
	if dot <= 0 || dot == len(token)-1 || len(token) > 400 {
		return "", "", false
	}
	return token[:dot], token[dot+1:], true
}

// codeSecret is what is hashed of a code: with the person's id, so that equal
// codes of two persons do not look alike.
func codeSecret(sk, code string) string { return sk + "/" + code }

// newCode is six random digits, all equally likely.
func newCode(random func([]byte)) string {
	const codes = 1_000_000
	const even = (1 << 24) / codes * codes // beyond it some codes would come up more often
	raw := make([]byte, 3)
	for {
		random(raw)
		n := int(raw[0])<<16 | int(raw[1])<<8 | int(raw[2])
		if n < even {
			return fmt.Sprintf("%06d", n%codes)
		}
	}
}

func readTicket(ctx context.Context, t table.Tenant, p purpose, sk string) (ticket, error) {
	item, err := t.Get(ctx, ticketKey(p, sk))
	return ticketOf(item, err)
}

// ticketOf is the item's ticket; a missing one is closed.
func ticketOf(item table.Item, err error) (ticket, error) {
	var k ticket
	if errors.Is(err, table.ErrNotFound) {
		return k, nil
	}
	if err != nil {
		return k, fmt.Errorf("read ticket: %w", err)
	}
	return k, item.Doc.Decode(&k)
}

// holder says whose token was presented; ok is false unless it is good now, for
// somebody of that kind.
func (s *service) holder(ctx context.Context, t table.Tenant, p purpose, kinds []auth.Kind, token string) (sk string, k ticket, ok bool, err error) {
	sk, secret, ok := splitToken(token)
	if !ok || !isOfKind(sk, kinds) {
		return "", k, false, nil
	}
	k, err = readTicket(ctx, t, p, sk)
	return sk, k, err == nil && !k.Code && k.open(s.deps.Now()) && auth.SecretMatches(secret, k.Hash), err
}

// take is the write that uses a ticket up; it is refused when somebody else was
// faster, or a newer one has taken its place.
func (k ticket) take(p purpose, sk string) table.Op {
	return table.Modify{
		Key: ticketKey(p, sk), Set: []table.Assign{{Path: table.At("used"), Value: true}},
		If: table.And{
			table.Compare{Path: table.At("hash"), Op: table.Equal, Value: k.Hash},
			table.Compare{Path: table.At("used"), Op: table.Equal, Value: false},
		},
	}
}

// tryCode counts an attempt before the code is looked at, so that of any number
// of simultaneous guesses five are looked at. For the decoy, which has no
// ticket, it does the same work.
func (s *service) tryCode(ctx context.Context, t table.Tenant, p purpose, sk, code string) (k ticket, ok bool, err error) {
	item, err := t.Write(ctx, table.Modify{
		Key: ticketKey(p, sk), Add: []table.Increment{{Path: table.At("tries"), By: 1}},
		If: table.And{
			table.Compare{Path: table.At("tries"), Op: table.Less, Value: ticketTries},
			table.Compare{Path: table.At("used"), Op: table.Equal, Value: false},
			table.Compare{Path: table.At("code"), Op: table.Equal, Value: true},
			table.Compare{Path: table.At("until"), Op: table.Greater, Value: s.deps.Now().Unix()},
		},
	})
	var refused *table.Refused
	if errors.As(err, &refused) {
		return k, false, nil
	}
	k, err = ticketOf(item, err)
	return k, err == nil && auth.SecretMatches(codeSecret(sk, strings.TrimSpace(code)), k.Hash), err
}
