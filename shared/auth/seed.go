package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"math/big"
)

// seedMin is the shortest seed that is accepted, in bytes: what a secret store
// generates has at least as many random characters.
const seedMin = 32

// KeyFromSeed derives the signing key of a random secret text, always the same
// one: so a deployment's key can be a text that the secret store generates and
// rotates by itself. The seed must have 32 characters or more.
func KeyFromSeed(seed string) (SigningKey, error) {
	if len(seed) < seedMin {
		return SigningKey{}, fmt.Errorf("signing seed of %d characters is too short: %w", len(seed), errKeys)
	}
	// 48 bytes make the remainder below even to one part in 2^128.
	wide, err := hkdf.Key(sha256.New, []byte(seed), nil, "appengine access tokens ES256", 48)
	if err != nil {
		return SigningKey{}, fmt.Errorf("derive signing key: %w", err)
	}
	one := big.NewInt(1)
	below := new(big.Int).Sub(elliptic.P256().Params().N, one)
	scalar := new(big.Int).Mod(new(big.Int).SetBytes(wide), below)
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar.Add(scalar, one).FillBytes(make([]byte, 32)))
	if err != nil {
		return SigningKey{}, fmt.Errorf("derive signing key: %w", err)
	}
	return newSigningKey(private)
}
