package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// The collections that the repository itself gives a meaning.
const (
	datatypeCollection = "collection"
	datatypeTrash      = "trash"
	datatypeHistory    = "history"
	datatypePublished  = "published"
)

// Partitions that hold no records. No collection's name contains a dollar sign.
const (
	partUnique = "$unique"
	partCount  = "$count"
	partRepeat = "$repeat"
	partOutbox = "$outbox"
)

// shards is over how many items a collection's total is spread, so that
// concurrent creates do not wait for one another.
const shards = 8

// restricted is the suffix of the counter of records with a requiredRole of
// their own: while it is zero, lists need not look for them.
const restricted = "!restricted"

func decode(doc []byte) (record.Raw, error) {
	var rec record.Raw
	if err := json.Unmarshal(doc, &rec); err != nil {
		return rec, fmt.Errorf("decode record: %w", err)
	}
	return rec, nil
}

// encode writes a record as it goes on the wire.
func encode(rec record.Raw) (table.Doc, error) {
	if len(rec.Data) == 0 {
		rec.Data = json.RawMessage(`{}`)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(rec); err != nil {
		return nil, fmt.Errorf("encode %s: %w", rec.Datatype, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// validKey accepts what can be the name of a collection or the id of a record.
func validKey(text string) bool {
	if text == "" || len(text) > 200 {
		return false
	}
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			continue
		}
		return false
	}
	return true
}

func keyOf(rec record.Raw) table.Key { return table.Key{Part: rec.Datatype, Sort: rec.SK} }

// guardKey addresses the item that holds a unique value.
func guardKey(datatype, field string, scope []string, value string) table.Key {
	field = strings.TrimPrefix(field, collection.Wrapper)
	parts := append([]string{datatype, field}, scope...)
	return table.Key{Part: partUnique, Sort: strings.Join(parts, "#") + "#" + normal(value)}
}

// guardMax is the longest value, in bytes, that a guard's key spells out.
const guardMax = 256

// normal is the form in which unique values compare: lower case, no space
// around. Long ones are hashed.
func normal(value string) string {
	value = strings.ToLower(strings.TrimSpace(value))
	if len(value) > guardMax {
		sum := sha256.Sum256([]byte(value))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return value
}

// slotValue is the partition of an equality index for a value's key.
func slotValue(datatype, path, key string) string { return datatype + "#" + path + "=" + key }

// orderEnd separates the encoded value from the id in ordering indexes; it
// sorts before everything a key contains.
const orderEnd = "\x01"

// slots computes the index attributes of a record.
func slots(d *collection.Definition, rec record.Raw, doc []byte) map[string]string {
	index := make(map[string]string, len(d.Slots))
	for slot, path := range d.Slots {
		raw := filter.Get(doc, strings.Split(path, ".")...)
		key, ok := filter.Key(raw)
		switch {
		case strings.HasPrefix(slot, "ord"):
			index[slot] = key + orderEnd + rec.SK
		case ok && key != "0":
			index[slot] = slotValue(rec.Datatype, path, key)
		}
	}
	return index
}

func counterKey(name string, shard uint32) table.Key {
	return table.Key{Part: partCount, Sort: name + "#" + strconv.FormatUint(uint64(shard), 10)}
}

func shardOf(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return h.Sum32() % shards
}

func historyKey(datatype, id string, version int64) table.Key {
	return table.Key{Part: datatypeHistory, Sort: historyPrefix(datatype, id) + fmt.Sprintf("%010d", version)}
}

func historyPrefix(datatype, id string) string {
	if !strings.HasPrefix(id, datatype+"-") {
		id = datatype + "-" + id
	}
	return id + "-v"
}
