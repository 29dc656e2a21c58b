package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"math/big"
)

// seedMin is the least length of a seed, in characters: 32 random alphanumerics
// carry 190 bits.
const seedMin = 32

// KeyFromSeed derives the ES256 key of a secret text: the same seed gives the
// same key, so a deployment's secret can be any random text that a secret store
// generates and rotates, and no function ever has to write one.
func KeyFromSeed(seed string) (SigningKey, error) {
	if len(seed) < seedMin {
		return SigningKey{}, fmt.Errorf("signing seed of %d characters: %w", len(seed), errKeys)
	}
	// 48 bytes reduced modulo the group order leave a bias below 2^-128.
	wide, err := hkdf.Key(sha256.New, []byte(seed), nil, "appengine token signing es256", 48)
	if err != nil {
		return SigningKey{}, fmt.Errorf("derive signing key: %w", err)
	}
	curve := elliptic.P256()
	last := new(big.Int).Sub(curve.Params().N, big.NewInt(1))
	scalar := new(big.Int).Mod(new(big.Int).SetBytes(wide), last)
	scalar.Add(scalar, big.NewInt(1))
	private, err := ecdsa.ParseRawPrivateKey(curve, scalar.FillBytes(make([]byte, 32)))
	if err != nil {
		return SigningKey{}, fmt.Errorf("derive signing key: %w", err)
	}
	return newSigningKey(private)
}
