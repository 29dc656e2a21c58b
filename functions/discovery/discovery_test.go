package discovery_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/appmint/appengine/functions/discovery"
	"github.com/appmint/appengine/shared/contract"
	"github.com/appmint/appengine/shared/testkit"
)

func TestDocumentsAreServedByNameWithAndWithoutNumberAndEnding(t *testing.T) {
	t.Parallel()
	anybody := testkit.New(t, discovery.New).Anonymous("")
	index := anybody.Call("GET", "/discover", nil).Want(200)
	if got := index.Header.Get("Content-Type"); got != "text/markdown; charset=utf-8" {
		t.Errorf("got content type %q", got)
	}
	for _, path := range []string{"/discover/01-auth", "/discover/01-auth.md", "/discover/auth"} {
		if got := anybody.Call("GET", path, nil).Want(200); !strings.HasPrefix(string(got.Body), "# users") {
			t.Errorf("%s: got %.40q", path, got.Body)
		}
	}
	for _, path := range []string{"/discover/nothing", "/discover/..", "/discover/openapi"} {
		anybody.Call("GET", path, nil).Refused(404, "no_such_document")
	}
}

func TestListSpeaksMarkdownAndJSON(t *testing.T) {
	t.Parallel()
	anybody := testkit.New(t, discovery.New).Anonymous("")
	pages, err := contract.Pages()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(strings.ReplaceAll(string(anybody.Call("GET", "/discover/list", nil).Want(200).Body), "- ", ""))
	var docs struct {
		Docs []contract.Page `json:"docs"`
	}
	anybody.Call("GET", "/discover/list", nil, "Accept", "application/json").Want(200).Into(&docs)
	if len(lines) != len(pages) || len(docs.Docs) != len(pages) || docs.Docs[0].Name != "00-index" || docs.Docs[0].Title == "" {
		t.Errorf("got %v and %+v, want %d documents", lines, docs, len(pages))
	}
}

// The served document describes the routes that serve it, too.
func TestOpenAPIIsServedUnderBothNames(t *testing.T) {
	t.Parallel()
	anybody := testkit.New(t, discovery.New).Anonymous("")
	for _, path := range []string{"/discover/openapi.json", "/documentation/json"} {
		var doc struct {
			OpenAPI string         `json:"openapi"`
			Paths   map[string]any `json:"paths"`
		}
		response := anybody.Call("GET", path, nil).Want(200)
		response.Into(&doc)
		if doc.OpenAPI != "3.1.0" || doc.Paths["/repository/get/{datatype}/{id}"] == nil || doc.Paths[path] == nil {
			t.Errorf("%s: got version %q and %d paths", path, doc.OpenAPI, len(doc.Paths))
		}
		if response.Header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("%s: got %q", path, response.Header.Get("Cache-Control"))
		}
	}
	var events map[string]any
	if err := json.Unmarshal(anybody.Call("GET", "/discover/events", nil).Want(200).Body, &events); err != nil || events["source"] != "appengine" {
		t.Errorf("got %v, %v", events, err)
	}
	for _, path := range []string{"/discover/docs", "/documentation"} {
		if page := anybody.Call("GET", path, nil).Want(200); !strings.Contains(string(page.Body), "<title>AppEngine API</title>") {
			t.Errorf("%s: got %.60q", path, page.Body)
		}
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	testkit.New(t, discovery.New).ExerciseAccess()
}
