package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

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
	keys := make([]*keyOut, len(page.Data))
	for i := range page.Data {
		keys[i] = &page.Data[i]
	}
	return page, s.withUse(ctx, who.Org, keys...)
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
	if err != nil {
		return keyOut{}, err
	}
	key := presentedKey(rec)
	return key, s.withUse(ctx, who.Org, &key)
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
	rec, err := s.changeKey(ctx, who, in.ID, func(rec *record.Record[account.Key], tx *repository.Tx) error {
		if err := in.apply(&rec.Data); err != nil {
			return err
		}
		secret, err := account.KeySecret{
			ID: rec.SK, Prefix: rec.Data.KeyPrefix, Hash: rec.Data.KeyHash, Off: rec.Data.Status != account.KeyActive,
		}.Put()
		tx.Also(secret)
		return err
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
