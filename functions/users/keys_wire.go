package users

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// rateIn are a key's limits in the spelling of the documents.
type rateIn struct {
	PerMinute int64 `json:"perMinute"`
	PerHour   int64 `json:"perHour"`
	PerDay    int64 `json:"perDay"`
}

// keyIn are the fields of a key that a caller can set; both spellings of scopes
// and limits are in use.
type keyIn struct {
	Name        *string            `json:"name" minLen:"3" maxLen:"100"`
	Description *string            `json:"description" maxLen:"500"`
	Scopes      *[]string          `json:"scopes" doc:"read, write, delete, admin, integration, webhook, or verb:area"`
	Permissions *[]string          `json:"permissions" doc:"another word for scopes"`
	RateLimit   *account.RateLimit `json:"rateLimit"`
	RateLimits  *rateIn            `json:"rateLimits" doc:"another spelling of rateLimit"`
	ExpiresAt   json.RawMessage    `json:"expiresAt" doc:"ISO date, or null for never"`
	Status      *string            `json:"status" enum:"active,inactive" doc:"updates only"`
}

// keyOut is a key as lists show it: neither secret nor hash.
type keyOut struct {
	ID          string            `json:"id"`
	SK          string            `json:"sk"`
	PK          string            `json:"pk"`
	Datatype    string            `json:"datatype"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Scopes      []string          `json:"scopes"`
	Permissions []string          `json:"permissions"`
	KeyPrefix   string            `json:"keyPrefix"`
	Status      string            `json:"status"`
	RateLimit   account.RateLimit `json:"rateLimit"`
	RateLimits  rateIn            `json:"rateLimits"`
	LastUsedAt  record.Time       `json:"lastUsedAt"`
	UsageStats  keyStats          `json:"usageStats"`
	ExpiresAt   record.Time       `json:"expiresAt"`
	CreatedAt   record.Time       `json:"createdAt"`
	Owner       *record.Owner     `json:"owner,omitempty"`
}

// keyStats says how often a key was used. It lags until calls are over.
type keyStats struct {
	Total int64 `json:"totalRequests"`
}

// withUse fills in how often and when keys were used last.
func (s *service) withUse(ctx context.Context, id org.ID, keys ...*keyOut) error {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.SK
	}
	used, err := usage.KeysUsed(ctx, table.Of(s.deps.Table, id), ids...)
	for _, k := range keys {
		if u, ok := used[k.SK]; ok {
			k.UsageStats.Total, k.LastUsedAt = u.Calls, record.At(u.Last)
		}
	}
	return err
}

func presentedKey(rec record.Record[account.Key]) keyOut {
	k := rec.Data
	w := k.RateLimit.Windows()
	return keyOut{
		ID: rec.SK, SK: rec.SK, PK: rec.PK, Datatype: rec.Datatype, Name: k.Name, Description: k.Description,
		Scopes: emptyNotNull(k.Scopes), Permissions: emptyNotNull(k.Scopes), KeyPrefix: k.KeyPrefix, Status: k.Status,
		RateLimit:  account.RateLimit{PerMinute: w.Minute, PerHour: w.Hour, PerDay: w.Day},
		RateLimits: rateIn{PerMinute: w.Minute, PerHour: w.Hour, PerDay: w.Day},
		LastUsedAt: k.LastUsedAt, ExpiresAt: k.ExpiresAt, CreatedAt: rec.CreateDate, Owner: rec.Owner,
	}
}

// apply changes a key as asked.
func (in keyIn) apply(k *account.Key) error {
	set := func(into *string, value *string) {
		if value != nil {
			*into = *value
		}
	}
	set(&k.Name, in.Name)
	set(&k.Description, in.Description)
	set(&k.Status, in.Status)
	for _, scopes := range []*[]string{in.Permissions, in.Scopes} {
		if scopes != nil {
			k.Scopes = slices.Clone(*scopes)
		}
	}
	if in.RateLimits != nil {
		k.RateLimit = account.RateLimit{PerMinute: in.RateLimits.PerMinute, PerHour: in.RateLimits.PerHour, PerDay: in.RateLimits.PerDay}
	}
	if in.RateLimit != nil {
		k.RateLimit = *in.RateLimit
	}
	if len(in.ExpiresAt) > 0 {
		if err := k.ExpiresAt.UnmarshalJSON(in.ExpiresAt); err != nil {
			return errExpiry
		}
	}
	return checkLimits(k.RateLimit)
}

var errExpiry = fault.New(fault.Invalid, "invalid_expiry", "The expiry must be a date.")

func checkLimits(r account.RateLimit) error {
	within := func(value, most int64) bool { return value >= 0 && value <= most }
	if !within(r.PerMinute, 10_000) || !within(r.PerHour, 100_000) || !within(r.PerDay, 1_000_000) {
		return ErrRateLimit
	}
	return nil
}

// shownKey is a key with its plaintext, which is shown this once: at the top
// and under data, where different clients look.
type shownKey struct {
	Data shownData `json:"data"`
	Key  string    `json:"key"`
}

type shownData struct {
	keyOut
	Key string `json:"key"`
}

func shown(rec record.Record[account.Key], key string) shownKey {
	return shownKey{Data: shownData{keyOut: presentedKey(rec), Key: key}, Key: key}
}
