package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"regexp"
)

// secretBytes is the size of every secret made here: 256 bits, so that a plain
// SHA-256 of it can be stored: there is nothing to guess.
const secretBytes = 32

// HashSecret is what is stored of a random secret: base64url of its SHA-256.
// It is no way to store a password.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SecretMatches compares a presented secret with a stored hash, in constant
// time. An empty hash matches nothing.
func SecretMatches(secret, hash string) bool {
	return hash != "" && subtle.ConstantTimeCompare([]byte(HashSecret(secret)), []byte(hash)) == 1
}

// chain derives the secret that follows another one in a family.
func chain(family []byte, secret string) string {
	mac := hmac.New(sha256.New, family)
	mac.Write([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// KeyBegin is what every API key begins with.
const KeyBegin = "ak_live_"

// An API key: KeyBegin and 43 characters of base64url, the first 8 of which
// name the key in storage and lists.
var keyPattern = regexp.MustCompile(`^ak_live_([A-Za-z0-9_-]{8})[A-Za-z0-9_-]{35}$`)

// NewAPIKey returns a fresh API key and its prefix, by which it is found.
func NewAPIKey(random func([]byte)) (key, prefix string) {
	text := randomText(random, secretBytes)
	return KeyBegin + text, text[:8]
}

// KeyPrefix returns the prefix of an API key; ok is false for anything that
// cannot be one, so that storage is not asked for it.
func KeyPrefix(key string) (prefix string, ok bool) {
	parts := keyPattern.FindStringSubmatch(key)
	if parts == nil {
		return "", false
	}
	return parts[1], true
}

// AppCredentials are the triple by which an application signs in.
type AppCredentials struct {
	ID     string // "app_" and 22 characters; public
	Key    string // "pk_" and 22 characters; public, names the pair
	Secret string // "sk_" and 43 characters; shown once, only its hash is stored
}

// NewAppCredentials returns a fresh triple.
func NewAppCredentials(random func([]byte)) AppCredentials {
	return AppCredentials{
		ID:     "app_" + randomText(random, 16),
		Key:    "pk_" + randomText(random, 16),
		Secret: NewAppSecret(random),
	}
}

// NewAppSecret returns a fresh secret for an application.
func NewAppSecret(random func([]byte)) string { return "sk_" + randomText(random, secretBytes) }

// NewSecret returns a fresh random secret: 43 characters of base64url.
func NewSecret(random func([]byte)) string { return randomText(random, secretBytes) }
