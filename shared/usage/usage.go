// Package usage counts every call exactly once, before it runs, decides the
// rate limits with the same write, and keeps the entries and counters that
// bills and reports are made of.
package usage

import (
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// SubjectKind tells what is counted beside the org.
type SubjectKind string

// The kinds of subjects.
const (
	ByKey    SubjectKind = "key"    // an API key
	ByApp    SubjectKind = "app"    // an application, whoever acts through it
	ByPerson SubjectKind = "person" // a signed-in user, customer or guest
	ByIP     SubjectKind = "ip"     // the address of an anonymous caller
	ByGuess  SubjectKind = "guess"  // an address that presents passwords or codes
)

// Subject is one thing whose calls are limited on their own.
type Subject struct {
	Kind  SubjectKind
	ID    string
	Limit Windows
}

// field is the subject's name inside the counter item: short, and the same
// length whatever the id. 48 bits keep two subjects of one minute apart.
func (s Subject) field() string {
	sum := s.sum()
	return string(s.Kind[:1]) + base64.RawURLEncoding.EncodeToString(sum[:6])
}

func (s Subject) sum() [sha256.Size]byte {
	return sha256.Sum256([]byte(string(s.Kind) + "\x00" + s.ID))
}

// durable says whether the subject is counted by hour and day as well. Persons
// and addresses are counted by the minute only, which keeps the item small.
func (s Subject) durable() bool { return s.Kind == ByKey || s.Kind == ByApp }

// Windows are limits of calls per clock window, UTC; 0 means no limit.
type Windows struct {
	Minute int64 `json:"minute,omitempty"`
	Hour   int64 `json:"hour,omitempty"`
	Day    int64 `json:"day,omitempty"`
}

// Limits are what an org may do.
type Limits struct {
	Org Windows
	// Shards is over how many items the org's counter is spread; 0 means one,
	// which takes some 1,000 calls a second on DynamoDB. With more, the limits
	// of the org are divided among them.
	Shards int
}

// Decision is what became of one call.
type Decision struct {
	Allowed bool
	// The tightest limit: the one that refused, or else the one with the least
	// left. Limit 0 means that nothing is limited.
	Limit     int64
	Remaining int64
	Reset     time.Time // when its window ends
	Scope     string    // "org", or the kind of the subject
	// RetryAfter is how long to wait; set when not Allowed.
	RetryAfter time.Duration
}
