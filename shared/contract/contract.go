// Package contract holds what the deployment serves, printed from the route
// tables and event declarations of its modules: the OpenAPI document, the event
// catalogue and one Markdown page per module. The files are generated (make
// generate), committed, and held fresh by a test of infra/modules.
package contract

import (
	"embed"
	"io/fs"
	"sort"
	"strings"
)

//go:embed openapi.json events.json docs/*.md
var files embed.FS

// OpenAPI returns the OpenAPI 3.1 document of every route.
func OpenAPI() ([]byte, error) { return files.ReadFile("openapi.json") }

// Events returns the catalogue of events that modules emit.
func Events() ([]byte, error) { return files.ReadFile("events.json") }

// Page is one Markdown document.
type Page struct {
	Name  string `json:"name"` // "01-auth"
	Title string `json:"title"`
	Text  string `json:"-"`
}

// Pages returns every document, the index first.
func Pages() ([]Page, error) {
	names, err := fs.Glob(files, "docs/*.md")
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	pages := make([]Page, 0, len(names))
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		first, _, _ := strings.Cut(string(text), "\n")
		pages = append(pages, Page{
			Name:  strings.TrimSuffix(strings.TrimPrefix(name, "docs/"), ".md"),
			Title: strings.TrimPrefix(first, "# "),
			Text:  string(text),
		})
	}
	return pages, nil
}
