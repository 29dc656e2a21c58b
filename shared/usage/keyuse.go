package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/table"
)

const (
	keyPart  = "usagekey"
	lastUsed = "last" // epoch milliseconds
)

// KeyUse is how often an API key was used, and when last.
type KeyUse struct {
	Calls int64
	Last  time.Time
}

// KeysUsed reads the use of keys by their records' ids. A key that was never
// used is not in the answer. It lags behind until calls are over.
func KeysUsed(ctx context.Context, t table.Tenant, ids ...string) (map[string]KeyUse, error) {
	keys := make([]table.Key, len(ids))
	for i, id := range ids {
		keys[i] = table.Key{Part: keyPart, Sort: id}
	}
	items, err := t.BatchGet(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read use of keys: %w", err)
	}
	used := make(map[string]KeyUse, len(items))
	for _, item := range items {
		var counts map[string]int64
		if err := item.Doc.Decode(&counts); err != nil {
			return nil, err
		}
		used[item.Sort] = KeyUse{Calls: counts[countCalls], Last: time.UnixMilli(counts[lastUsed]).UTC()}
	}
	return used, nil
}
