package runtimeapi

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/appmint/appengine/infra/local/uuid"
)

// maxWaitingEvents is more than an extension that keeps up ever has waiting;
// what comes on top of it is dropped.
const maxWaitingEvents = 64

// extension is one registered extension with the events that wait for it.
type extension struct {
	kinds  []string
	events chan extensionEvent
}

// extensionEvent is an INVOKE or a SHUTDOWN.
type extensionEvent struct {
	EventType          string   `json:"eventType"`
	DeadlineMS         int64    `json:"deadlineMs"`
	RequestID          string   `json:"requestId,omitempty"`
	InvokedFunctionARN string   `json:"invokedFunctionArn,omitempty"`
	Tracing            *tracing `json:"tracing,omitempty"`
	ShutdownReason     string   `json:"shutdownReason,omitempty"`
}

type tracing struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func (a *api) register(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Events []string `json:"events"`
	}
	name := r.Header.Get("Lambda-Extension-Name")
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&request)
	unknown := slices.ContainsFunc(request.Events, func(kind string) bool { return kind != "INVOKE" && kind != "SHUTDOWN" })
	if err != nil || name == "" || unknown {
		fail(w, http.StatusBadRequest, "Extension.InvalidRequest")
		return
	}
	id := uuid.New()
	a.mu.Lock()
	a.extensions[id] = &extension{kinds: request.Events, events: make(chan extensionEvent, maxWaitingEvents)}
	a.mu.Unlock()
	answer, err := json.Marshal(map[string]string{
		"functionName": a.config.Name, "functionVersion": "$LATEST", "handler": a.config.Handler,
	})
	if err != nil {
		fail(w, http.StatusInternalServerError, "Extension.ServiceError")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Extension-Identifier", id)
	_, _ = w.Write(answer)
}

func (a *api) nextEvent(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	e := a.extensions[r.Header.Get("Lambda-Extension-Identifier")]
	a.mu.Unlock()
	if e == nil {
		fail(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier")
		return
	}
	select {
	case <-r.Context().Done():
	case event := <-e.events:
		answer, err := json.Marshal(event)
		if err != nil {
			fail(w, http.StatusInternalServerError, "Extension.ServiceError")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Lambda-Extension-Event-Identifier", uuid.New())
		_, _ = w.Write(answer)
	}
}

// extensionFailure takes note of nothing: the process is about to end, and its
// exit is what counts.
func (a *api) extensionFailure(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	_, known := a.extensions[r.Header.Get("Lambda-Extension-Identifier")]
	a.mu.Unlock()
	if !known {
		fail(w, http.StatusForbidden, "Extension.UnknownExtensionIdentifier")
		return
	}
	accepted(w)
}

// announce tells the extensions about an invocation.
func (a *api) announce(v *invocation) {
	a.tell(extensionEvent{
		EventType: "INVOKE", DeadlineMS: v.deadline.UnixMilli(), RequestID: v.id, InvokedFunctionARN: v.arn,
		Tracing: &tracing{Type: "X-Amzn-Trace-Id", Value: v.trace},
	})
}

func (a *api) shutdown() {
	a.tell(extensionEvent{EventType: "SHUTDOWN", DeadlineMS: time.Now().Add(grace).UnixMilli(), ShutdownReason: "spindown"})
}

func (a *api) tell(event extensionEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.extensions {
		if !slices.Contains(e.kinds, event.EventType) {
			continue
		}
		select {
		case e.events <- event:
		default:
		}
	}
}
