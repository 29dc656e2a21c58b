package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/fault"
)

// Group is the routes of one module, a tag of the OpenAPI document.
type Group struct {
	Name    string
	Summary string
	Routes  []Route
}

type object = map[string]any

// Document prints the route tables as an OpenAPI 3.1 document, the same bytes
// for the same tables. url is the API's base, version the deployment's.
func Document(groups []Group, url, version string) ([]byte, error) {
	s := schemas{components: object{"Fault": faultSchema()}}
	paths := object{}
	tags := make([]object, 0, len(groups))
	for _, g := range groups {
		tags = append(tags, object{"name": g.Name, "description": g.Summary})
		for _, r := range g.Routes {
			path := "/" + strings.Join(segments(strings.ReplaceAll(r.Path, "...}", "}")), "/")
			item, _ := paths[path].(object)
			if item == nil {
				item = object{}
				paths[path] = item
			}
			item[strings.ToLower(r.Method)] = s.operation(g.Name, r)
		}
	}
	text, err := json.MarshalIndent(object{
		"openapi":    "3.1.0",
		"info":       object{"title": "AppEngine", "version": version, "description": introduction},
		"servers":    []object{{"url": url}},
		"tags":       tags,
		"paths":      paths,
		"components": object{"schemas": s.components, "securitySchemes": securitySchemes()},
	}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode OpenAPI document: %w", err)
	}
	return append(text, '\n'), nil
}

const introduction = "Every call names its org in the orgid header. People and apps authenticate with " +
	"Authorization: Bearer, keys with x-api-key; an app that acts for a person puts the person's token " +
	"into x-client-authorization. Records travel as BaseModel: the payload under data, the id in sk."

func securitySchemes() object {
	return object{
		"bearer": object{"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
		"person": object{"type": "apiKey", "in": "header", "name": "x-client-authorization"},
		"key":    object{"type": "apiKey", "in": "header", "name": "x-api-key"},
		"orgid":  object{"type": "apiKey", "in": "header", "name": "orgid"},
	}
}

func (s *schemas) operation(tag string, r Route) object {
	op := object{
		"tags": []string{tag}, "summary": r.Summary, "operationId": operationID(r),
		"description": "Access: " + r.Access.String() + ".",
		"responses":   s.responses(r),
	}
	if parameters := s.parameters(r); len(parameters) > 0 {
		op["parameters"] = parameters
	}
	if body := s.requestBody(r); body != nil {
		op["requestBody"] = body
	}
	if !r.Access.IsPublic() {
		op["security"] = []object{{"bearer": []string{}, "orgid": []string{}}, {"key": []string{}, "orgid": []string{}}, {"bearer": []string{}, "person": []string{}, "orgid": []string{}}}
	}
	return op
}

func operationID(r Route) string {
	id := strings.ToLower(r.Method)
	for _, part := range strings.FieldsFunc(r.Path, func(c rune) bool { return strings.ContainsRune("/{}-._", c) }) {
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}

func (s *schemas) parameters(r Route) []object {
	var list []object
	for _, f := range r.binder.fields {
		if f.source != fromPath && f.source != fromQuery && f.source != fromHeader {
			continue
		}
		p := object{"name": f.name, "in": string(f.source), "schema": f.rules.apply(s.of(f.typ))}
		if f.source == fromPath || f.rules.required {
			p["required"] = true
		}
		if f.doc != "" {
			p["description"] = f.doc
		}
		list = append(list, p)
	}
	if r.replays != nil {
		list = append(list, object{
			"name": replayHeader, "in": "header", "schema": object{"type": "string", "maxLength": keyMax},
			"description": "Any text of the client's own. The same call with the same key, within 24 hours, is answered as the first time and does nothing.",
		})
	}
	return list
}

func (s *schemas) requestBody(r Route) object {
	if b := r.binder.body; b != nil {
		if b.name == "raw" {
			return object{"content": object{"*/*": object{"schema": object{"type": "string", "format": "binary"}}}}
		}
		return jsonContent(s.of(b.typ))
	}
	if !r.binder.json {
		return nil
	}
	properties, required := object{}, []string{}
	for _, f := range r.binder.fields {
		if f.source != fromJSON {
			continue
		}
		schema := f.rules.apply(s.of(f.typ))
		if f.doc != "" {
			schema["description"] = f.doc
		}
		properties[f.name] = schema
		if f.rules.required {
			required = append(required, f.name)
		}
	}
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return jsonContent(schema)
}

func jsonContent(schema object) object {
	return object{"content": object{"application/json": object{"schema": schema}}}
}

// Statuses lists every status a client may see from the route.
func (r Route) Statuses() []int {
	seen := map[int]bool{r.Status: true, http.StatusOK: true, http.StatusInternalServerError: true}
	for _, f := range r.faults() {
		seen[StatusOf(f.Kind)] = true
	}
	list := make([]int, 0, len(seen))
	for status := range seen {
		list = append(list, status)
	}
	sort.Ints(list)
	return list
}

// faults lists what can go wrong: what the row says and what its nature brings.
func (r Route) faults() []*fault.Error {
	list := append([]*fault.Error{}, r.Fails...)
	list = append(list, ErrValidation)
	if !r.Orgless {
		list = append(list, ErrMissingOrg, ErrUnknownOrg)
	}
	if !r.Free {
		list = append(list, ErrRateLimited)
	}
	list = append(list, forAccess(r)...)
	if r.binder.json || r.binder.body != nil {
		list = append(list, ErrBadJSON, ErrBodyTooLarge, ErrMediaType)
	}
	if r.replays != nil {
		list = append(list, ErrIdempotencyKey, ErrIdempotencyConflict, ErrInFlight)
	}
	return append(list, errBusy)
}

func (s *schemas) responses(r Route) object {
	success := object{"description": "Success."}
	if r.tagged {
		success["headers"] = object{"ETag": object{
			"description": "The record's version, for If-Match.", "schema": object{"type": "string"},
		}}
	}
	if schema := s.result(r.out); schema != nil {
		success["content"] = object{"application/json": object{"schema": schema}}
	}
	byStatus := map[int][]string{}
	for _, f := range r.faults() {
		status := StatusOf(f.Kind)
		byStatus[status] = append(byStatus[status], "`"+f.Reason+"`: "+f.Message)
	}
	responses := object{strconv.Itoa(r.Status): success}
	for status, lines := range byStatus {
		sort.Strings(lines)
		responses[strconv.Itoa(status)] = object{
			"description": strings.Join(unique(lines), " "),
			"content":     object{"application/json": object{"schema": object{"$ref": "#/components/schemas/Fault"}}},
		}
	}
	return responses
}

func unique(sorted []string) []string {
	kept := sorted[:0:0]
	for i, line := range sorted {
		if i == 0 || line != sorted[i-1] {
			kept = append(kept, line)
		}
	}
	return kept
}
