package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2 are the cost parameters of argon2id. The zero value of a member means
// OWASP's recommendation of 2024: 19 MiB, 2 passes, 1 lane.
type Argon2 struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// What a stored hash may at most ask for, so that a damaged record cannot take
// the process down.
const (
	memoryMaxKiB = 256 << 10
	passesMax    = 32
	saltBytes    = 16
	hashBytes    = 32
	// PasswordMax is the longest password that is hashed, in bytes.
	PasswordMax = 1024
)

var errHash = errors.New("stored password hash is not readable")

// Passwords hashes and verifies passwords with argon2id. Only a bounded number
// is worked on at once, since each takes MemoryKiB.
type Passwords struct {
	cost   Argon2
	random func([]byte)
	slots  chan struct{}
}

// NewPasswords builds a hasher; at most concurrency hashes are computed at once
// (0 means one per CPU).
func NewPasswords(cost Argon2, random func([]byte), concurrency int) *Passwords {
	if cost.MemoryKiB == 0 {
		cost.MemoryKiB = 19 << 10
	}
	if cost.Passes == 0 {
		cost.Passes = 2
	}
	if cost.Lanes == 0 {
		cost.Lanes = 1
	}
	if concurrency <= 0 {
		concurrency = runtime.GOMAXPROCS(0)
	}
	return &Passwords{cost: cost, random: random, slots: make(chan struct{}, concurrency)}
}

// Hash returns the PHC string of a password, with a salt of its own. It fails
// only when the context ends while it waits for its turn.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	p.random(salt)
	key, err := p.key(ctx, password, salt, p.cost, hashBytes)
	if err != nil {
		return "", err
	}
	return phc{cost: p.cost, salt: salt, key: key}.String(), nil
}

// Verify says whether the password is the one behind a PHC string, whatever its
// parameters, and whether those are not today's, so that the password should be
// hashed again now that it is known. An unreadable string is an error.
func (p *Passwords) Verify(ctx context.Context, password, stored string) (match, rehash bool, err error) {
	parsed, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	key, err := p.key(ctx, password, parsed.salt, parsed.cost, uint32(len(parsed.key)&0xff))
	if err != nil {
		return false, false, err
	}
	match = subtle.ConstantTimeCompare(key, parsed.key) == 1
	return match, match && parsed.cost != p.cost, nil
}

// VerifyNothing takes as long as Verify does: for accounts that do not exist or
// have no password, so that time does not tell them from the others.
func (p *Passwords) VerifyNothing(ctx context.Context, password string) error {
	_, err := p.key(ctx, password, make([]byte, saltBytes), p.cost, hashBytes)
	return err
}

func (p *Passwords) key(ctx context.Context, password string, salt []byte, cost Argon2, size uint32) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.MemoryKiB, cost.Lanes, size), nil
}

// phc is the "password hashing competition" text form:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>.
type phc struct {
	cost      Argon2
	salt, key []byte
}

func (h phc) String() string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.cost.MemoryKiB, h.cost.Passes, h.cost.Lanes, encode(h.salt), encode(h.key))
}

func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, errHash
	}
	var h phc
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.cost.MemoryKiB, &h.cost.Passes, &h.cost.Lanes); err != nil || n != 3 {
		return phc{}, errHash
	}
	var saltErr, keyErr error
	h.salt, saltErr = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, keyErr = base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || !h.sound() {
		return phc{}, errHash
	}
	return h, nil
}

func (h phc) sound() bool {
	return h.cost.MemoryKiB >= 8*uint32(h.cost.Lanes) && h.cost.MemoryKiB <= memoryMaxKiB &&
		h.cost.Passes >= 1 && h.cost.Passes <= passesMax && h.cost.Lanes >= 1 &&
		len(h.salt) >= 8 && len(h.salt) <= 64 && len(h.key) >= 16 && len(h.key) <= 64
}
