package discovery

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/contract"
	"github.com/appmint/appengine/shared/fault"
)

// ErrNoDocument answers for a name that no document has.
var ErrNoDocument = fault.New(fault.NotFound, "no_such_document", "There is no such document. GET /discover/list names them all.")

//go:embed page.html
var pageHTML string

const (
	markdownType = "text/markdown; charset=utf-8"
	jsonType     = "application/json; charset=utf-8"
	cacheFor     = "public, max-age=300"
)

type service struct{ url string }

type nothing struct{}

type named struct {
	Name string `path:"name"`
}

type accepting struct {
	Accept string `header:"Accept" doc:"application/json asks for JSON"`
}

func cached(contentType string, body []byte) *api.Answer {
	return &api.Answer{ContentType: contentType, Header: map[string]string{"Cache-Control": cacheFor}, Body: body}
}

func (s service) index(ctx context.Context, who auth.Principal, _ nothing) (*api.Answer, error) {
	return s.document(ctx, who, named{Name: "00-index"})
}

func (s service) document(_ context.Context, _ auth.Principal, in named) (*api.Answer, error) {
	pages, err := contract.Pages()
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	name := strings.TrimSuffix(in.Name, ".md")
	for _, p := range pages {
		if p.Name == name || strings.TrimLeft(p.Name, "0123456789-") == name {
			return cached(markdownType, []byte(p.Text)), nil
		}
	}
	return nil, ErrNoDocument
}

func (s service) list(_ context.Context, _ auth.Principal, in accepting) (*api.Answer, error) {
	pages, err := contract.Pages()
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	if strings.Contains(in.Accept, "application/json") {
		text, err := json.Marshal(map[string]any{"docs": pages})
		if err != nil {
			return nil, fmt.Errorf("encode list: %w", err)
		}
		return cached(jsonType, text), nil
	}
	var lines strings.Builder
	for _, p := range pages {
		lines.WriteString("- " + p.Name + "\n")
	}
	return cached(markdownType, []byte(lines.String())), nil
}

func (s service) openAPI(context.Context, auth.Principal, nothing) (*api.Answer, error) {
	text, err := contract.OpenAPI()
	if err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	return cached(jsonType, text), nil
}

func (s service) events(context.Context, auth.Principal, nothing) (*api.Answer, error) {
	text, err := contract.Events()
	if err != nil {
		return nil, fmt.Errorf("read event catalogue: %w", err)
	}
	return cached(jsonType, text), nil
}

func (s service) page(context.Context, auth.Principal, nothing) (*api.Answer, error) {
	answer := cached("text/html; charset=utf-8", []byte(pageHTML))
	answer.Header["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"
	return answer, nil
}
