package queue_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/appmint/appengine/infra/local/queue"
)

// BenchmarkJournalled measures a message of 1 KB through a queue with a
// journal: sent, received, deleted.
func BenchmarkJournalled(b *testing.B) {
	q := open(b, queue.Config{Name: "q", Journal: journal(b, filepath.Join(b.TempDir(), "q.jsonl"))})
	m := queue.Message{Body: strings.Repeat(`{"a":1},`, 128)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.Send(b.Context(), m); err != nil {
			b.Fatal(err)
		}
		for _, r := range receive(b, q) {
			if err := q.Delete(r.Receipt); err != nil {
				b.Fatal(err)
			}
		}
	}
}
