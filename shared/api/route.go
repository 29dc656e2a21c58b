// Package api is the route table: a Route says method, path, who may call, what
// goes in and out and what can go wrong. The mux serves from it, the access
// check authorises from it, the OpenAPI document prints it and the tests attack
// it, so none of them can drift.
package api

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
)

// BodyMax is the default limit of a request body, in bytes. Lambda takes 6 MB
// of event, of which the body, possibly base64, is a part.
const BodyMax = 4 << 20

// Route is one row of a module's route table. Build it with On.
type Route struct {
	Method  string
	Path    string // "/repository/get/{datatype}/{id}"; a last "{name...}" takes the rest
	Access  auth.Access
	Summary string
	Status  int            // of success; 200 unless set
	Fails   []*fault.Error // faults of its own, beside those every route can have
	Orgless bool           // works without an org
	Free    bool           // neither counted nor rate-limited
	BodyMax int64          // bytes

	tagged  bool     // answers records with an ETag
	replays *Replays // remembers answers by Idempotency-Key; nil does not

	in, out reflect.Type
	binder  binder
	call    func(ctx context.Context, who auth.Principal, in any) (any, error)
}

// On is one row: pattern ("POST /users"), access (required), implementation,
// and a summary for people. In is a struct whose fields are bound by tag:
//
//	path:"id"      a path parameter
//	query:"p"      a query parameter; NaN, null, undefined and "" count as absent
//	header:"X-Y"   a request header
//	json:"name"    a member of the JSON body
//	body:"json"    the whole JSON body (any type, json.RawMessage included)
//	body:"raw"     the body's bytes, whatever their type ([]byte)
//	form:"name"    a field of a form-encoded body, when that is what came
//
// Validation tags beside them: required:"true", maxLen:"100", minLen:"3",
// min:"1", max:"10", enum:"a,b", doc:"…". Unknown members are accepted.
//
// Out is encoded as JSON; json.RawMessage passes through, an *Answer decides
// everything itself, and a nil pointer or Nothing is an empty 200.
func On[In, Out any](pattern string, access auth.Access, implementation func(context.Context, auth.Principal, In) (Out, error), summary string, options ...Option) Route {
	method, path, _ := strings.Cut(pattern, " ")
	r := Route{
		Method: method, Path: path, Access: access, Summary: summary,
		Status: http.StatusOK, BodyMax: BodyMax,
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
	}
	r.binder = newBinder(r.in)
	r.call = func(ctx context.Context, who auth.Principal, in any) (any, error) {
		return implementation(ctx, who, *in.(*In))
	}
	for _, o := range options {
		o(&r)
	}
	return r
}

// As is the same row under another pattern: how aliases are declared.
func (r Route) As(pattern string) Route {
	r.Method, r.Path, _ = strings.Cut(pattern, " ")
	return r
}

// Pattern is "METHOD /path".
func (r Route) Pattern() string { return r.Method + " " + r.Path }

// Option refines a Route.
type Option func(*Route)

// Status sets the success status.
func Status(code int) Option { return func(r *Route) { r.Status = code } }

// Fails declares the faults that the implementation may return.
func Fails(faults ...*fault.Error) Option {
	return func(r *Route) { r.Fails = append(r.Fails, faults...) }
}

// NoOrg lets the route be called without an org.
func NoOrg() Option { return func(r *Route) { r.Orgless = true } }

// Uncounted exempts the route from metering and rate limits.
func Uncounted() Option { return func(r *Route) { r.Free = true } }

// MaxBody sets the limit of the request body, in bytes.
func MaxBody(bytes int64) Option { return func(r *Route) { r.BodyMax = bytes } }
