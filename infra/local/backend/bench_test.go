package backend_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/appmint/appengine/infra/local/backend"
)

// world is a backend on disk with one org and a thousand records, everything on:
// authorizer, metering, relay, rules.
type world struct {
	b       *testing.B
	handler http.Handler
	org     string
	token   string
	ids     []string
	n       atomic.Int64
}

func newWorld(b *testing.B) *world {
	b.Helper()
	server, err := backend.New(backend.Options{
		Template: "../../../template.yaml", DataDir: b.TempDir(), URL: "http://localhost:8787",
		Plan: "unlimited", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { server.Run(ctx); close(stopped) }()
	b.Cleanup(func() { stop(); <-stopped; _ = server.Close() })
	w := &world{b: b, handler: server.Handler()}
	var session struct{ Token, OrgID string }
	w.call("POST", "/profile/user/signup", `{"email":"ann@acme.example","password":"correct horse 9","firstName":"A","lastName":"B","orgName":"Acme Books"}`, &session)
	w.org, w.token = session.OrgID, session.Token
	w.call("PUT", "/repository/create", `{"datatype":"collection","isNew":true,"data":{"name":"item","title":"Items","schema":{"type":"object","properties":{"title":{"type":"string"},"author":{"type":"string","indexed":true}}}}}`, nil)
	for range 1000 {
		w.ids = append(w.ids, w.create())
	}
	b.ReportAllocs()
	b.ResetTimer()
	return w
}

func (w *world) call(method, path, body string, into any) {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Orgid", w.org)
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	if answer.Code >= http.StatusMultipleChoices {
		w.b.Errorf("%s %s: %d %s", method, path, answer.Code, answer.Body)
		return
	}
	if into != nil {
		if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil {
			w.b.Errorf("%s %s: %v", method, path, err)
		}
	}
}

func (w *world) create() string {
	var made struct{ SK string }
	n := w.n.Add(1)
	w.call("PUT", "/repository/create", fmt.Sprintf(`{"datatype":"item","isNew":true,"data":{"title":"Item %d","author":"Author %d","description":"Some words that make the record as long as records usually are, a few hundred bytes.","price":%d,"tags":["a","b"]}}`, n, n%1000, n%100), &made)
	return made.SK
}

// parallel runs 16 callers.
func (w *world) parallel(call func()) {
	w.b.SetParallelism(8)
	w.b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			call()
		}
	})
}

func BenchmarkCreate(b *testing.B) {
	w := newWorld(b)
	w.parallel(func() { w.create() })
}

func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	w.parallel(func() { w.call("GET", "/repository/get/item/"+w.ids[w.n.Add(1)%1000], "", nil) })
}

func BenchmarkList(b *testing.B) {
	w := newWorld(b)
	w.parallel(func() { w.call("GET", "/repository/find/item?ps=30", "", nil) })
}
