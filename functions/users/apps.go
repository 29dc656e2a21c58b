package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

type appKeyIn struct {
	AppID  string `json:"appId" required:"true" maxLen:"100"`
	Key    string `json:"key" required:"true" maxLen:"100"`
	Secret string `json:"secret" required:"true" maxLen:"200"`
}

// appOut is an application as its owners see it: never its secret.
type appOut struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Domain      string      `json:"domain"`
	Description string      `json:"description"`
	CallbackURL string      `json:"callbackUrl"`
	Permissions []string    `json:"permissions"`
	AppID       string      `json:"appId"`
	AppKey      string      `json:"appKey,omitempty"`
	LastUsed    record.Time `json:"lastUsed"`
	CreatedAt   record.Time `json:"createdAt"`
}

type appToken struct {
	Token     string `json:"token"`
	ExpiresIn int64  `json:"expiresIn"` // seconds
	App       appOut `json:"app"`
}

// appKey signs an application in.
func (s *service) appKey(ctx context.Context, who auth.Principal, in appKeyIn) (appToken, error) {
	rec, err := s.checkApp(ctx, who.Org, in)
	if err != nil {
		return appToken{}, err
	}
	token, err := s.deps.Tokens.Issue(ctx, auth.Claims{
		Subject: rec.SK, SK: rec.SK, Org: who.Org, Type: auth.App, Datatype: account.Apps, Name: rec.Data.Name,
		AppID: rec.Data.AppID, Permissions: rec.Data.Permissions,
	})
	out := presentedApp(rec)
	out.AppKey = ""
	return appToken{Token: token, ExpiresIn: int64(auth.TokenLifetime.Seconds()), App: out}, err
}

// checkApp answers ErrApp for anything but the right triple of a usable app.
func (s *service) checkApp(ctx context.Context, id org.ID, in appKeyIn) (record.Record[account.App], error) {
	var none record.Record[account.App]
	t := table.Of(s.deps.Table, id)
	item, err := t.Get(ctx, account.AppSecretKey(in.AppID))
	if errors.Is(err, table.ErrNotFound) || errors.Is(err, table.ErrKey) {
		return none, ErrApp
	}
	if err != nil {
		return none, fmt.Errorf("read application: %w", err)
	}
	var secret account.AppSecret
	if err := item.Doc.Decode(&secret); err != nil {
		return none, err
	}
	keyHolds := auth.SecretMatches(in.Key, auth.HashSecret(secret.AppKey))
	if !auth.SecretMatches(in.Secret, secret.Hash) || !keyHolds {
		return none, ErrApp
	}
	rec, err := repository.Get[account.App](ctx, s.deps.Records.Tenant(id), account.Apps, secret.ID)
	if errors.Is(err, table.ErrNotFound) || err == nil && !rec.Data.Usable() {
		return none, ErrApp
	}
	if err != nil {
		return none, err
	}
	return rec, s.noteUse(ctx, t, secret.AppID)
}

// noteUse keeps when an application last signed in, to the minute.
func (s *service) noteUse(ctx context.Context, t table.Tenant, appID string) error {
	now := s.deps.Now()
	path := table.At("lastUsed")
	_, err := t.Write(ctx, table.Modify{
		Key: account.AppSecretKey(appID),
		Set: []table.Assign{{Path: path, Value: now.UnixMilli()}},
		If:  table.Or{table.Missing{Path: path}, table.Compare{Path: path, Op: table.Less, Value: now.Add(-time.Minute).UnixMilli()}},
	})
	var refused *table.Refused
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, table.ErrNotFound) {
		return fmt.Errorf("note use of application: %w", err)
	}
	return nil
}

type validateAppIn struct {
	AppID  string `json:"appId" required:"true" maxLen:"100"`
	Key    string `json:"appKey" required:"true" maxLen:"100"`
	Secret string `json:"appSecret" required:"true" maxLen:"200"`
	Domain string `json:"domain" maxLen:"200"`
}

