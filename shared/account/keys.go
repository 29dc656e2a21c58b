package account

import (
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// The states of an API key. Revoked is final.
const (
	KeyActive   = "active"
	KeyInactive = "inactive"
	KeyRevoked  = "revoked"
)

// Key is the payload of an apikey record. KeyHash is what the collection asks
// for; the check goes by the KeySecret item.
type Key struct {
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	KeyHash     string      `json:"keyHash,omitempty"`
	KeyPrefix   string      `json:"keyPrefix"`
	Scopes      Names       `json:"scopes"`
	RateLimit   RateLimit   `json:"rateLimit,omitzero"`
	Status      string      `json:"status"`
	ExpiresAt   record.Time `json:"expiresAt,omitzero"`
	LastUsedAt  record.Time `json:"lastUsedAt,omitzero"`
}

// RateLimit is a key's own limits; 0 means the default.
type RateLimit struct {
	PerMinute int64 `json:"requestsPerMinute,omitempty"`
	PerHour   int64 `json:"requestsPerHour,omitempty"`
	PerDay    int64 `json:"requestsPerDay,omitempty"`
}

// Windows are the limits in force.
func (r RateLimit) Windows() usage.Windows {
	w := usage.KeyWindows()
	if r.PerMinute > 0 {
		w.Minute = r.PerMinute
	}
	if r.PerHour > 0 {
		w.Hour = r.PerHour
	}
	if r.PerDay > 0 {
		w.Day = r.PerDay
	}
	return w
}

// UsableAt says whether the key may be used at an instant.
func (k Key) UsableAt(now time.Time) bool {
	return k.Status == KeyActive && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt.Time))
}

// KeySecret is the item by which a presented API key is checked: partition
// "keyprefix", sort = the key's prefix. It never leaves the server.
type KeySecret struct {
	ID     string `json:"id"` // of the apikey record
	Prefix string `json:"prefix"`
	Hash   string `json:"hash"`
	// Until is when this secret dies; zero for the current one. After a rotation
	// the old secret lives on under its own prefix for the grace asked for.
	Until time.Time `json:"until,omitzero"`
	// Off says that the key is switched off for the time being.
	Off bool `json:"off,omitempty"`
}

const keyPart = "keyprefix"

// KeySecretKey is where the secret of a prefix is kept.
func KeySecretKey(prefix string) table.Key { return table.Key{Part: keyPart, Sort: prefix} }

// Put is the write that stores a secret.
func (k KeySecret) Put() (table.Op, error) {
	doc, err := table.NewDoc(k)
	return table.Put{Item: table.Item{Key: KeySecretKey(k.Prefix), Doc: doc, Expires: k.Until}}, err
}

// Matches says whether a presented key is this one, at an instant.
func (k KeySecret) Matches(key string, now time.Time) bool {
	return auth.SecretMatches(key, k.Hash) && !k.Off && (k.Until.IsZero() || now.Before(k.Until))
}

// App is the payload of an application record, as far as identity needs it.
type App struct {
	AppID       string      `json:"appId"`
	AppKey      string      `json:"appKey"`
	Name        string      `json:"name"`
	Domain      string      `json:"domain,omitempty"`
	Description string      `json:"description,omitempty"`
	CallbackURL string      `json:"callbackUrl,omitempty"`
	Permissions Names       `json:"permissions,omitempty"`
	Status      string      `json:"status,omitempty"`
	LastUsed    record.Time `json:"lastUsed,omitzero"`
}

// Usable says whether the application may sign in and its tokens work.
func (a App) Usable() bool { return a.Status != "disabled" }

// AppSecret is the item by which an application's triple is checked: partition
// "appid", sort = the app id. It never leaves the server.
type AppSecret struct {
	ID     string `json:"id"` // of the application record
	AppID  string `json:"appId"`
	AppKey string `json:"appKey"`
	Hash   string `json:"hash"`
}

const appPart = "appid"

// AppSecretKey is where the secret of an app id is kept.
func AppSecretKey(appID string) table.Key { return table.Key{Part: appPart, Sort: appID} }

// Put is the write that stores the secret.
func (a AppSecret) Put() (table.Op, error) {
	doc, err := table.NewDoc(a)
	return table.Put{Item: table.Item{Key: AppSecretKey(a.AppID), Doc: doc}}, err
}

// Company is as much of an org's company record as every call needs.
type Company struct {
	ID     string // of the record
	Name   org.ID `json:"name"`
	Plan   string `json:"plan"`
	Status string `json:"status"`
	Active *bool  `json:"active"`
	// MaxUsers overrides how many users the plan has room for; 0 does not.
	MaxUsers float64 `json:"maxUsers"`
}

// Open says whether the org may be used.
func (c Company) Open() bool {
	switch c.Status {
	case "inactive", "suspended", "expired", "deleted":
		return false
	}
	return c.Active == nil || *c.Active
}
