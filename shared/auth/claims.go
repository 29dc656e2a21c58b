package auth

import (
	"github.com/golang-jwt/jwt/v5"

	"github.com/appmint/appengine/shared/org"
)

// Claims is what an access token says. Beside the standard claims it mirrors
// the identity of the record, so that clients that treat the payload as the
// user record keep working.
type Claims struct {
	Issuer      string   `json:"iss"`
	Subject     string   `json:"sub"` // pk, which is sk
	SK          string   `json:"sk,omitempty"`
	Org         org.ID   `json:"orgId"` // the home org of the account
	Type        Kind     `json:"type"`  // user, customer, guest or app
	Datatype    string   `json:"datatype,omitempty"`
	Email       string   `json:"email,omitempty"`
	Name        string   `json:"name,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	Groups      []string `json:"groups,omitempty"`
	Session     string   `json:"sid,omitempty"`
	TokenID     string   `json:"jti"`
	AppID       string   `json:"appId,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	IssuedAt    int64    `json:"iat"` // epoch seconds
	Expires     int64    `json:"exp"` // epoch seconds
}

// GetExpirationTime implements jwt.Claims.
func (c *Claims) GetExpirationTime() (*jwt.NumericDate, error) { return date(c.Expires), nil }

// GetIssuedAt implements jwt.Claims.
func (c *Claims) GetIssuedAt() (*jwt.NumericDate, error) { return date(c.IssuedAt), nil }

// GetNotBefore implements jwt.Claims; tokens are valid at once.
func (c *Claims) GetNotBefore() (*jwt.NumericDate, error) { return nil, nil } //nolint:nilnil // the interface's way to say absent

// GetIssuer implements jwt.Claims.
func (c *Claims) GetIssuer() (string, error) { return c.Issuer, nil }

// GetSubject implements jwt.Claims.
func (c *Claims) GetSubject() (string, error) { return c.Subject, nil }

// GetAudience implements jwt.Claims; tokens name no audience.
func (c *Claims) GetAudience() (jwt.ClaimStrings, error) { return nil, nil }

// sound says whether the claims name somebody, as every token of ours does.
func (c *Claims) sound() bool {
	if c.Subject == "" || c.Expires == 0 {
		return false
	}
	if _, err := org.Parse(string(c.Org)); err != nil {
		return false
	}
	switch c.Type {
	case User, Customer, Guest:
		return c.Session != ""
	case App:
		return c.AppID != ""
	default:
		return false
	}
}

func date(seconds int64) *jwt.NumericDate {
	if seconds == 0 {
		return nil
	}
	return jwt.NewNumericDate(unix(seconds))
}
