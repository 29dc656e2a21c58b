package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
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
	ExpiresAt   record.Time       `json:"expiresAt"`
	CreatedAt   record.Time       `json:"createdAt"`
	Owner       *record.Owner     `json:"owner,omitempty"`
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

type createKeyIn struct{ keyIn }

// Validate asks for the name, which updates may leave out.
func (in createKeyIn) Validate() []fault.Detail {
	if in.Name != nil {
		return nil
	}
	return []fault.Detail{{Field: "name", Message: "name is required.", Code: "required"}}
}

// createKey makes an API key of the caller.
func (s *service) createKey(ctx context.Context, who auth.Principal, in createKeyIn) (shownKey, error) {
	if who.Home != who.Org {
		return shownKey{}, auth.ErrForbidden // a key does not outlive its owner's account, which must be of the org
	}
	key, prefix := auth.NewAPIKey(s.deps.Random)
	data := account.Key{KeyHash: auth.HashSecret(key), KeyPrefix: prefix, Scopes: []string{auth.ScopeRead}}
	if err := in.apply(&data); err != nil {
		return shownKey{}, err
	}
	data.Status = account.KeyActive
	sk := s.deps.NewID(account.Keys)
	raw, err := record.Untyped(record.Record[account.Key]{
		SK: sk, Datatype: account.Keys, Name: prefix, Data: data,
		Owner: &record.Owner{Datatype: account.Users, ID: who.ID, Name: who.Name, Email: who.Email},
	})
	if err != nil {
		return shownKey{}, err
	}
	secret, err := account.KeySecret{ID: sk, Prefix: prefix, Hash: data.KeyHash}.Put()
	if err != nil {
		return shownKey{}, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Create(raw)
	tx.Also(secret)
	stored, err := tx.Commit(ctx)
	if err != nil {
		return shownKey{}, err
	}
	rec, err := record.Typed[account.Key](stored[0])
	return shown(rec, key), err
}

type pageIn struct {
	Page int `query:"p" min:"1" max:"100000"`
	Size int `query:"ps" min:"1" max:"200"`
}

type keyPage struct {
	Data       []keyOut `json:"data"`
	Total      int      `json:"total"`
	Page       int      `json:"page"`
	PageSize   int      `json:"pageSize"`
	HasNext    bool     `json:"hasNext"`
	TotalPages int      `json:"totalPages"`
}

// listKeys lists the caller's keys; administrators see everybody's.
func (s *service) listKeys(ctx context.Context, who auth.Principal, in pageIn) (keyPage, error) {
	in.Page, in.Size = max(1, in.Page), orElse(in.Size, 50)
	find := repository.Find{Options: repository.ListOptions{Page: in.Page, PageSize: in.Size, Sort: "createdate", Desc: true}}
	if !isKeyAdmin(who) {
		text, err := json.Marshal(map[string]string{"owner.id": who.ID})
		if err != nil {
			return keyPage{}, fmt.Errorf("encode filter: %w", err)
		}
		find.Filter = text
	}
	found, err := s.deps.Records.Tenant(who.Org).Find(ctx, account.Keys, find)
	if err != nil {
		return keyPage{}, err
	}
	page := keyPage{
		Data: []keyOut{}, Total: found.Total, Page: in.Page, PageSize: in.Size,
		HasNext: in.Page*in.Size < found.Total, TotalPages: (found.Total + in.Size - 1) / in.Size,
	}
	for _, raw := range found.Data {
		rec, err := record.Typed[account.Key](raw)
		if err != nil {
			return keyPage{}, err
		}
		page.Data = append(page.Data, presentedKey(rec))
	}
	return page, nil
}

func orElse(value, otherwise int) int {
	if value == 0 {
		return otherwise
	}
	return value
}

func isKeyAdmin(who auth.Principal) bool {
	return who.Has(auth.RoleConfigAdmin, auth.RoleRootAdmin, auth.RoleRootPowerUser, auth.RoleOwner)
}

type keyID struct {
	ID string `path:"id" maxLen:"200"`
}

// keyOf returns a key that the caller may see: their own, or as an
// administrator anybody's. Others do not exist for them.
func (s *service) keyOf(ctx context.Context, who auth.Principal, id string) (record.Record[account.Key], error) {
	rec, err := repository.Get[account.Key](ctx, s.deps.Records.Tenant(who.Org), account.Keys, id)
	if errors.Is(err, table.ErrNotFound) {
		return rec, ErrUnknownKey
	}
	if err == nil && !isKeyAdmin(who) && (rec.Owner == nil || rec.Owner.ID != who.ID) {
		return rec, ErrUnknownKey
	}
	return rec, err
}

func (s *service) getKey(ctx context.Context, who auth.Principal, in keyID) (keyOut, error) {
	rec, err := s.keyOf(ctx, who, in.ID)
	return presentedKey(rec), err
}

// changeKey changes a key that is not revoked.
func (s *service) changeKey(ctx context.Context, who auth.Principal, id string, change func(*record.Record[account.Key], *repository.Tx) error) (record.Record[account.Key], error) {
	if rec, err := s.keyOf(ctx, who, id); err != nil {
		return rec, err
	}
	return repository.Change(ctx, s.deps.Records.Tenant(who.Org), who, account.Keys, id, func(rec *record.Record[account.Key], tx *repository.Tx) error {
		if rec.Data.Status == account.KeyRevoked {
			return ErrKeyRevoked
		}
		return change(rec, tx)
	})
}

type updateKeyIn struct {
	ID string `path:"id" maxLen:"200"`
	keyIn
}

func (s *service) updateKey(ctx context.Context, who auth.Principal, in updateKeyIn) (keyOut, error) {
	rec, err := s.changeKey(ctx, who, in.ID, func(rec *record.Record[account.Key], _ *repository.Tx) error {
		return in.apply(&rec.Data)
	})
	return presentedKey(rec), err
}

type rotateIn struct {
	ID    string `path:"id" maxLen:"200"`
	Grace int64  `json:"graceSeconds" min:"0" max:"2592000" doc:"how long the old key still works"`
}

// rotateKey replaces a key's secret. The old one lives on for the grace.
func (s *service) rotateKey(ctx context.Context, who auth.Principal, in rotateIn) (shownKey, error) {
	key, prefix := auth.NewAPIKey(s.deps.Random)
	rec, err := s.changeKey(ctx, who, in.ID, func(rec *record.Record[account.Key], tx *repository.Tx) error {
		old := account.KeySecret{ID: rec.SK, Prefix: rec.Data.KeyPrefix, Hash: rec.Data.KeyHash, Until: s.deps.Now().Add(time.Duration(in.Grace) * time.Second)}
		rec.Data.KeyHash, rec.Data.KeyPrefix = auth.HashSecret(key), prefix
		fresh, err := account.KeySecret{ID: rec.SK, Prefix: prefix, Hash: rec.Data.KeyHash}.Put()
		if err != nil {
			return err
		}
		if in.Grace == 0 {
			tx.Also(fresh, table.Delete{Key: account.KeySecretKey(old.Prefix)})
			return nil
		}
		ending, err := old.Put()
		tx.Also(fresh, ending)
		return err
	})
	return shown(rec, key), err
}

// revokeKey ends a key for good.
func (s *service) revokeKey(ctx context.Context, who auth.Principal, in keyID) (keyOut, error) {
	rec, err := s.changeKey(ctx, who, in.ID, func(rec *record.Record[account.Key], tx *repository.Tx) error {
		rec.Data.Status = account.KeyRevoked
		tx.Also(table.Delete{Key: account.KeySecretKey(rec.Data.KeyPrefix)})
		return nil
	})
	return presentedKey(rec), err
}

func (s *service) deleteKey(ctx context.Context, who auth.Principal, in keyID) (done, error) {
	rec, err := s.keyOf(ctx, who, in.ID)
	if err != nil {
		return done{}, err
	}
	raw, err := record.Untyped(rec)
	if err != nil {
		return done{}, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Delete(raw)
	tx.Also(table.Delete{Key: account.KeySecretKey(rec.Data.KeyPrefix)})
	_, err = tx.Commit(ctx)
	return done{Success: true, Message: "The key is deleted."}, conflict(err)
}
