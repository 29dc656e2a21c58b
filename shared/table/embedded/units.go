package embedded

import (
	"math"

	"github.com/appmint/appengine/shared/table"
)

// units reckons what DynamoDB would charge for a write: 1 per started KB of the
// larger of the item's two states, doubled in a transaction, and for every index
// that holds the item 1 per KB, twice when the item moves within the index.
func units(op table.Op, o outcome, transact bool) float64 {
	base := kilobytes(op, max(len(o.old), len(o.new)))
	if transact {
		base *= 2
	}
	if !o.write || string(o.old) == string(o.new) {
		return base
	}
	key := table.KeyOf(op)
	gone, _ := secondary(key, o.old) // a damaged row fails the write itself
	come, _ := secondary(key, o.new)
	writes := 0.0
	for _, k := range gone {
		if k[0] == spaceIndex {
			writes += kilobytes(op, len(o.old))
		}
	}
	for _, k := range come {
		if k[0] == spaceIndex && !contains(gone, k) {
			writes += kilobytes(op, len(o.new))
		}
	}
	return base + writes
}

func kilobytes(op table.Op, size int) float64 {
	key := table.KeyOf(op)
	return max(math.Ceil(float64(size+len(key.Part)+len(key.Sort))/1024), 1)
}

// readUnits is 1 per started 4 KB, half of it when eventually consistent.
func readUnits(size int, consistent bool) float64 {
	n := max(math.Ceil(float64(size)/4096), 1)
	if consistent {
		return n
	}
	return n / 2
}