// validApp is the answer of the older twin of appKey. An application has no
// refresh token: its secret is one already.
type validApp struct {
	Valid        bool   `json:"valid"`
	Token        string `json:"token"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	App          appOut `json:"app"`
	ExpiresIn    int64  `json:"expiresIn"` // seconds
}

func (s *service) validateApp(ctx context.Context, who auth.Principal, in validateAppIn) (validApp, error) {
	t, err := s.appKey(ctx, who, appKeyIn{AppID: in.AppID, Key: in.Key, Secret: in.Secret})
	return validApp{Valid: err == nil, Token: t.Token, AccessToken: t.Token, App: t.App, ExpiresIn: t.ExpiresIn}, err
}

type registerAppIn struct {
	Name        string   `json:"name" required:"true" minLen:"3" maxLen:"100"`
	Domain      string   `json:"domain" maxLen:"200"`
	Description string   `json:"description" maxLen:"500"`
	CallbackURL string   `json:"callbackUrl" maxLen:"500"`
	Permissions []string `json:"permissions"`
}

// registered application: the only answer that shows the secret.
type newApp struct {
	appOut
	AppSecret string `json:"appSecret"`
}

func (s *service) registerApp(ctx context.Context, who auth.Principal, in registerAppIn) (newApp, error) {
	c := auth.NewAppCredentials(s.deps.Random)
	sk := s.deps.NewID(account.Apps)
	raw, err := record.Untyped(record.Record[account.App]{SK: sk, Datatype: account.Apps, Name: c.ID, Data: account.App{
		AppID: c.ID, AppKey: c.Key, Name: in.Name, Domain: in.Domain, Description: in.Description,
		CallbackURL: in.CallbackURL, Permissions: in.Permissions, Status: "active",
	}})
	if err != nil {
		return newApp{}, err
	}
	secret, err := account.AppSecret{ID: sk, AppID: c.ID, AppKey: c.Key, Hash: auth.HashSecret(c.Secret)}.Put()
	if err != nil {
		return newApp{}, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	tx.Create(raw)
	tx.Also(secret)
	stored, err := tx.Commit(ctx)
	if err != nil {
		return newApp{}, err
	}
	rec, err := record.Typed[account.App](stored[0])
	return newApp{appOut: presentedApp(rec), AppSecret: c.Secret}, err
}

func presentedApp(rec record.Record[account.App]) appOut {
	a := rec.Data
	return appOut{
		ID: rec.SK, Name: a.Name, Domain: a.Domain, Description: a.Description, CallbackURL: a.CallbackURL,
		Permissions: emptyNotNull(a.Permissions), AppID: a.AppID, AppKey: a.AppKey, LastUsed: a.LastUsed, CreatedAt: rec.CreateDate,
	}
}

type appList struct {
	Apps []appOut `json:"apps"`
}

// appsMax bounds how many applications are listed.
const appsMax = 1000

func (s *service) listApps(ctx context.Context, who auth.Principal, _ struct{}) (appList, error) {
	list := appList{Apps: []appOut{}}
	page, err := s.deps.Records.Tenant(who.Org).Find(ctx, account.Apps, repository.Find{
		Filter:  json.RawMessage(`{"data.appId":{"$exists":true}}`),
		Options: repository.ListOptions{Page: 1, PageSize: appsMax, Sort: "createdate", Desc: true},
	})
	if err != nil {
		return list, err
	}
	keys := make([]table.Key, len(page.Data))
	for i, raw := range page.Data {
		rec, err := record.Typed[account.App](raw)
		if err != nil {
			return list, err
		}
		list.Apps = append(list.Apps, presentedApp(rec))
		keys[i] = account.AppSecretKey(rec.Data.AppID)
	}
	return list, s.addUse(ctx, who.Org, keys, list.Apps)
}

// addUse fills in when each application last signed in.
func (s *service) addUse(ctx context.Context, id org.ID, keys []table.Key, apps []appOut) error {
	items, err := table.Of(s.deps.Table, id).BatchGet(ctx, keys)
	if err != nil {
		return fmt.Errorf("read applications: %w", err)
	}
	for _, item := range items {
		var used struct {
			LastUsed int64 `json:"lastUsed"`
		}
		if err := item.Doc.Decode(&used); err != nil {
			return err
		}
		for i := range apps {
			if apps[i].AppID == item.Sort && used.LastUsed > 0 {
				apps[i].LastUsed = record.At(time.UnixMilli(used.LastUsed))
			}
		}
	}
	return nil
}

type appIn struct {
	AppID string `path:"appId" maxLen:"100"`
}

type updateAppIn struct {
	AppID       string    `path:"appId" maxLen:"100"`
	Name        *string   `json:"name" minLen:"3" maxLen:"100"`
	Domain      *string   `json:"domain" maxLen:"200"`
	Description *string   `json:"description" maxLen:"500"`
	CallbackURL *string   `json:"callbackUrl" maxLen:"500"`
	Permissions *[]string `json:"permissions"`
}

type updatedApp struct {
	Success bool   `json:"success"`
	App     appOut `json:"app"`
}

func (s *service) updateApp(ctx context.Context, who auth.Principal, in updateAppIn) (updatedApp, error) {
	secret, err := s.appSecret(ctx, who.Org, in.AppID)
	if err != nil {
		return updatedApp{}, err
	}
	rec, err := repository.Change(ctx, s.deps.Records.Tenant(who.Org), who, account.Apps, secret.ID, func(rec *account.Record, _ *repository.Tx) error {
		for name, value := range map[string]*string{"name": in.Name, "domain": in.Domain, "description": in.Description, "callbackUrl": in.CallbackURL} {
			if value != nil {
				rec.Data.Set(name, *value)
			}
		}
		if in.Permissions != nil {
			rec.Data.Set("permissions", *in.Permissions)
		}
		return nil
	})
	if err != nil {
		return updatedApp{}, unknownApp(err)
	}
	raw, err := record.Untyped(rec)
	if err != nil {
		return updatedApp{}, err
	}
	app, err := record.Typed[account.App](raw)
	return updatedApp{Success: true, App: presentedApp(app)}, err
}

func unknownApp(err error) error {
	if errors.Is(err, table.ErrNotFound) || errors.Is(err, table.ErrKey) {
		return ErrUnknownApp
	}
	return err
}

func (s *service) appSecret(ctx context.Context, id org.ID, appID string) (account.AppSecret, error) {
	var secret account.AppSecret
	item, err := table.Of(s.deps.Table, id).Get(ctx, account.AppSecretKey(appID))
	if err != nil {
		return secret, unknownApp(err)
	}
	return secret, item.Doc.Decode(&secret)
}

type newSecret struct {
	Success   bool   `json:"success"`
	AppID     string `json:"appId"`
	AppSecret string `json:"appSecret"`
	Message   string `json:"message"`
}

// regenerateSecret replaces an application's secret; the old one dies at once.
func (s *service) regenerateSecret(ctx context.Context, who auth.Principal, in appIn) (newSecret, error) {
	secret, err := s.appSecret(ctx, who.Org, in.AppID)
	if err != nil {
		return newSecret{}, err
	}
	text := auth.NewAppSecret(s.deps.Random)
	_, err = table.Of(s.deps.Table, who.Org).Write(ctx, table.Modify{
		Key: account.AppSecretKey(secret.AppID), Set: []table.Assign{{Path: table.At("hash"), Value: auth.HashSecret(text)}},
	})
	return newSecret{
		Success: true, AppID: secret.AppID, AppSecret: text,
		Message: "Keep the new secret: it is not shown again. The old one no longer works.",
	}, unknownApp(err)
}

// deleteApp removes an application; its tokens stop working with it.
func (s *service) deleteApp(ctx context.Context, who auth.Principal, in appIn) (done, error) {
	secret, err := s.appSecret(ctx, who.Org, in.AppID)
	if err != nil {
		return done{}, err
	}
	tenant := s.deps.Records.Tenant(who.Org)
	raw, err := tenant.Get(ctx, account.Apps, secret.ID)
	tx := tenant.Begin(who)
	switch {
	case err == nil:
		tx.Delete(raw)
	case !errors.Is(err, table.ErrNotFound):
		return done{}, err
	}
	tx.Also(table.Delete{Key: account.AppSecretKey(secret.AppID)})
	_, err = tx.Commit(ctx)
	return done{Success: true, Message: "The application is deleted; its tokens no longer work."}, conflict(err)
}
