package runtimeapi

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/appmint/appengine/infra/local/function"
)

// The prefixes of the two APIs, which are their versions.
const (
	runtimeVersion   = "/2018-06-01/runtime"
	extensionVersion = "/2020-01-01/extension"
)

// invocation is one event on its way through the process.
type invocation struct {
	id       string
	arn      string
	payload  []byte
	deadline time.Time
	trace    string
	done     chan result // holds one
}

type result struct {
	answer []byte
	err    error
}

// api is the server's side of the Runtime and Extensions APIs.
type api struct {
	config Config
	work   chan *invocation
	ready  chan struct{} // closed at the first request for work
	first  sync.Once
	since  time.Time // of that request; read it after ready

	mu         sync.Mutex
	current    *invocation
	initFault  *function.Error
	extensions map[string]*extension
}

func newAPI(config Config) *api {
	return &api{
		config: config, work: make(chan *invocation), ready: make(chan struct{}),
		extensions: map[string]*extension{},
	}
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+runtimeVersion+"/invocation/next", a.next)
	mux.HandleFunc("POST "+runtimeVersion+"/invocation/{id}/response", a.response)
	mux.HandleFunc("POST "+runtimeVersion+"/invocation/{id}/error", a.failure)
	mux.HandleFunc("POST "+runtimeVersion+"/init/error", a.initFailure)
	mux.HandleFunc("POST "+extensionVersion+"/register", a.register)
	mux.HandleFunc("GET "+extensionVersion+"/event/next", a.nextEvent)
	mux.HandleFunc("POST "+extensionVersion+"/init/error", a.extensionFailure)
	mux.HandleFunc("POST "+extensionVersion+"/exit/error", a.extensionFailure)
	return mux
}

// next gives the process its next event and waits for one until it ends.
func (a *api) next(w http.ResponseWriter, r *http.Request) {
	a.first.Do(func() {
		a.since = time.Now()
		close(a.ready)
	})
	a.finish("", result{err: &function.Error{Type: "Runtime.NoResponse", Message: "asked for work before it answered"}})
	select {
	case <-r.Context().Done():
	case v := <-a.work:
		a.mu.Lock()
		a.current = v
		a.mu.Unlock()
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Lambda-Runtime-Aws-Request-Id", v.id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(v.deadline.UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", v.arn)
		header.Set("Lambda-Runtime-Trace-Id", v.trace)
		_, _ = w.Write(v.payload) // a process that is gone is noticed by its exit
	}
}

// finish hands the result to whoever waits for the invocation; an empty id
// means whichever is current. It tells whether there was one.
func (a *api) finish(id string, r result) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil || (id != "" && a.current.id != id) {
		return false
	}
	a.current.done <- r
	a.current = nil
	return true
}

func (a *api) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse(r)))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		a.finish(r.PathValue("id"), result{err: &function.Error{
			Type: "Function.ResponseSizeTooLarge", Message: "response payload size exceeded the maximum allowed",
		}})
		fail(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge")
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "InvalidRequest")
		return
	}
	answer := result{answer: body}
	if isStreaming(r) {
		answer.answer, answer.err = readStream(r, body)
	}
	a.accept(w, r, answer)
}

func (a *api) failure(w http.ResponseWriter, r *http.Request) {
	a.accept(w, r, result{err: readError(r)})
}

func (a *api) accept(w http.ResponseWriter, r *http.Request, with result) {
	if !a.finish(r.PathValue("id"), with) {
		fail(w, http.StatusBadRequest, "InvalidRequestID")
		return
	}
	accepted(w)
}

func (a *api) initFailure(w http.ResponseWriter, r *http.Request) {
	reported := readError(r)
	a.mu.Lock()
	a.initFault = reported
	a.mu.Unlock()
	accepted(w)
}

func (a *api) initError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.initFault == nil {
		return nil
	}
	return a.initFault
}

// readError reads what a runtime reports; what it cannot read it reports so.
func readError(r *http.Request) *function.Error {
	reported := &function.Error{}
	if err := json.NewDecoder(io.LimitReader(r.Body, function.MaxPayloadBytes)).Decode(reported); err != nil {
		reported = &function.Error{Message: "the error report is not JSON: " + err.Error()}
	}
	if reported.Type == "" {
		reported.Type = r.Header.Get("Lambda-Runtime-Function-Error-Type")
	}
	if reported.Type == "" {
		reported.Type = "Unhandled"
	}
	return reported
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write([]byte(`{"status":"OK"}`))
}

func fail(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"errorType":"` + kind + `","errorMessage":"` + http.StatusText(status) + `"}`))
}
