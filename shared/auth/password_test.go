package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/auth"
)

func TestPasswordsVerifyWhatTheyHashed(t *testing.T) {
	t.Parallel()
	passwords := cheap()
	rapid.Check(t, func(r *rapid.T) {
		password, other := rapid.String().Draw(r, "password"), rapid.String().Draw(r, "other")
		stored, err := passwords.Hash(t.Context(), password)
		if err != nil {
			r.Fatal(err)
		}
		match, rehash, err := passwords.Verify(t.Context(), password, stored)
		if err != nil || !match || rehash {
			r.Fatalf("verify = %v, %v, %v; want true, false", match, rehash, err)
		}
		match, _, err = passwords.Verify(t.Context(), other, stored)
		if err != nil || match != (password == other) {
			r.Fatalf("verify of another = %v, %v", match, err)
		}
	})
}

func TestEqualPasswordsHashDifferently(t *testing.T) {
	t.Parallel()
	passwords := cheap()
	one, errOne := passwords.Hash(t.Context(), "Secret123")
	two, errTwo := passwords.Hash(t.Context(), "Secret123")
	if errOne != nil || errTwo != nil || one == two {
		t.Errorf("hashes %q and %q (%v, %v) should differ", one, two, errOne, errTwo)
	}
}

func TestDefaultCostIsOWASPs(t *testing.T) {
	t.Parallel()
	stored, err := auth.NewPasswords(auth.Argon2{}, random, 1).Hash(t.Context(), "Secret123")
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash = %q, %v", stored, err)
	}
}

func TestHashOfOtherCostIsAcceptedAndDue(t *testing.T) {
	t.Parallel()
	old := auth.NewPasswords(auth.Argon2{MemoryKiB: 32, Passes: 2, Lanes: 2}, random, 1)
	stored, err := old.Hash(t.Context(), "Secret123")
	if err != nil {
		t.Fatal(err)
	}
	match, rehash, err := cheap().Verify(t.Context(), "Secret123", stored)
	if err != nil || !match || !rehash {
		t.Errorf("verify = %v, %v, %v; want true, true", match, rehash, err)
	}
	if _, rehash, _ = cheap().Verify(t.Context(), "wrong", stored); rehash {
		t.Error("a wrong password is no occasion to hash again")
	}
}

// A damaged record must not be able to ask for gigabytes.
func TestVerifyRefusesUnreadableHashes(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		"", "plain", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"$argon2id$v=19$m=64,t=1,p=0$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
		"$argon2id$v=19$m=64,t=999,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA",
	} {
		if match, _, err := cheap().Verify(t.Context(), "x", stored); match || err == nil {
			t.Errorf("verify against %q = %v, %v; want an error", stored, match, err)
		}
	}
}

func TestHashingWaitsNoLongerThanTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	passwords := cheap()
	for range 100 { // a free slot and the end of the context race; one of them is seen soon
		if _, err := passwords.Hash(ctx, "x"); err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v, want context.Canceled", err)
			}
			return
		}
	}
	t.Error("a cancelled context was never noticed")
}

func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA")
	f.Fuzz(func(t *testing.T, stored string) {
		if strings.Contains(stored, "m=") && len(stored) > 40 && !strings.Contains(stored, "m=64,t=1,p=1") {
			return // sound, but as slow as it says
		}
		if match, _, _ := cheap().Verify(t.Context(), "x", stored); match {
			t.Errorf("%q matches", stored)
		}
	})
}
