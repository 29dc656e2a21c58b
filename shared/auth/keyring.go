package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// SigningKey is one ES256 key. The first of a list signs; the others only
// verify what they signed while they were first.
type SigningKey struct {
	ID      string // the thumbprint of the public key (RFC 7638)
	Private *ecdsa.PrivateKey
	// Retired is when the key stopped signing; zero for the one that signs.
	Retired time.Time
}

// KeySource is where the keys of a deployment come from: a secret in AWS, a
// file on a laptop.
type KeySource interface {
	// Load returns the keys, the signing one first; at least one.
	Load(ctx context.Context) ([]SigningKey, error)
}

// FixedKeys is a KeySource that always answers the same keys.
type FixedKeys []SigningKey

// Load implements KeySource.
func (f FixedKeys) Load(context.Context) ([]SigningKey, error) { return f, nil }

var errKeys = errors.New("signing keys are not readable")

// pemType and pemRetired spell a key file: PKCS #8 blocks, the signing key
// first, and the instant from which a key only verifies as a PEM header.
const (
	pemType    = "PRIVATE KEY"
	pemRetired = "Retired"
)

// GenerateKey returns a fresh key.
func GenerateKey() (SigningKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return SigningKey{}, fmt.Errorf("generate signing key: %w", err)
	}
	return newSigningKey(private)
}

// Rotate puts a fresh key in front, to sign from now on. Keys that retired
// longer than a token lives ago are left out: no token of theirs is alive.
func Rotate(keys []SigningKey, fresh SigningKey, now time.Time) []SigningKey {
	rotated := []SigningKey{fresh}
	for _, k := range keys {
		if k.Retired.IsZero() {
			k.Retired = now.UTC()
		}
		if now.Sub(k.Retired) <= TokenLifetime {
			rotated = append(rotated, k)
		}
	}
	return rotated
}

// MarshalKeys encodes keys as PEM, for a file or a secret.
func MarshalKeys(keys []SigningKey) ([]byte, error) {
	var text []byte
	for _, k := range keys {
		der, err := x509.MarshalPKCS8PrivateKey(k.Private)
		if err != nil {
			return nil, fmt.Errorf("encode signing key: %w", err)
		}
		block := &pem.Block{Type: pemType, Bytes: der}
		if !k.Retired.IsZero() {
			block.Headers = map[string]string{pemRetired: k.Retired.UTC().Format(time.RFC3339)}
		}
		text = append(text, pem.EncodeToMemory(block)...)
	}
	return text, nil
}

// ParseKeys reads what MarshalKeys wrote: at least one P-256 key.
func ParseKeys(text []byte) ([]SigningKey, error) {
	var keys []SigningKey
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		key, err := parseKey(block)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no key found: %w", errKeys)
	}
	return keys, nil
}

func parseKey(block *pem.Block) (SigningKey, error) {
	if block.Type != pemType {
		return SigningKey{}, fmt.Errorf("block %q: %w", block.Type, errKeys)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return SigningKey{}, fmt.Errorf("%w: %w", errKeys, err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return SigningKey{}, fmt.Errorf("not a P-256 key: %w", errKeys)
	}
	key, err := newSigningKey(private)
	if err != nil {
		return SigningKey{}, err
	}
	if retired, ok := block.Headers[pemRetired]; ok {
		if key.Retired, err = time.Parse(time.RFC3339, retired); err != nil {
			return SigningKey{}, fmt.Errorf("%w: %w", errKeys, err)
		}
	}
	return key, nil
}

func newSigningKey(private *ecdsa.PrivateKey) (SigningKey, error) {
	public, err := publicJWK(&private.PublicKey)
	if err != nil {
		return SigningKey{}, err
	}
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + public.X + `","y":"` + public.Y + `"}`))
	return SigningKey{ID: base64.RawURLEncoding.EncodeToString(sum[:]), Private: private}, nil
}

// JWK is one public key of the JWKS document.
type JWK struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

func publicJWK(key *ecdsa.PublicKey) (JWK, error) {
	point, err := key.Bytes() // 0x04, then x and y of 32 bytes each
	if err != nil || len(point) != 65 {
		return JWK{}, fmt.Errorf("encode public key: %w", errors.Join(errKeys, err))
	}
	encode := base64.RawURLEncoding.EncodeToString
	return JWK{KeyType: "EC", Curve: "P-256", X: encode(point[1:33]), Y: encode(point[33:]), Use: "sig", Algorithm: algorithm}, nil
}
