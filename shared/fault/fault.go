// Package fault is the one error type that a client may see: a kind, which
// decides the status, a stable reason for machines, and a sentence for people.
// Every other error is internal and reaches clients as a bare 500.
package fault

import (
	"errors"
	"time"
)

// Kind classes a fault. Only shared/api turns it into a status.
type Kind uint8

// The kinds, each with the status that shared/api gives it.
const (
	Internal        Kind = iota // 500
	Invalid                     // 400: the input is wrong
	Unauthenticated             // 401: the token is missing, expired or unreadable
	PaymentRequired             // 402: balance or plan does not cover the action
	Forbidden                   // 403: known, but not allowed
	NotFound                    // 404: no such thing, or another org's
	Conflict                    // 409: version, uniqueness or state
	TooLarge                    // 413: the body is over the limit
	Unsupported                 // 415: the body's type is not understood
	Unprocessable               // 422: well-formed, semantically refused
	RateLimited                 // 429: try again after RetryAfter
	Upstream                    // 502: a vendor failed
	Unavailable                 // 503: a dependency is down
	Timeout                     // 504: a dependency timed out
)

// Detail is one field's complaint in a validation fault.
type Detail struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Code    string `json:"code"`
}

// Error is a condition that a client can act on. It is immutable: the With
// methods return copies, which errors.Is still finds equal to the original.
type Error struct {
	Kind       Kind
	Reason     string // snake_case, stable, unique
	Message    string // a sentence fit to show a person
	Details    []Detail
	Extra      map[string]any // further members of the error body, such as the current version
	RetryAfter time.Duration  // zero when waiting does not help
}

// New declares a fault; it belongs in a package variable beside the type it
// concerns. Reason is snake_case, message a whole sentence.
func New(kind Kind, reason, message string) *Error {
	return &Error{Kind: kind, Reason: reason, Message: message}
}

// Error returns the sentence for people.
func (e *Error) Error() string { return e.Message }

// Is says that two faults with the same reason are the same condition.
func (e *Error) Is(target error) bool {
	var other *Error
	return errors.As(target, &other) && other.Kind == e.Kind && other.Reason == e.Reason
}

// WithMessage returns the same condition with a more precise sentence.
func (e *Error) WithMessage(message string) *Error {
	c := *e
	c.Message = message
	return &c
}

// WithDetails returns the same condition with per-field complaints.
func (e *Error) WithDetails(details ...Detail) *Error {
	c := *e
	c.Details = details
	return &c
}

// WithExtra returns the same condition with one more member in the error body.
func (e *Error) WithExtra(key string, value any) *Error {
	c := *e
	c.Extra = make(map[string]any, len(e.Extra)+1)
	for k, v := range e.Extra {
		c.Extra[k] = v
	}
	c.Extra[key] = value
	return &c
}

// WithRetryAfter returns the same condition with the time after which a
// repeat may succeed.
func (e *Error) WithRetryAfter(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// From finds the fault in an error chain; ok is false for internal errors.
func From(err error) (f *Error, ok bool) {
	ok = errors.As(err, &f)
	return f, ok
}
