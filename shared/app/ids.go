package app

import (
	"io"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// NewIDs returns a generator of record ids: "<datatype>-<ULID>", URL-safe,
// unique, and ordered by time within a process even inside one millisecond.
func NewIDs(now func() time.Time, random io.Reader) func(datatype string) string {
	var mu sync.Mutex
	entropy := ulid.Monotonic(random, 0)
	return func(datatype string) string {
		mu.Lock()
		defer mu.Unlock()
		id, err := ulid.New(ulid.Timestamp(now()), entropy)
		if err != nil { // the monotonic part is used up within this millisecond
			entropy = ulid.Monotonic(random, 0)
			id = ulid.MustNew(ulid.Timestamp(now()), entropy)
		}
		return datatype + "-" + id.String()
	}
}
