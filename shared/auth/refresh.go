package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/table"
)

const (
	// RefreshGrace is how long a refresh token that has been replaced still
	// answers with its successor: browser tabs race for the same token.
	RefreshGrace = time.Minute

	// rotationsMax is how many rotations a session remembers, and so how many it
	// makes within RefreshGrace; past that a refresh answers the current token.
	rotationsMax = 16
	// chainMax bounds how far a replaced token is followed to the current one.
	chainMax = 2048
	// refreshTries bounds how often a refresh loses against others.
	refreshTries = 4
)

// Refresh exchanges a refresh token for the one that follows it, and answers
// the session with it.
//
// Each secret of a family is derived from the one before with a key of the
// session, and only the hash of the current one is stored. So every caller who
// presents the same token gets the same successor, however they race; a token
// that was replaced within RefreshGrace leads to the current one; and one that
// was replaced earlier is recognised as a replay, which ends the whole family:
// somebody else has a copy. A text that never was a token of the family changes
// nothing. All refusals are ErrTokenRevoked or ErrInvalidToken.
func (s Sessions) Refresh(ctx context.Context, t table.Tenant, kind Kind, token string) (Session, string, error) {
	id, secret, ok := splitRefresh(token)
	if !ok {
		return Session{}, "", ErrInvalidToken
	}
	session, err := s.Get(ctx, t, id)
	if err != nil {
		return Session{}, "", err
	}
	if session.Kind != kind {
		return Session{}, "", ErrInvalidToken
	}
	for range refreshTries {
		next, change, err := s.step(session, secret)
		if errors.Is(err, ErrTokenRevoked) {
			return Session{}, "", errors.Join(err, s.End(ctx, t, id))
		}
		if err != nil || change == nil {
			return session, refreshToken(id, next), err
		}
		item, err := t.Write(ctx, *change)
		var refused *table.Refused
		switch {
		case errors.As(err, &refused) && refused.Old != nil:
			item = *refused.Old // somebody was faster: look again
		case errors.As(err, &refused), errors.Is(err, table.ErrNotFound):
			return Session{}, "", ErrTokenRevoked
		case err != nil:
			return Session{}, "", fmt.Errorf("refresh session: %w", err)
		}
		if session, err = sessionOf(item); err != nil {
			return Session{}, "", err
		}
		if refused == nil {
			return session, refreshToken(id, next), nil
		}
	}
	return Session{}, "", table.ErrBusy
}

// step decides on one presented secret: the secret to answer with and, unless
// the current one is to be answered, the write that replaces it.
func (s Sessions) step(session Session, secret string) (next string, change *table.Modify, err error) {
	family, err := base64.RawURLEncoding.DecodeString(session.Family)
	if err != nil {
		return "", nil, fmt.Errorf("read session: %w", err)
	}
	now := s.now()
	if SecretMatches(secret, session.Hash) {
		if len(session.Rotated) >= rotationsMax && now.Sub(time.UnixMilli(session.Rotated[rotationsMax-1])) < RefreshGrace {
			return secret, nil, nil
		}
		next = chain(family, secret)
		return next, s.rotation(session, next, now), nil
	}
	current, distance := follow(family, secret, session)
	if distance == 0 {
		return "", nil, ErrInvalidToken
	}
	if distance > len(session.Rotated) || now.Sub(time.UnixMilli(session.Rotated[distance-1])) > RefreshGrace {
		return "", nil, ErrTokenRevoked
	}
	return current, nil, nil
}

// follow derives successors of a secret until the current one; distance is how
// many it took, 0 when the secret is not of this family.
func follow(family []byte, secret string, session Session) (current string, distance int) {
	for distance = 1; distance <= min(session.Changes, chainMax); distance++ {
		secret = chain(family, secret)
		if SecretMatches(secret, session.Hash) {
			return secret, distance
		}
	}
	return "", 0
}

func (s Sessions) rotation(session Session, next string, now time.Time) *table.Modify {
	rotated := slices.Insert(slices.Clone(session.Rotated), 0, now.UnixMilli())
	return &table.Modify{
		Key: SessionKey(session.ID),
		Set: []table.Assign{
			{Path: table.At("hash"), Value: HashSecret(next)},
			{Path: table.At("rotated"), Value: rotated[:min(len(rotated), rotationsMax)]},
			{Path: table.At("seen"), Value: now.UTC()},
		},
		Add:     []table.Increment{{Path: table.At("changes"), By: 1}},
		If:      table.Compare{Path: table.At("hash"), Op: table.Equal, Value: session.Hash},
		Expires: now.Add(SessionLifetime),
	}
}
