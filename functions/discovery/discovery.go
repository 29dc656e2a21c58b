// Package discovery describes the API to those who want to call it, people and
// agents alike: Markdown per module, the OpenAPI document, the event catalogue,
// and a page that renders them. Everything is printed from the route tables.
package discovery

import (
	"github.com/appmint/appengine/shared/app"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := service{url: deps.Settings.PublicURL}
	return app.Module{
		Name:    "discovery",
		Summary: "Describes the API: Markdown per module, OpenAPI, the event catalogue and a page to read and try them.",
		Routes:  s.routes(),
	}
}
