package api

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

var errBusy = table.ErrBusy

// forAccess lists the faults that a route's access can end in.
func forAccess(r Route) []*fault.Error {
	if r.Access.IsPublic() {
		return nil
	}
	return []*fault.Error{
		auth.ErrUnauthenticated, auth.ErrTokenExpired, auth.ErrInvalidToken, auth.ErrTokenRevoked,
		auth.ErrOrgMismatch, auth.ErrForbidden, auth.ErrScope,
	}
}

func faultSchema() object {
	text := object{"type": "string"}
	return object{"type": "object", "properties": object{
		"statusCode": object{"type": "integer"}, "error": text, "message": text, "reason": text, "code": text,
		"path": text, "timestamp": object{"type": "string", "format": "date-time"}, "requestId": text,
		"details": object{"type": "array", "items": object{"type": "object", "properties": object{"field": text, "message": text, "code": text}}},
	}}
}

// schemas prints Go types as JSON Schema; named structs become components.
type schemas struct{ components object }

// result is the schema of an answer; nil when it is no JSON.
func (s *schemas) result(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[*Answer](), reflect.TypeFor[Nothing]():
		return nil
	default:
		return s.of(t)
	}
}

func (s *schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[json.RawMessage](), reflect.TypeFor[table.Doc]():
		return object{}
	case reflect.TypeFor[record.Time](), reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.structure(t)
	default:
		return object{}
	}
}

func (s *schemas) structure(t reflect.Type) object {
	name := componentName(t)
	if name == "" {
		return s.members(t)
	}
	if _, known := s.components[name]; !known {
		s.components[name] = object{} // for types that contain themselves
		s.components[name] = s.members(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

// componentName is "users.Session", and "record.Record-users.User" for generics.
func componentName(t reflect.Type) string {
	if t.Name() == "" || t.PkgPath() == "" {
		return ""
	}
	pkg := t.PkgPath()[strings.LastIndex(t.PkgPath(), "/")+1:]
	base, args, isGeneric := strings.Cut(t.Name(), "[")
	if !isGeneric {
		return pkg + "." + base
	}
	args = args[strings.LastIndex(args, "/")+1:]
	return pkg + "." + base + "-" + strings.Trim(args, "[]*")
}

func (s *schemas) members(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || (f.Anonymous && name == "") || len(f.Index) > 1 && name == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		rules := newRules(f.Tag)
		schema := rules.apply(s.of(f.Type))
		if doc := f.Tag.Get("doc"); doc != "" {
			schema["description"] = doc
		}
		properties[name] = schema
		if rules.required {
			required = append(required, name)
		}
	}
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// apply adds the validation tags to a schema; the schema is the caller's own.
func (r rules) apply(schema object) object {
	length := [2]string{"minLength", "maxLength"}
	if schema["type"] == "array" {
		length = [2]string{"minItems", "maxItems"}
	}
	if r.minLen > 0 {
		schema[length[0]] = r.minLen
	}
	if r.maxLen > 0 {
		schema[length[1]] = r.maxLen
	}
	if r.min != nil {
		schema["minimum"] = *r.min
	}
	if r.max != nil {
		schema["maximum"] = *r.max
	}
	if len(r.enum) > 0 {
		schema["enum"] = r.enum
	}
	return schema
}
