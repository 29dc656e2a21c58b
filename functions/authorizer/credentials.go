package authorizer

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
)

// credentials are what a call presents, before any of it is believed.
type credentials struct {
	org    string // of the header or, in a browser's navigation, the query
	person string // token of x-client-authorization
	token  string // of authorization: an app's or a person's
	key    string
}

func credentialsOf(c auth.Call) credentials {
	first := func(values ...string) string {
		for _, v := range values {
			if v = auth.Given(v); v != "" {
				return v
			}
		}
		return ""
	}
	return credentials{
		org:    first(c.Headers[auth.HeaderOrg], c.Query["orgid"], c.Query["orgId"]),
		person: auth.Bearer(c.Headers[auth.HeaderClientAuth]),
		token:  auth.Bearer(c.Headers[auth.HeaderToken]),
		key:    auth.Given(c.Headers[auth.HeaderKey]),
	}
}

// believed is what of the credentials holds by itself: signatures are checked,
// sessions and records are not.
type believed struct {
	org    org.ID // "" when the call named none
	person *auth.Claims
	app    *auth.Claims
	fault  string // of the first credential that does not hold
}

// believe verifies the tokens. An error says that they could not be verified at
// all, not that they are bad.
func (s *service) believe(ctx context.Context, c credentials, id org.ID) (believed, error) {
	b := believed{org: id}
	client, err := s.claims(ctx, c.person, &b)
	if err != nil {
		return b, err
	}
	bearer, err := s.claims(ctx, c.token, &b)
	if err != nil {
		return b, err
	}
	switch {
	case client != nil && client.Type == auth.App:
		b.spoil(auth.ErrInvalidToken.Reason) // that header is for persons
	case client != nil:
		b.person = client
	}
	switch {
	case bearer == nil:
	case bearer.Type == auth.App:
		b.app = bearer
	case b.person == nil && c.person == "":
		b.person = bearer
	}
	for _, claims := range []*auth.Claims{b.person, b.app} {
		if claims != nil && !mayEnter(claims, id) {
			b.spoil(auth.ErrOrgMismatch.Reason)
		}
	}
	b.dropStrangers()
	return b, nil
}

// claims reads one token; a bad one leaves its reason behind and is nil.
func (s *service) claims(ctx context.Context, token string, b *believed) (*auth.Claims, error) {
	if token == "" {
		return nil, nil //nolint:nilnil // no token, no claims, nothing wrong
	}
	claims, err := s.tokens.Parse(ctx, token)
	switch {
	case err == nil:
		return &claims, nil
	case errors.Is(err, auth.ErrTokenExpired):
		b.spoil(auth.ErrTokenExpired.Reason)
	case errors.Is(err, auth.ErrInvalidToken):
		b.spoil(auth.ErrInvalidToken.Reason)
	default:
		return nil, err
	}
	return nil, nil //nolint:nilnil // the reason is in b
}

func (b *believed) spoil(reason string) {
	if b.fault == "" {
		b.fault = reason
	}
}

// mayEnter says whether a token of another org could be one that reaches across
// orgs; whether it does is decided by the roles of the account as it is now.
func mayEnter(c *auth.Claims, id org.ID) bool {
	return id == "" || c.Org == id || c.Type == auth.User && c.Org == org.Root
}

// dropStrangers leaves out who may not enter the org: they are nobody there.
func (b *believed) dropStrangers() {
	if b.person != nil && !mayEnter(b.person, b.org) {
		b.person = nil
	}
	if b.app != nil && !mayEnter(b.app, b.org) {
		b.app = nil
	}
}

// area is the first segment of the path, to which scopes can be limited.
func area(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "/api/"), "/")
	first, _, _ := strings.Cut(path, "/")
	return first
}

// guessing matches the routes that take passwords and codes, and the public look-up
// of the organisations that an address has accounts in.
var guessing = regexp.MustCompile(`/(signin|passcode|magic-?link|magiclink|code|password|challenge|org/user)(/|$)`)
