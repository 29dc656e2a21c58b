package eval

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/appmint/appengine/shared/table"
)

// CheckOp refuses what no adapter can write: wrong keys and index values
// (table.ErrKey), documents (see CheckDoc), and, as plain errors, unknown index
// names, overlapping paths and outboxes over table.OutboxMax.
func CheckOp(op table.Op) error {
	if err := CheckKey(table.KeyOf(op)); err != nil {
		return err
	}
	switch op := op.(type) {
	case table.Put:
		if err := checkExtras(op.Item.Index, op.Item.Outbox); err != nil {
			return err
		}
		return CheckDoc(op.Item.Doc)
	case table.Modify:
		if err := checkExtras(op.Index, op.Outbox); err != nil {
			return err
		}
		return checkPaths(op)
	case table.Delete, table.Check:
		return nil
	}
	return fmt.Errorf("unknown operation %T", op)
}

// CheckOps is CheckOp for a transaction; it also holds the number of operations,
// of which a token is one, and refuses two on the same key.
func CheckOps(token string, ops []table.Op) error {
	limit := table.TransactMax
	if token != "" {
		limit--
	}
	if len(ops) > limit {
		return fmt.Errorf("transaction of %d operations, the limit is %d", len(ops), limit)
	}
	seen := make(map[table.Key]bool, len(ops))
	for i, op := range ops {
		if err := CheckOp(op); err != nil {
			return fmt.Errorf("operation %d: %w", i, err)
		}
		key := table.KeyOf(op)
		if seen[key] {
			return fmt.Errorf("operation %d: a second one on the same key", i)
		}
		seen[key] = true
	}
	return nil
}

// CheckKey refuses keys that DynamoDB cannot hold.
func CheckKey(k table.Key) error {
	if k.Part == "" || len(k.Part) > table.PartMax || k.Sort == "" || len(k.Sort) > table.SortMax {
		return table.ErrKey
	}
	if !utf8.ValidString(k.Part) || !utf8.ValidString(k.Sort) {
		return table.ErrKey
	}
	return nil
}

func checkExtras(index map[string]string, outbox table.Doc) error {
	for name, value := range index {
		if !slices.Contains(table.IndexNames(), name) {
			return fmt.Errorf("unknown index %q", name)
		}
		limit := table.SortMax
		if strings.HasPrefix(name, "by") {
			limit = table.PartMax
		}
		if len(value) > limit || !utf8.ValidString(value) {
			return table.ErrKey
		}
	}
	if len(outbox) > table.OutboxMax {
		return fmt.Errorf("outbox of %d bytes, the limit is %d", len(outbox), table.OutboxMax)
	}
	if len(outbox) > 0 && !json.Valid(outbox) {
		return fmt.Errorf("outbox is not JSON")
	}
	return nil
}

// checkPaths refuses empty paths and paths one of which begins with another.
func checkPaths(m table.Modify) error {
	paths := make([]table.Path, 0, len(m.Set)+len(m.Add)+len(m.Remove))
	for _, a := range m.Set {
		paths = append(paths, a.Path)
	}
	for _, a := range m.Add {
		paths = append(paths, a.Path)
	}
	paths = append(paths, m.Remove...)
	for i, p := range paths {
		if len(p) == 0 {
			return fmt.Errorf("update of an empty path")
		}
		for _, other := range paths[:i] {
			short := min(len(p), len(other))
			if slices.Equal(p[:short], other[:short]) {
				return fmt.Errorf("update paths %s and %s overlap", other, p)
			}
		}
	}
	return nil
}

// CheckQuery refuses queries that no adapter can answer.
func CheckQuery(q table.Query) error {
	if q.Index != "" && !slices.Contains(table.IndexNames(), q.Index) {
		return fmt.Errorf("unknown index %q", q.Index)
	}
	if q.Part == "" || len(q.Part) > table.PartMax || !utf8.ValidString(q.Part) {
		return table.ErrKey
	}
	for _, bound := range []string{q.From, q.To, q.Prefix} {
		if len(bound) > table.SortMax || !utf8.ValidString(bound) {
			return table.ErrKey
		}
	}
	return nil
}

// ExpirySeconds rounds an expiry up to the whole second since the epoch that is
// stored; the zero time is 0, "never".
func ExpirySeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	seconds := t.Unix()
	if t.Nanosecond() > 0 {
		seconds++
	}
	return seconds
}

// ExpiryTime is the reverse of ExpirySeconds, in UTC.
func ExpiryTime(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// Live says whether an item with that stored expiry exists at now.
func Live(seconds int64, now time.Time) bool {
	return seconds == 0 || time.Unix(seconds, 0).After(now)
}
