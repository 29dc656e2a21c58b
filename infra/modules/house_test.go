package modules_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appmint/appengine/infra/modules"
	"github.com/appmint/appengine/shared/testkit"
)

const module = "github.com/appmint/appengine/"

// The one dependency rule: modules never import each other, shared never imports
// modules or infra, and AWS appears only in adapters, which modules do not see.
func TestDependencyRule(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "../../functions/...", "../../shared/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		names := strings.Fields(line)
		from := strings.TrimPrefix(names[0], module)
		for _, to := range names[1:] {
			if reason := forbidden(from, strings.TrimPrefix(to, module)); reason != "" {
				t.Errorf("%s imports %s: %s", from, to, reason)
			}
		}
	}
}

func forbidden(from, to string) string {
	folder := func(path string) string { return strings.Join(strings.SplitN(path, "/", 3)[:2], "/") }
	isMain := strings.HasSuffix(from, "/lambda")
	switch {
	case strings.HasPrefix(from, "shared/") && (strings.HasPrefix(to, "functions/") || strings.HasPrefix(to, "infra/")):
		return "shared packages know neither modules nor their deployment"
	case strings.HasPrefix(from, "functions/") && strings.HasPrefix(to, "functions/") && folder(from) != folder(to):
		return "modules meet through events, records or a noun in shared"
	case strings.HasPrefix(from, "functions/") && strings.HasPrefix(to, "infra/"):
		return "a module does not know how it is deployed"
	case strings.HasPrefix(from, "functions/") && strings.HasPrefix(to, "github.com/aws"):
		return "AWS lives in adapters"
	case strings.HasPrefix(from, "functions/") && !isMain && to == "os":
		return "configuration comes in app.Deps"
	}
	return ""
}

// A reader finds out what a package is for by its one package comment.
func TestEveryPackageHasOneComment(t *testing.T) {
	t.Parallel()
	comments := map[string][]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		note(comments, filepath.Dir(path), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, found := range comments {
		if len(found) != 1 {
			t.Errorf("%s has %d package comments, want 1", dir, len(found))
		}
	}
}

func note(comments map[string][]string, dir string, file *ast.File) {
	if _, ok := comments[dir]; !ok {
		comments[dir] = nil
	}
	if file.Doc != nil {
		comments[dir] = append(comments[dir], file.Doc.Text())
	}
}

// Every route of every module refuses whoever may not call it.
func TestAccessOfEveryRoute(t *testing.T) {
	t.Parallel()
	kit := testkit.New(t, modules.Builds()...)
	calls := kit.ExerciseAccess()
	if calls < 200 {
		t.Errorf("only %d calls were made", calls)
	}
	t.Logf("%d refused calls", calls)
}
