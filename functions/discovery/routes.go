package discovery

import (
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
)

func (s service) routes() []api.Route {
	public := auth.Public()
	open := func(r api.Route) api.Route { api.NoOrg()(&r); api.Uncounted()(&r); return r }
	index := open(api.On("GET /discover", public, s.index, "The index document, as Markdown."))
	document := open(api.On("GET /discover/openapi.json", public, s.openAPI, "The OpenAPI 3.1 document of every route."))
	page := open(api.On("GET /discover/docs", public, s.page, "A page that renders the OpenAPI document and can call the API."))
	return []api.Route{
		index,
		open(api.On("GET /discover/list", public, s.list, "Names of all documents, as Markdown, or as JSON when Accept asks for it.")),
		document,
		document.As("GET /documentation/json"),
		page,
		page.As("GET /documentation"),
		open(api.On("GET /discover/events", public, s.events, "The catalogue of events that modules emit.")),
		open(api.On("GET /discover/{name}", public, s.document, "One document as Markdown; the name with or without .md.", api.Fails(ErrNoDocument))),
	}
}
