package modules

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/event"
)

// Contract prints the generated files of shared/contract, by name.
func Contract(deps app.Deps) (map[string][]byte, error) {
	files := map[string][]byte{}
	var groups []api.Group
	var built []app.Module
	for _, e := range All() {
		m := e.New(deps)
		built = append(built, m)
		if e.Document == "" {
			continue
		}
		g := api.Group{Name: m.Name, Summary: m.Summary, Routes: m.Routes}
		groups = append(groups, g)
		files["docs/"+e.Document+".md"] = []byte(api.Markdown(g))
	}
	document, err := api.Document(groups, "/", "1")
	if err != nil {
		return nil, err
	}
	files["openapi.json"] = document
	files["docs/00-index.md"] = []byte(index(groups))
	if files["events.json"], err = catalogue(built); err != nil {
		return nil, err
	}
	return files, nil
}

// catalogued is one event as the catalogue prints it.
type catalogued struct {
	Name      string   `json:"name"`
	Module    string   `json:"module"`
	Summary   string   `json:"summary"`
	Consumers []string `json:"consumers,omitempty"`
}

func catalogue(built []app.Module) ([]byte, error) {
	consumers := map[string][]string{}
	for _, m := range built {
		for _, c := range m.Consumers {
			consumers[c.Event] = append(consumers[c.Event], m.Name+": "+c.Summary)
		}
	}
	events := []catalogued{}
	for _, m := range built {
		for _, d := range m.Emits {
			events = append(events, catalogued{Name: d.Name, Module: m.Name, Summary: d.Summary, Consumers: consumers[d.Name]})
		}
	}
	sort.Slice(events, func(i, j int) bool { return events[i].Name < events[j].Name })
	text, err := json.MarshalIndent(map[string]any{"source": event.Source, "events": events}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode event catalogue: %w", err)
	}
	return append(text, '\n'), nil
}

func index(groups []api.Group) string {
	var b strings.Builder
	b.WriteString(introduction)
	for _, e := range All() {
		for _, g := range groups {
			if e.Document != "" && g.Name == e.Name {
				fmt.Fprintf(&b, "- [%s](/discover/%s): %s\n", e.Document, e.Document, g.Summary)
			}
		}
	}
	b.WriteString("\nMachine-readable: [/discover/openapi.json](/discover/openapi.json), [/discover/events](/discover/events).\n")
	return b.String()
}

const introduction = `# AppEngine

A multi-tenant business backend over REST. Read this page, then the page of the module you need, then the OpenAPI document.

## Headers

| header | meaning |
|---|---|
| ` + "`orgid`" + ` | the organisation the call is for; needed on nearly every route |
| ` + "`Authorization: Bearer …`" + ` | the app's token, or a person's when no app is involved |
| ` + "`x-client-authorization`" + ` | the person's token when an app acts for a person, with or without ` + "`Bearer`" + ` |
| ` + "`x-api-key`" + ` | an API key, instead of a token |

Answers carry ` + "`X-Request-Id`" + ` and, when the call was counted, ` + "`X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`" + `.

## Users and customers

A *user* is staff and signs in at ` + "`/profile/user/signin`" + `; a *customer* is an end customer of one organisation and signs in at ` + "`/profile/customer/signin`" + `. Access tokens live one hour; refresh with the refresh token.

## Records

Every record is an envelope: ` + "`sk`" + ` is the id, ` + "`data`" + ` the payload, ` + "`version`" + ` the number of changes so far, and ` + "`datatype`" + ` its collection. The same routes serve every collection:

| call | does |
|---|---|
| ` + "`PUT /repository/create`" + ` with ` + "`{datatype, isNew: true, data}`" + ` | create |
| ` + "`GET /repository/get/{datatype}/{id}`" + ` | read |
| ` + "`POST /repository/find/{datatype}`" + ` with ` + "`{query, options}`" + ` | find, Mongo-style |
| ` + "`POST /repository/update-partial/{datatype}/{id}`" + ` with ` + "`{\"data.field\": value}`" + ` | change some fields |
| ` + "`DELETE /repository/delete/{datatype}/{id}`" + ` | move to the trash |

## Errors

One body for all: ` + "`{statusCode, message, error, reason, code, path, timestamp, requestId, details?}`" + `. ` + "`message`" + ` is fit to show a person, ` + "`reason`" + ` is stable and for machines. 401 is about tokens only; a wrong password is 400.

## Documents

`
