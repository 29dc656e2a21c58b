package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// Answer is a response that decides everything itself: redirects, pages, files.
type Answer struct {
	Status      int // 200 when zero
	ContentType string
	Header      map[string]string
	Body        []byte
}

// Nothing is an empty 200, which clients read as null.
type Nothing struct{}

// Redirect sends a browser elsewhere.
func Redirect(location string) *Answer {
	return &Answer{Status: http.StatusFound, Header: map[string]string{"Location": location}}
}

// Text answers with a body of any type.
func Text(contentType, body string) *Answer {
	return &Answer{ContentType: contentType, Body: []byte(body)}
}

// writer remembers what was answered.
type writer struct {
	http.ResponseWriter
	status   int
	bytes    int64
	consumed *table.Consumption // shown in a header unless nil
	keeps    bool               // body is kept
	body     []byte
}

func (w *writer) send(status int, contentType string, body []byte) {
	if w.status != 0 {
		return
	}
	w.status, w.bytes = status, int64(len(body))
	if w.keeps {
		w.body = body
	}
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	if w.consumed != nil {
		w.Header().Set("X-Consumed-Units", strconv.FormatFloat(w.consumed.ReadUnits()+w.consumed.WriteUnits(), 'f', -1, 64))
	}
	w.WriteHeader(status)
	if len(body) > 0 {
		_, _ = w.Write(body) // #nosec G705 -- routes set their content type; a client that has gone is no fault of the call
	}
}

const jsonType = "application/json; charset=utf-8"

// Appender is a result that writes its own JSON: lists of records, whose texts
// encoding/json would read once more only to copy them.
type Appender interface {
	AppendJSON(to []byte) ([]byte, error)
}

// encode writes a result as the route table promises.
func encode(w *writer, status int, out any) error {
	switch out := out.(type) {
	case *Answer:
		if out != nil {
			sendAnswer(w, out)
			return nil
		}
		w.send(http.StatusOK, "", nil)
	case Nothing, nil:
		w.send(http.StatusOK, "", nil)
	case json.RawMessage:
		sendJSON(w, status, out)
	case table.Doc:
		sendJSON(w, status, out)
	case Appender:
		text, err := out.AppendJSON(nil)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		sendJSON(w, status, text)
	default:
		return encodeValue(w, status, out)
	}
	return nil
}

func sendJSON(w *writer, status int, text []byte) {
	if len(text) == 0 {
		w.send(http.StatusOK, "", nil)
		return
	}
	w.send(status, jsonType, text)
}

func sendAnswer(w *writer, a *Answer) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	w.send(a.Status, a.ContentType, a.Body)
}

func encodeValue(w *writer, status int, out any) error {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.send(status, jsonType, bytes.TrimRight(buffer.Bytes(), "\n"))
	return nil
}

// fail answers with the single error body, which every client can read: the
// sentence under error and message, the reason under reason and code.
func (m *Mux) fail(w *writer, r *http.Request, err error) {
	meta := MetaFrom(r.Context())
	f, known := fault.From(err)
	if !known || f.Kind == fault.Internal {
		m.log.ErrorContext(r.Context(), "call failed", "method", r.Method, "path", r.URL.Path, "request_id", meta.RequestID, "error", err.Error())
		f = errInternal
	}
	status := StatusOf(f.Kind)
	body := map[string]any{}
	for key, value := range f.Extra {
		body[key] = value
	}
	body["statusCode"], body["error"], body["message"] = status, f.Message, f.Message
	body["reason"], body["code"], body["path"] = f.Reason, f.Reason, r.URL.Path
	body["timestamp"], body["requestId"] = record.At(m.now()), meta.RequestID
	if len(f.Details) > 0 {
		body["details"] = f.Details
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter+time.Second-1)/time.Second), 10))
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := encodeValue(w, status, body); err != nil {
		m.log.ErrorContext(r.Context(), "error body failed", "error", err.Error())
	}
}

var errInternal = fault.New(fault.Internal, "internal_error", "Something went wrong on our side. Please try again.")

// StatusOf is the one place where a kind of fault becomes a status.
func StatusOf(kind fault.Kind) int {
	switch kind {
	case fault.Internal:
		return http.StatusInternalServerError
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.PaymentRequired:
		return http.StatusPaymentRequired
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.Unprocessable:
		return http.StatusUnprocessableEntity
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Upstream:
		return http.StatusBadGateway
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Timeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

func stack() string { return string(debug.Stack()) }
