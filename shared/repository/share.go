package repository

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// Share is the share of a record: whoever has the token may read the record, if
// they know the passcode where there is one, until ExpiresAt when that is set.
type Share struct {
	Token        string      `json:"token"`
	Status       string      `json:"status"` // ShareActive or ShareRevoked
	PasscodeHash string      `json:"passcodeHash,omitempty"`
	ExpiresAt    record.Time `json:"expiresAt,omitzero"`
	Notify       []Notice    `json:"notify,omitempty"`
	CreatedBy    string      `json:"createdBy,omitempty"`
	CreatedAt    record.Time `json:"createdAt,omitzero"`
	OpenedAt     record.Time `json:"openedAt,omitzero"` // of the first time
}

// The states of a share.
const (
	ShareActive  = "active"
	ShareRevoked = "revoked"
)

// Notice is one person who was told about a share.
type Notice struct {
	Channel string `json:"channel"`
	To      string `json:"to"`
}

// public is the share as people may see it.
func (s Share) public() Share {
	s.PasscodeHash = ""
	return s
}

// shareTokenBytes is the size of a share's token: 192 bits.
const shareTokenBytes = 24

// partShare begins the partitions of the index of tokens, which lie with the
// platform's own org because a token alone does not say whose record it opens.
const partShare = "$share#"

// shareKey spreads the index: every token has a partition of its own. Only its
// hash is stored.
func shareKey(token string) table.Key {
	return table.Key{Part: partShare + auth.HashSecret(token), Sort: "share"}
}

// shared says where a token leads.
type shared struct {
	Org      org.ID `json:"org"`
	Datatype string `json:"datatype"`
	ID       string `json:"id"`
}

// Share lets everybody with a token read a record; asked are the passcode's
// hash, the expiry and the people told. A record has one share: a new one
// replaces the old one, whose token then opens nothing.
func (g Guarded) Share(ctx context.Context, datatype, id string, asked Share) (Share, error) {
	raw := make([]byte, shareTokenBytes)
	g.tenant.repo.o.Random(raw)
	share := Share{
		Token: base64.RawURLEncoding.EncodeToString(raw), Status: ShareActive,
		PasscodeHash: asked.PasscodeHash, ExpiresAt: asked.ExpiresAt, Notify: asked.Notify,
		CreatedBy: g.who.Label(), CreatedAt: record.At(g.tenant.repo.o.Now()),
	}
	_, err := g.change(ctx, datatype, id, nil, auth.Update, func(d *collection.Definition, rec *record.Raw, tx *Tx) error {
		if d.AdminOnly {
			return ErrReserved.WithMessage("Records of this collection cannot be shared.")
		}
		// An index entry without its record opens nothing, so it may come first.
		if err := g.tenant.repo.index(ctx, share, shared{g.tenant.org, rec.Datatype, rec.SK}); err != nil {
			return err
		}
		return tx.share(*rec, share)
	})
	return share.public(), err
}

// index stores where a token leads, for as long as its share lasts.
func (r *Repository) index(ctx context.Context, share Share, to shared) error {
	doc, err := table.NewDoc(to)
	if err != nil {
		return err
	}
	item := table.Item{Key: shareKey(share.Token), Doc: doc, Expires: share.ExpiresAt.Time}
	_, err = table.Of(r.o.Table, org.Root).Write(ctx, table.Put{Item: item})
	return err
}

// Unshare revokes a record's share; table.ErrNotFound when it has none.
func (g Guarded) Unshare(ctx context.Context, datatype, id string) (Share, error) {
	var share Share
	_, err := g.change(ctx, datatype, id, nil, auth.Update, func(_ *collection.Definition, rec *record.Raw, tx *Tx) error {
		var err error
		if share, err = shareOf(*rec); err != nil {
			return err
		}
		share.Status = ShareRevoked
		return tx.share(*rec, share)
	})
	if err != nil {
		return Share{}, err
	}
	_, err = table.Of(g.tenant.repo.o.Table, org.Root).Write(ctx, table.Delete{Key: shareKey(share.Token)})
	return share.public(), err
}

