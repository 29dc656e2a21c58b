package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/table"
)

// The faults of calls that carry an Idempotency-Key.
var (
	// ErrIdempotencyKey refuses a key that is too long.
	ErrIdempotencyKey = fault.New(fault.Invalid, "invalid_idempotency_key", "The Idempotency-Key must have 255 characters at most.")
	// ErrIdempotencyConflict refuses a key that was used for another call.
	ErrIdempotencyConflict = fault.New(fault.Conflict, "idempotency_conflict", "That Idempotency-Key was used for another call.")
	// ErrInFlight refuses a repeat while the first call is at work.
	ErrInFlight = fault.New(fault.Conflict, "idempotency_in_flight", "The same call is being worked on. Please try again in a moment.").WithRetryAfter(time.Second)
)

const (
	// replayHeader is where a client names a call that it may repeat.
	replayHeader = "Idempotency-Key"
	// replayedHeader marks an answer that was given before.
	replayedHeader = "Idempotent-Replayed"
	keyMax         = 255
	// replayFor is how long an answer is kept.
	replayFor = 24 * time.Hour
	// inFlightFor is how long a call may be at work. It is longer than any
	// function runs, so a mark that is that old was left by a call that died.
	inFlightFor = time.Minute
	partReplay  = "$replay"
)

// Replays remembers the answers of calls that carry an Idempotency-Key, per
// principal, for 24 hours.
type Replays struct {
	table table.Table
	now   func() time.Time
}

// NewReplays keeps answers in a table.
func NewReplays(t table.Table, now func() time.Time) *Replays { return &Replays{table: t, now: now} }

// Repeatable lets clients repeat a call without its happening twice: with the
// header Idempotency-Key, the same call of the same principal is answered as it
// was the first time, within 24 hours. Refused calls are not remembered: they
// may be tried again with the same key. Calls of nobody's are not remembered.
func Repeatable(r *Replays) Option { return func(route *Route) { route.replays = r } }

// kept is what is stored of a call.
type kept struct {
	Hash   string `json:"hash"` // of method, path and input
	Done   bool   `json:"done"`
	Status int    `json:"status,omitempty"`
	Type   string `json:"type,omitempty"`
	ETag   string `json:"etag,omitempty"`
	Body   string `json:"body,omitempty"`
}

// attempt is one call that carries a key.
type attempt struct {
	tenant table.Tenant
	key    table.Key
	hash   string
	now    func() time.Time
}

// attemptOf reads the key of a call; ok is false when the call has none, or
// nobody to remember it for.
func (r Route) attemptOf(req *http.Request, who auth.Principal, in any) (a attempt, ok bool, err error) {
	key := req.Header.Get(replayHeader)
	if r.replays == nil || key == "" || who.ID == "" || who.Org == "" {
		return a, false, nil
	}
	if len(key) > keyMax {
		return a, false, ErrIdempotencyKey
	}
	text, err := json.Marshal(in)
	if err != nil {
		return a, false, fmt.Errorf("hash input: %w", err)
	}
	return attempt{
		tenant: table.Of(r.replays.table, who.Org), now: r.replays.now,
		key:  table.Key{Part: partReplay, Sort: string(who.Kind) + "#" + who.ID + "#" + hashText(key)},
		hash: hashText(req.Method + " " + req.URL.Path + "\n" + string(text)),
	}, true, nil
}

func hashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// begin marks the call as being worked on, or returns the answer it had.
func (a attempt) begin(ctx context.Context) (answered *kept, err error) {
	err = a.write(ctx, kept{Hash: a.hash}, inFlightFor, table.ItemMissing{})
	var refused *table.Refused
	if !errors.As(err, &refused) || refused.Old == nil {
		return nil, err
	}
	var before kept
	if err := refused.Old.Doc.Decode(&before); err != nil {
		return nil, fmt.Errorf("decode kept answer: %w", err)
	}
	switch {
	case before.Hash != a.hash:
		return nil, ErrIdempotencyConflict
	case !before.Done:
		return nil, ErrInFlight
	}
	return &before, nil
}

func (a attempt) write(ctx context.Context, k kept, live time.Duration, cond table.Cond) error {
	doc, err := table.NewDoc(k)
	if err != nil {
		return err
	}
	_, err = a.tenant.Write(ctx, table.Put{Item: table.Item{Key: a.key, Doc: doc, Expires: a.now().Add(live)}, If: cond})
	return err
}

// forget lets the call be tried again.
func (a attempt) forget(ctx context.Context) error {
	_, err := a.tenant.Write(ctx, table.Delete{Key: a.key})
	return err
}

// once answers a call with a key: as before, or by doing it and keeping the
// answer. When it fails for no reason that the client can act on, what it did is
// not known, and the mark stays until the call counts as dead.
func (m *Mux) once(w *writer, r *http.Request, route Route, a attempt, do func(context.Context) (any, error)) error {
	ctx := r.Context()
	before, err := a.begin(ctx)
	if err != nil {
		return err
	}
	if before != nil {
		w.Header().Set(replayedHeader, "true")
		if before.ETag != "" {
			w.Header().Set("ETag", before.ETag)
		}
		w.send(before.Status, before.Type, []byte(before.Body))
		return nil
	}
	out, err := do(ctx)
	if err != nil {
		if f, known := fault.From(err); known && f.Kind != fault.Internal {
			m.complain(ctx, "forget call", a.forget(ctx))
		}
		return err
	}
	w.keeps = true
	if err := route.send(w, out); err != nil {
		return err
	}
	err = a.write(ctx, kept{
		Hash: a.hash, Done: true, Status: w.status, Body: string(w.body),
		Type: w.Header().Get("Content-Type"), ETag: w.Header().Get("ETag"),
	}, replayFor, nil)
	m.complain(ctx, "keep answer", err)
	return nil
}

// complain logs what does not change the answer.
func (m *Mux) complain(ctx context.Context, what string, err error) {
	if err != nil {
		m.log.ErrorContext(ctx, "idempotency store failed", "step", what, "error", err.Error())
	}
}
