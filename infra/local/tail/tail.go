// Package tail shows what happens on the event bus of a local run: the last
// events as a list, and live as server-sent events.
package tail

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Path is where the Tail expects to be mounted.
const Path = "/_local/events"

// MaxKept is how many events are kept.
const MaxKept = 1000

// keepAlive is how often a quiet live tail says that it is still there.
const keepAlive = 15 * time.Second

// entry is one event with what can be filtered by.
type entry struct {
	id, name, org string
	source        []byte
}

// Tail keeps the last events in memory. It is an http.Handler and safe for
// concurrent use.
type Tail struct {
	mu      sync.Mutex
	entries []entry
	dropped int           // how many came before entries[0]
	news    chan struct{} // closed at the next event
}

// New returns an empty tail.
func New() *Tail { return &Tail{news: make(chan struct{})} }

// Watch keeps an event; it fits eventbus.Config.Watch. It does not wait for
// anybody. What is no event is kept too, without an id or a name.
func (t *Tail) Watch(event []byte) {
	var fields struct {
		ID         string `json:"id"`
		DetailType string `json:"detail-type"`
		Detail     struct {
			Org      string `json:"orgid"`
			OtherOrg string `json:"orgId"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(event, &fields); err != nil {
		quoted, _ := json.Marshal(string(event)) // strings always encode
		event = quoted
	}
	org := fields.Detail.Org
	if org == "" {
		org = fields.Detail.OtherOrg
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, entry{id: fields.ID, name: fields.DetailType, org: org, source: bytes.Clone(event)})
	if excess := len(t.entries) - MaxKept; excess > MaxKept/10 {
		t.entries = slices.Clone(t.entries[excess:])
		t.dropped += excess
	}
	close(t.news)
	t.news = make(chan struct{})
}

// filter is what a reader asks for.
type filter struct{ org, name string }

func (f filter) passes(e entry) bool {
	return (f.org == "" || e.org == f.org) && (f.name == "" || e.name == f.name)
}

// since returns the events that pass from a position on, the position after
// them, and a channel that closes when there are more.
func (t *Tail) since(position int, f filter) ([]entry, int, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []entry
	first := max(len(t.entries)-MaxKept, position-t.dropped, 0)
	for _, e := range t.entries[min(first, len(t.entries)):] {
		if f.passes(e) {
			found = append(found, e)
		}
	}
	return found, t.dropped + len(t.entries), t.news
}

// after returns the position behind the event with an id: the beginning when
// it is no longer there.
func (t *Tail) after(id string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.entries, func(e entry) bool { return e.id == id })
	return t.dropped + i + 1
}

// ServeHTTP answers GET with the kept events, oldest first, as a JSON list, or
// with them and all that follow when the client accepts text/event-stream.
// ?orgid= and ?name= choose; ?after=id (or Last-Event-ID) skips what the
// client has seen.
func (t *Tail) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	f := filter{org: r.FormValue("orgid"), name: r.FormValue("name")}
	seen := r.FormValue("after")
	if seen == "" {
		seen = r.Header.Get("Last-Event-ID")
	}
	position := 0
	if seen != "" {
		position = t.after(seen)
	}
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		t.stream(w, r, position, f)
		return
	}
	entries, _, _ := t.since(position, f)
	sources := make([][]byte, 0, len(entries))
	for _, e := range entries {
		sources = append(sources, e.source)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(slices.Concat([]byte("["), bytes.Join(sources, []byte(",")), []byte("]\n")))
}

// stream writes until the client goes away.
func (t *Tail) stream(w http.ResponseWriter, r *http.Request, position int, f filter) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	beat := time.NewTicker(keepAlive)
	defer beat.Stop()
	for {
		entries, next, news := t.since(position, f)
		position = next
		for _, e := range entries {
			if err := writeEvent(w, e); err != nil {
				return
			}
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-news:
		case <-beat.C:
			if _, err := w.Write([]byte(": still here\n\n")); err != nil {
				return
			}
		}
	}
}

// writeEvent writes one server-sent event. Line ends within JSON are escaped,
// so an event is one data line, once it is compact.
func writeEvent(w http.ResponseWriter, e entry) error {
	var line bytes.Buffer
	line.WriteString("id: " + e.id + "\ndata: ")
	if err := json.Compact(&line, e.source); err != nil {
		return err
	}
	line.WriteString("\n\n")
	_, err := w.Write(line.Bytes())
	return err
}
