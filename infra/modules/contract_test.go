package modules_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/appmint/appengine/infra/modules"
	"github.com/appmint/appengine/shared/table/embedded"
	"github.com/appmint/appengine/shared/testkit"
)

var update = flag.Bool("update", false, "rewrite the generated files")

const contractDir = "../../shared/contract"

// The committed contract is what the route tables say, so that a change of the
// wire is visible in the diff.
func TestContractIsFresh(t *testing.T) {
	clock := testkit.NewClock()
	engine, err := embedded.OpenMemory(embedded.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = engine.Close() }()
	files, err := modules.Contract(testkit.Deps(t, engine, clock.Now))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		path := filepath.Join(contractDir, name)
		if *update {
			if err := os.WriteFile(path, want, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale: run make generate", path)
		}
	}
	pages, err := filepath.Glob(contractDir + "/docs/*.md")
	if err != nil || len(pages) != len(files)-2 {
		t.Errorf("%s/docs has %d pages, the modules print %d", contractDir, len(pages), len(files)-2)
	}
}
