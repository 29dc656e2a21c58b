package repository_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
)

// filled is a world with n books.
func filled(b *testing.B, n int) (*world, string) {
	b.Helper()
	w := newWorld(b)
	w.define(shelf)
	last := ""
	for i := 0; i < n; {
		tx := w.tenant().Begin(owner())
		for range min(30, n-i) {
			tx.Create(record.Raw{Datatype: "shelf", Data: json.RawMessage(fmt.Sprintf(
				`{"title":"Book number %d","genre":"g%d","price":%d,"pages":%d,"isbn":"isbn-%d","text":"%0200d"}`, i, i%50, i, i%300, i, i))})
			i++
		}
		stored, err := tx.Commit(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		last = stored[len(stored)-1].SK
	}
	return w, last
}

func BenchmarkGet(b *testing.B) {
	w, id := filled(b, 100)
	g := w.repo.As(owner())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Get(b.Context(), "shelf", id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	w, _ := filled(b, 1)
	g := w.repo.As(owner())
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		data := json.RawMessage(fmt.Sprintf(`{"title":"Book","genre":"g","price":%d,"isbn":"new-%d"}`, i, i))
		if _, err := g.Create(b.Context(), record.Raw{Datatype: "shelf", Data: data}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkFind(b *testing.B, n int, find repository.Find) {
	b.Helper()
	w, _ := filled(b, n)
	g := w.repo.As(owner())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Find(b.Context(), "shelf", find); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListPage(b *testing.B) {
	benchmarkFind(b, 1000, repository.Find{Options: repository.ListOptions{PageSize: 30}})
}

func BenchmarkFindByIndexedField(b *testing.B) {
	benchmarkFind(b, 1000, repository.Find{Filter: json.RawMessage(`{"data.genre":"g7"}`)})
}

func BenchmarkFindByTwoUndeclaredFields(b *testing.B) {
	benchmarkFind(b, 10_000, repository.Find{
		Filter:  json.RawMessage(`{"data.pages":{"$gt":100},"data.title":{"$regex":"7"}}`),
		Options: repository.ListOptions{Sort: "data.title", PageSize: 30},
	})
}

func BenchmarkFindByTwoUndeclaredEqualities(b *testing.B) {
	benchmarkFind(b, 10_000, repository.Find{
		Filter:  json.RawMessage(`{"data.pages":100,"state":"new"}`),
		Options: repository.ListOptions{Sort: "data.title", PageSize: 30},
	})
}
