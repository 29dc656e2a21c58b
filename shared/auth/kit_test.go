package auth_test

import (
	"crypto/rand"
	"sync/atomic"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/auth"
)

// clock stands still unless it is told to go on.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 4, 10, 8, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) forward(d time.Duration) { c.at.Add(int64(d)) }

func random(p []byte) { _, _ = rand.Read(p) }

// cheap makes hashing take no time worth mentioning.
func cheap() *auth.Passwords {
	return auth.NewPasswords(auth.Argon2{MemoryKiB: 64, Passes: 1, Lanes: 1}, random, 2)
}

func newKeys(t *testing.T) []auth.SigningKey {
	t.Helper()
	key, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return []auth.SigningKey{key}
}
