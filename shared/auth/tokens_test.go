package auth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/appmint/appengine/shared/auth"
)

const issuer = "https://api.example.com"

func newTokens(c *clock, keys auth.KeySource) *auth.Tokens {
	return auth.NewTokens(auth.TokenOptions{Issuer: issuer, Keys: keys, Now: c.now, Random: random})
}

func person() auth.Claims {
	return auth.Claims{
		Subject: "user-1", SK: "user-1", Org: "acme", Type: auth.User, Datatype: "user", Email: "ada@example.com",
		Name: "Ada", Roles: []string{"Owner"}, Groups: []string{"Admin"}, Session: "user-1.x",
	}
}

func issue(t *testing.T, tokens *auth.Tokens, c auth.Claims) string {
	t.Helper()
	text, err := tokens.Issue(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParseReturnsWhatWasIssued(t *testing.T) {
	t.Parallel()
	c := newClock()
	tokens := newTokens(c, auth.FixedKeys(newKeys(t)))
	text := issue(t, tokens, person())
	for range 2 { // the second time from memory
		got, err := tokens.Parse(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, person(), cmpopts.IgnoreFields(auth.Claims{}, "Issuer", "TokenID", "IssuedAt", "Expires")); diff != "" {
			t.Errorf("claims (-got +want):\n%s", diff)
		}
		if got.Issuer != issuer || got.TokenID == "" || got.Expires-got.IssuedAt != 3600 {
			t.Errorf("issuer %q, id %q, lifetime %d", got.Issuer, got.TokenID, got.Expires-got.IssuedAt)
		}
	}
}

func TestTokenExpiresAfterAnHour(t *testing.T) {
	t.Parallel()
	c := newClock()
	tokens := newTokens(c, auth.FixedKeys(newKeys(t)))
	text := issue(t, tokens, person())
	c.forward(time.Hour - time.Second)
	if _, err := tokens.Parse(t.Context(), text); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	c.forward(time.Second)
	if _, err := tokens.Parse(t.Context(), text); !errors.Is(err, auth.ErrTokenExpired) {
		t.Errorf("at the end: %v, want ErrTokenExpired", err)
	}
}

func TestParseRefusesForgeries(t *testing.T) {
	t.Parallel()
	c := newClock()
	keys := newKeys(t)
	tokens := newTokens(c, auth.FixedKeys(keys))
	good := issue(t, tokens, person())
	parts := strings.Split(good, ".")
	sign := func(method jwt.SigningMethod, key any, change func(*jwt.Token, *auth.Claims)) string {
		claims := person()
		claims.Issuer, claims.IssuedAt, claims.Expires = issuer, c.now().Unix(), c.now().Add(time.Hour).Unix()
		token := jwt.NewWithClaims(method, &claims)
		token.Header["kid"] = keys[0].ID
		change(token, &claims)
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	same := func(*jwt.Token, *auth.Claims) {}
	admin := base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"user-2","orgId":"acme","type":"user","sid":"x","exp":99999999999}`))
	for name, text := range map[string]string{
		"nothing":             "",
		"garbage":             "a.b.c",
		"no signature":        parts[0] + "." + parts[1] + ".",
		"other claims":        parts[0] + "." + admin + "." + parts[2],
		"alg none":            sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"hmac with the key":   sign(jwt.SigningMethodHS256, []byte(keys[0].ID), same),
		"another's key":       sign(jwt.SigningMethodES256, newKeys(t)[0].Private, same),
		"unknown key":         sign(jwt.SigningMethodES256, keys[0].Private, func(k *jwt.Token, _ *auth.Claims) { k.Header["kid"] = "x" }),
		"no key":              sign(jwt.SigningMethodES256, keys[0].Private, func(k *jwt.Token, _ *auth.Claims) { delete(k.Header, "kid") }),
		"another issuer":      sign(jwt.SigningMethodES256, keys[0].Private, func(_ *jwt.Token, c *auth.Claims) { c.Issuer = "https://evil.example.com" }),
		"never expires":       sign(jwt.SigningMethodES256, keys[0].Private, func(_ *jwt.Token, c *auth.Claims) { c.Expires = 0 }),
		"no org":              sign(jwt.SigningMethodES256, keys[0].Private, func(_ *jwt.Token, c *auth.Claims) { c.Org = "" }),
		"a key of no kind":    sign(jwt.SigningMethodES256, keys[0].Private, func(_ *jwt.Token, c *auth.Claims) { c.Type = auth.System }),
		"user without seat":   sign(jwt.SigningMethodES256, keys[0].Private, func(_ *jwt.Token, c *auth.Claims) { c.Session = "" }),
		"longer than allowed": sign(jwt.SigningMethodES256, keys[0].Private, func(_ *jwt.Token, c *auth.Claims) { c.Name = strings.Repeat("x", auth.TokenMax) }),
	} {
		if _, err := tokens.Parse(t.Context(), text); !errors.Is(err, auth.ErrInvalidToken) {
			t.Errorf("%s: %v, want ErrInvalidToken", name, err)
		}
	}
}

// rotating is a key source that can change.
type rotating struct {
	keys  atomic.Pointer[[]auth.SigningKey]
	loads atomic.Int64
}

func (r *rotating) Load(context.Context) ([]auth.SigningKey, error) {
	r.loads.Add(1)
	if keys := r.keys.Load(); keys != nil {
		return *keys, nil
	}
	return nil, errors.New("no keys today")
}

func TestRotationKeepsOldTokensUntilTheyExpire(t *testing.T) {
	t.Parallel()
	c, source := newClock(), &rotating{}
	before := newKeys(t)
	source.keys.Store(&before)
	tokens := newTokens(c, source)
	old := issue(t, tokens, person())

	after := auth.Rotate(before, newKeys(t)[0], c.now())
	source.keys.Store(&after)
	elsewhere := issue(t, newTokens(c, source), person())
	c.forward(20 * time.Second)
	if _, err := tokens.Parse(t.Context(), elsewhere); err != nil {
		t.Errorf("a token of the fresh key: %v", err)
	}
	if _, err := tokens.Parse(t.Context(), old); err != nil {
		t.Errorf("a token of the retired key: %v", err)
	}
	if got := keyOf(t, issue(t, tokens, person())); got != after[0].ID {
		t.Errorf("signed by %s, want the fresh key", got)
	}
	c.forward(2 * time.Hour)
	issue(t, tokens, person())
	if document, _ := tokens.JWKS(t.Context()); strings.Contains(string(document), before[0].ID) {
		t.Error("a retired key is still published after its last token expired")
	}
	if got := auth.Rotate(after, newKeys(t)[0], c.now()); len(got) != 2 {
		t.Errorf("%d keys after the next rotation, want 2", len(got))
	}
}

// Made-up key ids must not make the process read its secrets for each call.
func TestUnknownKeysDoNotReloadEachTime(t *testing.T) {
	t.Parallel()
	c, source := newClock(), &rotating{}
	keys := newKeys(t)
	source.keys.Store(&keys)
	tokens := newTokens(c, source)
	stranger := issue(t, newTokens(c, auth.FixedKeys(newKeys(t))), person())
	for range 100 {
		_, _ = tokens.Parse(t.Context(), stranger)
	}
	if got := source.loads.Load(); got != 1 {
		t.Errorf("%d loads, want 1", got)
	}
}

func TestWithoutKeysNobodyIsRefusedForTheirToken(t *testing.T) {
	t.Parallel()
	c := newClock()
	tokens := newTokens(c, &rotating{})
	text := issue(t, newTokens(c, auth.FixedKeys(newKeys(t))), person())
	_, err := tokens.Parse(t.Context(), text)
	if err == nil || errors.Is(err, auth.ErrInvalidToken) {
		t.Errorf("err = %v, want an internal error", err)
	}
}

func TestJWKSVerifiesElsewhere(t *testing.T) {
	t.Parallel()
	c, keys := newClock(), newKeys(t)
	document, err := newTokens(c, auth.FixedKeys(keys)).JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(document, &got); err != nil {
		t.Fatal(err)
	}
	point, _ := keys[0].Private.PublicKey.Bytes()
	encode := base64.RawURLEncoding.EncodeToString
	want := []map[string]string{{
		"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": keys[0].ID,
		"x": encode(point[1:33]), "y": encode(point[33:]),
	}}
	if diff := cmp.Diff(got.Keys, want); diff != "" {
		t.Errorf("keys (-got +want):\n%s", diff)
	}
}

func TestKeysSurviveTheirFile(t *testing.T) {
	t.Parallel()
	c := newClock()
	keys := auth.Rotate(newKeys(t), newKeys(t)[0], c.now())
	text, err := auth.MarshalKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	got, err := auth.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if got[i].ID != keys[i].ID || !got[i].Retired.Equal(keys[i].Retired) || !got[i].Private.Equal(keys[i].Private) {
			t.Errorf("key %d changed: %v, want %v", i, got[i], keys[i])
		}
	}
	if _, err := auth.ParseKeys([]byte("nothing")); err == nil {
		t.Error("an empty file has keys")
	}
}

func keyOf(t *testing.T, text string) string {
	t.Helper()
	token, _, err := jwt.NewParser().ParseUnverified(text, &auth.Claims{})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := token.Header["kid"].(string)
	return id
}

func FuzzParse(f *testing.F) {
	key, err := auth.GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	c := newClock()
	tokens := newTokens(c, auth.FixedKeys{key})
	good, err := tokens.Issue(f.Context(), person())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := tokens.Parse(t.Context(), text); err == nil && text != good {
			t.Errorf("%q was accepted", text)
		}
	})
}

func TestSeedAlwaysGivesTheSameKey(t *testing.T) {
	t.Parallel()
	seed := strings.Repeat("correct horse ", 4)
	one, errOne := auth.KeyFromSeed(seed)
	two, errTwo := auth.KeyFromSeed(seed)
	other, errOther := auth.KeyFromSeed(seed + "!")
	if errOne != nil || errTwo != nil || errOther != nil || one.ID != two.ID || one.ID == other.ID {
		t.Errorf("keys %s, %s and %s (%v, %v, %v)", one.ID, two.ID, other.ID, errOne, errTwo, errOther)
	}
	tokens := newTokens(newClock(), auth.FixedKeys{one})
	if _, err := tokens.Parse(t.Context(), issue(t, tokens, person())); err != nil {
		t.Errorf("a token of the derived key: %v", err)
	}
	if _, err := auth.KeyFromSeed("short"); err == nil {
		t.Error("a short seed was accepted")
	}
}
