package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/table"
)

const (
	// SessionLifetime is how long a session lives after its last refresh.
	SessionLifetime = 30 * 24 * time.Hour

	sessionPart = "session"
	// sessionsMax bounds what List and EndAll go through, in pages of a hundred.
	sessionPages = 100
)

// Session is one sign-in of a person on one device. All refresh tokens that
// ever follow from it are one family and end with it.
type Session struct {
	ID      string    `json:"id"` // "<subject>.<random>"
	Subject string    `json:"subject"`
	Kind    Kind      `json:"kind"`
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"` // of the last refresh
	IP      string    `json:"ip,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	Device  string    `json:"device,omitempty"`

	Hash    string `json:"hash"`   // of the current refresh token's secret
	Family  string `json:"family"` // the key that derives each secret from the one before
	Changes int    `json:"changes"`
	// Rotated are the instants of the latest rotations in epoch milliseconds,
	// newest first.
	Rotated []int64 `json:"rotated,omitempty"`
}

// Sessions keeps the sessions of persons in their org's partition "session".
type Sessions struct {
	now    func() time.Time
	random func([]byte)
}

// NewSessions builds Sessions.
func NewSessions(now func() time.Time, random func([]byte)) Sessions {
	return Sessions{now: now, random: random}
}

// Start returns a new session, the write that stores it, to be made together
// with whatever else a sign-in writes, and its first refresh token.
func (s Sessions) Start(start Session) (Session, table.Put, string, error) {
	family := make([]byte, secretBytes)
	s.random(family)
	secret := randomText(s.random, secretBytes)
	start.ID = start.Subject + "." + randomText(s.random, 12)
	start.Created = s.now().UTC()
	start.Seen = start.Created
	start.Hash = HashSecret(secret)
	start.Family = base64.RawURLEncoding.EncodeToString(family)
	doc, err := table.NewDoc(start)
	if err != nil {
		return Session{}, table.Put{}, "", err
	}
	put := table.Put{
		Item: table.Item{Key: SessionKey(start.ID), Doc: doc, Expires: start.Created.Add(SessionLifetime)},
		If:   table.ItemMissing{},
	}
	return start, put, refreshToken(start.ID, secret), nil
}

// Get returns a session, or ErrTokenRevoked when it has ended.
func (s Sessions) Get(ctx context.Context, t table.Tenant, id string) (Session, error) {
	item, err := t.Get(ctx, SessionKey(id))
	if errors.Is(err, table.ErrNotFound) {
		return Session{}, ErrTokenRevoked
	}
	if err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	return sessionOf(item)
}

// End ends a session; one that has ended already is no error.
func (s Sessions) End(ctx context.Context, t table.Tenant, id string) error {
	if _, err := t.Write(ctx, table.Delete{Key: SessionKey(id)}); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// List returns the sessions of a person, oldest first.
func (s Sessions) List(ctx context.Context, t table.Tenant, subject string) ([]Session, error) {
	query := table.Query{Part: sessionPart, Prefix: subject + ".", Limit: 100, Consistent: true}
	var sessions []Session
	for range sessionPages {
		page, err := t.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		for _, item := range page.Items {
			session, err := sessionOf(item)
			if err != nil {
				return nil, err
			}
			if session.Subject == subject {
				sessions = append(sessions, session)
			}
		}
		if page.Cursor == "" {
			break
		}
		query.Cursor = page.Cursor
	}
	return sessions, nil
}

// EndAll ends every session of a person but the one to keep ("" keeps none).
func (s Sessions) EndAll(ctx context.Context, t table.Tenant, subject, keep string) error {
	sessions, err := s.List(ctx, t, subject)
	if err != nil {
		return err
	}
	for _, session := range sessions {
		if session.ID == keep {
			continue
		}
		if err := s.End(ctx, t, session.ID); err != nil {
			return err
		}
	}
	return nil
}

// SessionKey is where a session is kept.
func SessionKey(id string) table.Key { return table.Key{Part: sessionPart, Sort: id} }

func sessionOf(item table.Item) (Session, error) {
	var session Session
	if err := item.Doc.Decode(&session); err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	return session, nil
}

func refreshToken(id, secret string) string { return id + "." + secret }

// splitRefresh takes a refresh token apart: the secret is what follows the last
// dot, 43 characters of base64url.
func splitRefresh(token string) (id, secret string, ok bool) {
	dot := strings.LastIndexByte(token, '.')
	if dot <= 0 || len(token)-dot-1 != base64.RawURLEncoding.EncodedLen(secretBytes) || len(token) > 512 {
		return "", "", false
	}
	return token[:dot], token[dot+1:], true
}

// SessionOf returns the session that a refresh token says it belongs to,
// without checking the token.
func SessionOf(token string) (id string, ok bool) {
	id, _, ok = splitRefresh(token)
	return id, ok
}
