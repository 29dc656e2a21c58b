// Command bench holds what was built against its budgets: the local server under
// load, the size of the functions and their cold start. It prints one row per
// budget and its measurement; it never fails for being slow. Run it with
// make bench, after the Go benchmarks.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "appengine-bench")
	if err == nil {
		err = run(ctx, dir)
	}
	_ = os.RemoveAll(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is one budget with its measurement.
type row struct {
	what, budget, measured string
	held                   bool
}

func run(ctx context.Context, dir string) error {
	fmt.Printf("%s %s/%s, %d cores, %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor())
	var rows []row
	for _, measure := range []func(context.Context, string) ([]row, error){invokePath, server, functions} {
		more, err := measure(ctx, dir)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	fmt.Printf("%-44s %-22s %s\n", "what", "budget", "measured")
	for _, r := range rows {
		mark := "ok"
		if !r.held {
			mark = "MISSED"
		}
		fmt.Printf("%-44s %-22s %-34s %s\n", r.what, r.budget, r.measured, mark)
	}
	return nil
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(name), ":"))
		}
	}
	return "unknown processor"
}

func built(dir, name string) string { return filepath.Join(dir, name) }
