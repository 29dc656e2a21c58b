// Command smoke builds every function for this machine, runs its bootstrap behind
// a Lambda Runtime API and feeds it each of its payloads in events/: make smoke.
// DynamoDB is dynoxide where it is found (DYNOXIDE or the PATH); without it, the
// payloads that need storage are skipped, and said so.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/appmint/appengine/infra/local/runtimeapi"
	"github.com/appmint/appengine/infra/modules"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "appengine-smoke")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w, err := newWorld(ctx, dir)
	if err != nil {
		return err
	}
	defer w.close()
	failed := 0
	for _, e := range modules.All() {
		n, err := w.function(ctx, e.Name)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		failed += n
	}
	if failed > 0 {
		return fmt.Errorf("%d payloads were not answered as they should", failed)
	}
	return nil
}

// function feeds one built function all of its payloads and returns how many
// failed.
func (w *world) function(ctx context.Context, name string) (failed int, err error) {
	bootstrap := filepath.Join(w.dir, name)
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./functions/"+name+"/lambda") // #nosec G204 -- names of our own folders
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 0, fmt.Errorf("build: %w", err)
	}
	f, err := runtimeapi.Start(ctx, runtimeapi.Config{
		Bootstrap: bootstrap, Name: name, Handler: "bootstrap", Region: "us-east-1", MemoryMB: 512,
		Timeout: 29 * time.Second, Env: w.environment(), Output: w.log,
	})
	if err != nil {
		return 0, err
	}
	payloads, err := filepath.Glob("events/" + name + "-*.json")
	if err != nil || len(payloads) == 0 {
		return 0, fmt.Errorf("no payloads in events/: %w", err)
	}
	fmt.Printf("%-12s init %5.1f ms\n", name, float64(f.InitTime().Microseconds())/1000)
	for _, path := range payloads {
		if !w.feed(ctx, f, path) {
			failed++
		}
	}
	return failed, f.Close()
}

// feed invokes once; an HTTP answer below 500 counts as answered, and any error
// of the function as failed.
func (w *world) feed(ctx context.Context, f *runtimeapi.Function, path string) bool {
	if w.database == nil && !stateless(path) {
		fmt.Printf("  %-34s skipped: needs DynamoDB, and no dynoxide was found\n", filepath.Base(path))
		return true
	}
	payload, err := os.ReadFile(path) // #nosec G304 -- found in events/
	if err != nil {
		return false
	}
	began := time.Now()
	answer, err := f.Invoke(ctx, payload)
	took := time.Since(began)
	ok := err == nil && !strings.Contains(string(answer), `"statusCode":5`) && !strings.Contains(string(answer), "itemIdentifier")
	verdict := "ok"
	if !ok {
		verdict = "FAILED"
	}
	fmt.Printf("  %-34s %-6s %6.1f ms  %s\n", filepath.Base(path), verdict, float64(took.Microseconds())/1000, short(answer, err))
	return ok
}

func short(answer []byte, err error) string {
	text := string(answer)
	if err != nil {
		text = err.Error()
	}
	if len(text) > 90 {
		text = text[:90] + "…"
	}
	return text
}

// stateless says which payloads touch no storage.
func stateless(path string) bool {
	name := filepath.Base(path)
	return strings.HasPrefix(name, "discovery-") || strings.HasPrefix(name, "relay-") || name == "users-jwks.json" || strings.HasSuffix(name, "-refused.json") && strings.HasPrefix(name, "repository-")
}
