package auth

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/appmint/appengine/shared/cache"
)

const (
	// TokenLifetime is how long an access token lives.
	TokenLifetime = time.Hour
	// TokenMax is the longest access token that is looked at, in bytes.
	TokenMax = 8 << 10

	algorithm = "ES256"
	// keysFor is how long loaded keys are used before they are read again;
	// unknownKeyPause how long after a load an unknown key id does not cause
	// another one.
	keysFor         = 5 * time.Minute
	unknownKeyPause = 15 * time.Second
	verifiedMax     = 10_000
)

// TokenOptions are the parts of Tokens.
type TokenOptions struct {
	Issuer string // of every token: the deployment's public URL
	Keys   KeySource
	Now    func() time.Time
	Random func([]byte)
}

// Tokens issues and verifies access tokens: JWTs signed with ES256. It is safe
// for concurrent use. A verified token is remembered until it expires, since
// checking a signature costs far more than looking it up.
type Tokens struct {
	o        TokenOptions
	parser   *jwt.Parser
	verified *cache.Cache[string, verified]

	mu     sync.Mutex
	keys   []SigningKey
	loaded time.Time
}

type verified struct {
	claims Claims
	key    string
}

// NewTokens builds Tokens; the keys are loaded when first needed.
func NewTokens(o TokenOptions) *Tokens {
	return &Tokens{
		o: o,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{algorithm}), jwt.WithIssuer(o.Issuer),
			jwt.WithExpirationRequired(), jwt.WithTimeFunc(o.Now), jwt.WithStrictDecoding(),
		),
		verified: cache.New[string, verified](verifiedMax, TokenLifetime, o.Now),
	}
}

// Issue signs a token for TokenLifetime. Issuer, token id and times are set
// here; the rest of the claims must name a person's session or an app.
func (t *Tokens) Issue(ctx context.Context, c Claims) (string, error) {
	keys, err := t.ring(ctx, "")
	if err != nil {
		return "", err
	}
	now := t.o.Now()
	c.Issuer, c.IssuedAt, c.Expires = t.o.Issuer, now.Unix(), now.Add(TokenLifetime).Unix()
	c.TokenID = t.secret(16)
	if !c.sound() {
		return "", fmt.Errorf("issue token: the claims of %q name nobody", c.Subject)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodES256, &c)
	token.Header["kid"] = keys[0].ID
	text, err := token.SignedString(keys[0].Private)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return text, nil
}

// Parse verifies a token (as Bearer returns it) and answers its claims,
// ErrTokenExpired or ErrInvalidToken. Any other error says that the keys could
// not be loaded. It knows nothing of sessions that have ended.
func (t *Tokens) Parse(ctx context.Context, text string) (Claims, error) {
	if len(text) > TokenMax {
		return Claims{}, ErrInvalidToken
	}
	if known, ok := t.verified.Get(text); ok {
		if _, err := t.key(ctx, known.key); err == nil {
			return known.claims, nil
		}
	}
	var claims Claims
	var internal error
	token, err := t.parser.ParseWithClaims(text, &claims, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		key, err := t.key(ctx, id)
		if err != nil && !errors.Is(err, ErrInvalidToken) {
			internal = err
		}
		return key, err
	})
	switch {
	case internal != nil:
		return Claims{}, internal
	case err != nil && errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return Claims{}, ErrTokenExpired
	case err != nil, !claims.sound():
		return Claims{}, ErrInvalidToken
	}
	id, _ := token.Header["kid"].(string)
	t.verified.SetUntil(text, verified{claims: claims, key: id}, unix(claims.Expires))
	return claims, nil
}

// JWKS returns the JSON document of the public keys, for whoever verifies
// tokens elsewhere.
func (t *Tokens) JWKS(ctx context.Context) ([]byte, error) {
	keys, err := t.ring(ctx, "")
	if err != nil {
		return nil, err
	}
	document := struct {
		Keys []JWK `json:"keys"`
	}{}
	for _, k := range keys {
		public, err := publicJWK(&k.Private.PublicKey)
		if err != nil {
			return nil, err
		}
		public.ID = k.ID
		document.Keys = append(document.Keys, public)
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode key set: %w", err)
	}
	return text, nil
}

// key returns the public key with the id, ErrInvalidToken when there is none.
func (t *Tokens) key(ctx context.Context, id string) (*ecdsa.PublicKey, error) {
	if id == "" {
		return nil, ErrInvalidToken
	}
	keys, err := t.ring(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID == id {
			return &k.Private.PublicKey, nil
		}
	}
	return nil, ErrInvalidToken
}

// ring returns the keys, the signing one first. It reads them again when they
// have been held for keysFor, or when wanted is an id it does not know: another
// process may have been given a new key before this one.
func (t *Tokens) ring(ctx context.Context, wanted string) ([]SigningKey, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	age := t.o.Now().Sub(t.loaded)
	fresh := len(t.keys) > 0 && age < keysFor
	if fresh && (wanted == "" || t.knows(wanted) || age < unknownKeyPause) {
		return t.keys, nil
	}
	keys, err := t.o.Keys.Load(ctx)
	switch {
	case err == nil && len(keys) > 0:
		t.keys = keys
	case len(t.keys) == 0:
		return nil, fmt.Errorf("load signing keys: %w", errors.Join(errKeys, err))
	}
	// A failed reload keeps the old keys: better than refusing everybody.
	t.loaded = t.o.Now()
	return t.living(), nil
}

func (t *Tokens) knows(id string) bool {
	for _, k := range t.keys {
		if k.ID == id {
			return true
		}
	}
	return false
}

// living drops keys whose last token has expired.
func (t *Tokens) living() []SigningKey {
	kept := t.keys[:0:0]
	for _, k := range t.keys {
		if k.Retired.IsZero() || t.o.Now().Sub(k.Retired) <= TokenLifetime {
			kept = append(kept, k)
		}
	}
	if len(kept) > 0 {
		t.keys = kept
	}
	return t.keys
}

// secret returns random bytes as base64url.
func (t *Tokens) secret(size int) string { return randomText(t.o.Random, size) }

func randomText(random func([]byte), size int) string {
	raw := make([]byte, size)
	random(raw)
	return base64.RawURLEncoding.EncodeToString(raw)
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
