package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// Session is what every sign-in answers. Clients read token at the top level;
// both spellings of the refresh token are in use, and so are both names of a
// customer's record.
type Session struct {
	Token        string  `json:"token"`
	RefreshToken string  `json:"refreshToken"`
	RefreshAlias string  `json:"refresh_token"`
	ExpiresIn    int64   `json:"expiresIn"` // seconds
	OrgID        org.ID  `json:"orgId"`     // what to send as orgid from now on
	User         *Record `json:"user,omitempty"`
	Customer     *Record `json:"customer,omitempty"`
}

// opening is a session about to be stored.
type opening struct {
	session auth.Session
	refresh string
	store   table.Op
}

func (a *Accounts) start(ctx context.Context, kind auth.Kind, subject string) (opening, error) {
	meta := api.MetaFrom(ctx)
	started, put, refresh, err := a.sessions.Start(auth.Session{
		Subject: subject, Kind: kind, IP: meta.IP, Agent: cut(meta.UserAgent, 300),
	})
	return opening{session: started, refresh: refresh, store: put}, err
}

// Open begins a session for a person whose identity is proven, in one
// transaction with the trace it leaves, whatever else tx holds (it may be nil),
// and more.
func (a *Accounts) Open(ctx context.Context, id org.ID, kind auth.Kind, rec Record, tx *repository.Tx, more ...table.Op) (Session, error) {
	opened, err := a.start(ctx, kind, rec.SK)
	if err != nil {
		return Session{}, err
	}
	actor := ActorOf(id, kind, rec)
	if tx == nil {
		tx = a.deps.Records.Tenant(id).Begin(actor)
	}
	if err := Trace(tx, actor, "login", EventLogin); err != nil {
		return Session{}, err
	}
	tx.Also(append(more, opened.store)...)
	if _, err := tx.Commit(ctx); err != nil {
		return Session{}, fmt.Errorf("store session: %w", err)
	}
	return a.answer(ctx, id, kind, rec, opened)
}

// answer issues the access token of a stored session.
func (a *Accounts) answer(ctx context.Context, id org.ID, kind auth.Kind, rec Record, opened opening) (Session, error) {
	token, err := a.Issue(ctx, id, kind, rec, opened.session.ID)
	if err != nil {
		return Session{}, err
	}
	out := Session{
		Token: token, RefreshToken: opened.refresh, RefreshAlias: opened.refresh,
		ExpiresIn: int64(auth.TokenLifetime.Seconds()), OrgID: id, User: Presented(rec),
	}
	if kind != auth.User {
		out.Customer = out.User
	}
	return out, nil
}

// Issue makes an access token that mirrors the record. Its roles are for
// clients to read; what a call may do is decided from the record of that time.
func (a *Accounts) Issue(ctx context.Context, id org.ID, kind auth.Kind, rec Record, sessionID string) (string, error) {
	p := rec.Data.Person()
	claims := auth.Claims{
		Subject: rec.SK, SK: rec.SK, Org: id, Type: kind, Datatype: rec.Datatype, Email: Email(p.Email), Name: p.Name(),
		Groups: p.Groups, Session: sessionID,
	}
	switch kind {
	case auth.User:
		roles, _, err := a.directory.Rights(ctx, id, p.Roles, p.Groups)
		if err != nil {
			return "", err
		}
		for _, r := range roles {
			claims.Roles = append(claims.Roles, string(r))
		}
	case auth.Customer:
		claims.Roles = []string{string(auth.RoleCustomer)}
	default:
		claims.Roles = []string{string(auth.RoleGuest)}
	}
	return a.deps.Tokens.Issue(ctx, claims)
}

// ActorOf is the person as the author of what they do while signing in.
func ActorOf(id org.ID, kind auth.Kind, rec Record) auth.Principal {
	p := rec.Data.Person()
	return auth.Principal{Kind: kind, Org: id, Home: id, ID: rec.SK, Email: Email(p.Email), Name: p.Name()}
}

// activity is an entry of the activity trail.
type activity struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// Trace adds an entry of the activity trail about the actor; event, when not
// empty, is announced with it.
func Trace(tx *repository.Tx, actor auth.Principal, kind, event string) error {
	owner := record.Owner{Datatype: Datatype(actor.Kind), ID: actor.ID, Name: actor.Name, Email: actor.Email}
	raw, err := record.Untyped(record.Record[activity]{
		Datatype: "activity", Owner: &owner, Data: activity{Type: kind, Name: actor.Name},
	})
	if err != nil {
		return fmt.Errorf("trace %s: %w", kind, err)
	}
	tx.Create(raw)
	if event != "" {
		tx.Emit(event, map[string]string{"userId": actor.ID, "email": actor.Email, "type": string(actor.Kind)})
	}
	return nil
}

// cut shortens a text to at most max bytes, never within a character.
func cut(text string, longest int) string {
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ToValidUTF8(text, "")
}

// Presented is a record without what never leaves the server.
func Presented(rec Record) *Record {
	data := Fields{}
	for name, value := range rec.Data {
		switch name {
		case "password", "confirmPassword", "passcode", "twoFactorSecret", "keyHash", "keySecret", "invitationToken":
		case "reminderQuestion":
			data[name] = withoutAnswers(value)
		default:
			data[name] = value
		}
	}
	rec.Data = data
	rec.CreateHash = ""
	return &rec
}

func withoutAnswers(text json.RawMessage) json.RawMessage {
	var questions []Fields
	if err := json.Unmarshal(text, &questions); err != nil {
		return json.RawMessage("[]")
	}
	for _, q := range questions {
		delete(q, "answer")
	}
	clean, err := json.Marshal(questions)
	if err != nil {
		return json.RawMessage("[]")
	}
	return clean
}