// shareOf reads a record's share; table.ErrNotFound when it has none.
func shareOf(rec record.Raw) (Share, error) {
	var share Share
	if len(rec.Share) == 0 {
		return share, table.ErrNotFound
	}
	if err := json.Unmarshal(rec.Share, &share); err != nil {
		return share, fmt.Errorf("decode share: %w", err)
	}
	return share, nil
}

// share changes a record's share and nothing else of it.
func (x *Tx) share(rec record.Raw, share Share) error {
	text, err := json.Marshal(share)
	if err != nil {
		return fmt.Errorf("encode share: %w", err)
	}
	rec.Share = text
	x.add(annotate, rec)
	return nil
}

// Shared is a record found by the token of its share.
type Shared struct {
	Org   org.ID
	Share Share
	rec   record.Raw
	repo  *Repository
}

// Shared follows the token of a share; table.ErrNotFound when there is none, or
// it is revoked or expired, or its record is gone. The passcode is the caller's
// to check.
func (r *Repository) Shared(ctx context.Context, token string) (Shared, error) {
	if len(token) != base64.RawURLEncoding.EncodedLen(shareTokenBytes) {
		return Shared{}, table.ErrNotFound
	}
	item, err := table.Of(r.o.Table, org.Root).Get(ctx, shareKey(token))
	if err != nil {
		return Shared{}, err
	}
	var to shared
	if err := item.Doc.Decode(&to); err != nil {
		return Shared{}, fmt.Errorf("decode share index: %w", err)
	}
	rec, err := r.Tenant(to.Org).Get(ctx, to.Datatype, to.ID)
	if err != nil {
		return Shared{}, err
	}
	share, err := shareOf(rec)
	if err != nil {
		return Shared{}, err
	}
	now := r.o.Now()
	if share.Token != token || share.Status != ShareActive || !share.ExpiresAt.IsZero() && !share.ExpiresAt.After(now) {
		return Shared{}, table.ErrNotFound
	}
	return Shared{Org: to.Org, Share: share, rec: rec, repo: r}, nil
}

// Open returns the record for the bearer of the token, without secrets and what
// concerns staff alone, and notes the first time it is opened.
func (s Shared) Open(ctx context.Context) (table.Doc, error) {
	if s.Share.OpenedAt.IsZero() {
		if err := s.opened(ctx); err != nil {
			return nil, err
		}
	}
	rec := s.rec
	rec.Share, rec.RequiredRole, rec.Notes, rec.CreateHash, rec.CRMAgent = nil, nil, nil, "", ""
	rec.Workflow, rec.Rules, rec.CreatedBy, rec.ModifiedBy, rec.Client = nil, nil, "", "", ""
	doc, err := encode(rec)
	if err != nil {
		return nil, err
	}
	return redact(doc), nil
}

// opened notes the first opening. Whoever loses a race against another writer
// leaves it to the next opening: the record is shown all the same.
func (s Shared) opened(ctx context.Context) error {
	s.Share.OpenedAt = record.At(s.repo.o.Now())
	tx := s.repo.Tenant(s.Org).Begin(auth.Platform(s.Org))
	tx.Cause("system", 0)
	if err := tx.share(s.rec, s.Share); err != nil {
		return err
	}
	_, err := tx.commit(ctx)
	if errors.Is(err, ErrVersion) || errors.Is(err, table.ErrNotFound) {
		return nil
	}
	return err
}

// annotate writes members of the envelope that say nothing about the payload: it
// is not prepared again, and the record counts as unchanged by its writer.
func (b *batch) annotate(s *step, d *collection.Definition, old record.Raw) (table.Doc, error) {
	rec := old
	rec.Share, rec.Version = s.rec.Share, old.Version+1
	s.rec = rec
	outbox, err := b.seeds(s, "update", changedPaths(old, rec))
	if err != nil {
		return nil, err
	}
	return b.put(d, rec, outbox, versionIs(old.Version))
}

// withoutShare drops the share, whose token opens the record, from a record for
// those who do not share it: outsiders and listeners to events.
func withoutShare(doc table.Doc) table.Doc {
	if filter.Get(doc, "share") == nil {
		return doc
	}
	rec, err := decode(doc)
	if err != nil {
		return nil
	}
	rec.Share = nil
	stripped, err := encode(rec)
	if err != nil {
		return nil
	}
	return stripped
}
