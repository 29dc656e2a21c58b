package dynamo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/stream"
)

// inlineSizeMax bounds a document by DynamoDB's reckoning, where many small
// elements weigh more than their text. With keys, index attributes and outbox an
// item stays under DynamoDB's 400 KB.
const inlineSizeMax = 340 << 10

// Blobs stores objects by key; shared/file and S3 do. Get of a key that does not
// exist is an error. Every key begins with "<org>/".
type Blobs interface {
	Put(ctx context.Context, key string, body []byte) error
	Get(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
}

// offload gives s the document: inline, or as a blob that is written before the
// item that will name it, so a pointer never leads nowhere. A write that then
// fails leaves an object that nothing names.
//
// The key holds the document's digest and something random: since no two writes
// share an object, Discard can remove one without taking it from a later write
// of the same document.
func (t *Table) offload(ctx context.Context, s *stored, doc table.Doc, inlineMax int) error {
	s.Doc, s.Blob = document(doc), ""
	if len(doc) <= inlineMax {
		if len(doc) <= inlineSizeMax/3 {
			return nil
		}
		value, err := ToAttribute(doc)
		if err != nil || sizeOf(value) <= inlineSizeMax {
			return err
		}
	}
	if t.blobs == nil {
		return table.ErrTooLarge
	}
	key := blobKey(table.Key{Part: s.Part, Sort: s.Sort}, doc)
	if err := t.blobs.Put(ctx, key, doc); err != nil {
		return fmt.Errorf("store document: %w", err)
	}
	s.Doc, s.Blob = nil, key
	return nil
}

func blobKey(k table.Key, doc table.Doc) string {
	org, _, _ := strings.Cut(k.Part, table.Separator)
	place := sha256.Sum256([]byte(k.Part + "\x00" + k.Sort))
	content := sha256.Sum256(doc)
	return org + "/table/" + hex.EncodeToString(place[:16]) + "/" +
		hex.EncodeToString(content[:]) + "-" + strings.ToLower(rand.Text()[:10])
}

// document returns the item's document from wherever it lies.
func (t *Table) document(ctx context.Context, s *stored) (table.Doc, error) {
	if s.Blob == "" {
		return table.Doc(s.Doc), nil
	}
	return t.Load(ctx, s.Blob)
}

// Complete loads the documents of changes, as stream.Changes read them from the
// payload, that are blobs. An old document that was discarded meanwhile stays
// empty; a new one too when a later write has replaced it, whose change follows.
func (t *Table) Complete(ctx context.Context, payload []byte, changes []table.Change) error {
	for i, blobs := range stream.BlobsOf(payload) {
		if i >= len(changes) {
			break
		}
		c := changes[i]
		for _, side := range []struct {
			item    *table.Item
			pointer string
		}{{c.Old, blobs.Old}, {c.New, blobs.New}} {
			if side.item == nil || side.pointer == "" {
				continue
			}
			doc, err := t.Load(ctx, side.pointer)
			if err != nil {
				if s, errNow := t.fetch(ctx, c.Key); errNow == nil && (s == nil || s.Blob != side.pointer) {
					continue
				}
				return err
			}
			side.item.Doc = doc
		}
	}
	return nil
}

// Load returns the document that a blob attribute names; the table's own methods
// do it by themselves.
func (t *Table) Load(ctx context.Context, pointer string) (table.Doc, error) {
	if t.blobs == nil {
		return nil, fmt.Errorf("load document: no blob store is configured")
	}
	doc, err := t.blobs.Get(ctx, pointer)
	if err != nil {
		return nil, fmt.Errorf("load document: %w", err)
	}
	return doc, nil
}

// Discard removes a blob that an item no longer names. The stream's consumer
// calls it after the change that replaced or removed the item is done with; the
// table itself never does, since readers may still be on their way to it.
func (t *Table) Discard(ctx context.Context, pointer string) error {
	if t.blobs == nil {
		return nil
	}
	if err := t.blobs.Delete(ctx, pointer); err != nil {
		return fmt.Errorf("discard document: %w", err)
	}
	return nil
}
