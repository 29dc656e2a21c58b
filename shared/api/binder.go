package api

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/appmint/appengine/shared/fault"
)

// Faults of reading a request; every route can answer them.
var (
	// ErrBadJSON refuses a body that is not JSON.
	ErrBadJSON = fault.New(fault.Invalid, "invalid_json", "The request body is not valid JSON.")
	// ErrValidation refuses input that breaks a rule; details name the fields.
	ErrValidation = fault.New(fault.Invalid, "validation_failed", "Some of the values are not right.")
	// ErrBodyTooLarge refuses a body over the route's limit.
	ErrBodyTooLarge = fault.New(fault.TooLarge, "body_too_large", "The request is too large.")
	// ErrMediaType refuses a body of a type that the route does not read.
	ErrMediaType = fault.New(fault.Unsupported, "unsupported_media_type", "That content type is not accepted here. Please send JSON.")
)

// source is where a field of an input struct comes from.
type source string

const (
	fromPath   source = "path"
	fromQuery  source = "query"
	fromHeader source = "header"
	fromForm   source = "form"
	fromJSON   source = "json"
	fromBody   source = "body"
)

// field is one field of an input struct, understood once, at construction.
type field struct {
	index  []int
	name   string // on the wire
	source source
	typ    reflect.Type
	rules  rules
	doc    string
}

// binder turns a request into an input struct.
type binder struct {
	typ    reflect.Type
	fields []field
	json   bool   // some fields are members of a JSON body
	body   *field // takes the whole body
	form   bool
}

func newBinder(t reflect.Type) binder {
	b := binder{typ: t}
	if t.Kind() == reflect.Struct {
		b.collect(t, nil)
	}
	return b
}

func (b *binder) collect(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, prefix...), i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("json") == "" {
			b.collect(f.Type, index)
			continue
		}
		if f.IsExported() {
			b.add(f, index)
		}
	}
}

func (b *binder) add(f reflect.StructField, index []int) {
	for _, s := range []source{fromPath, fromQuery, fromHeader, fromForm, fromBody, fromJSON} {
		tag, ok := f.Tag.Lookup(string(s))
		if !ok || tag == "-" {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		fld := field{index: index, name: name, source: s, typ: f.Type, rules: newRules(f.Tag), doc: f.Tag.Get("doc")}
		b.fields = append(b.fields, fld)
		b.json = b.json || s == fromJSON
		b.form = b.form || s == fromForm
		if s == fromBody {
			b.body = &b.fields[len(b.fields)-1]
		}
		if s != fromForm { // a form field may be a JSON member as well
			return
		}
	}
}

// pathNames lists the path parameters the input binds.
func (b *binder) pathNames() []string {
	var names []string
	for _, f := range b.fields {
		if f.source == fromPath {
			names = append(names, f.name)
		}
	}
	return names
}

// bind reads the request into a new *In.
func (b *binder) bind(r *http.Request, params map[string]string, limit int64) (any, error) {
	in := reflect.New(b.typ)
	if b.typ.Kind() != reflect.Struct {
		return in.Interface(), nil
	}
	form, err := b.readBody(r, in.Elem(), limit)
	if err != nil {
		return nil, err
	}
	var query url.Values
	if r.URL.RawQuery != "" {
		query = r.URL.Query()
	}
	var wrong []fault.Detail
	for i := range b.fields {
		f := &b.fields[i]
		target := in.Elem().FieldByIndex(f.index)
		if texts, isText := f.texts(r, params, query, form); isText {
			if f.source != fromForm || form != nil {
				target.SetZero()
			}
			if complaint := setTexts(target, texts); complaint != "" {
				wrong = append(wrong, fault.Detail{Field: f.name, Message: f.name + " " + complaint, Code: "type"})
				continue
			}
		}
		wrong = append(wrong, f.rules.check(f.name, target)...)
	}
	return in.Interface(), complain(wrong, in.Interface())
}

// texts returns the request's values for a field that is bound from text.
func (f *field) texts(r *http.Request, params map[string]string, query, form url.Values) ([]string, bool) {
	switch f.source {
	case fromPath:
		return present([]string{params[f.name]}), true
	case fromQuery:
		return present(query[f.name]), true
	case fromHeader:
		return present(r.Header.Values(f.name)), true
	case fromForm:
		return present(form[f.name]), true
	default:
		return nil, false
	}
}

// present drops the texts by which clients write "nothing".
func present(texts []string) []string {
	kept := texts[:0:0]
	for _, t := range texts {
		switch t {
		case "", "NaN", "null", "undefined":
		default:
			kept = append(kept, t)
		}
	}
	return kept
}

// Validator is an input with rules beyond its tags.
type Validator interface {
	Validate() []fault.Detail
}

func complain(wrong []fault.Detail, in any) error {
	if v, ok := in.(Validator); ok && len(wrong) == 0 {
		wrong = v.Validate()
	}
	if len(wrong) == 0 {
		return nil
	}
	return ErrValidation.WithMessage(wrong[0].Message).WithDetails(wrong...)
}

// readBody fills JSON members or the whole-body field, and returns form values
// when the body is a form.
func (b *binder) readBody(r *http.Request, in reflect.Value, limit int64) (url.Values, error) {
	if b.body == nil && !b.json && !b.form {
		return nil, nil
	}
	text, err := readAll(r, limit)
	if err != nil {
		return nil, err
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case b.body != nil && b.body.name == "raw":
		in.FieldByIndex(b.body.index).SetBytes(text)
		return nil, nil
	case media == "application/x-www-form-urlencoded" && b.form:
		form, err := url.ParseQuery(string(text))
		if err != nil {
			return nil, ErrValidation.WithMessage("The form could not be read.")
		}
		return form, nil
	case media == "application/x-www-form-urlencoded" || strings.HasPrefix(media, "multipart/"):
		return nil, ErrMediaType
	}
	return nil, b.readJSON(text, in)
}

func readAll(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, ErrBodyTooLarge
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if int64(len(text)) > limit {
		return nil, ErrBodyTooLarge
	}
	return text, nil
}
