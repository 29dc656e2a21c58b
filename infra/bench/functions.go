package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/appmint/appengine/infra/local/runtimeapi"
	"github.com/appmint/appengine/infra/modules"
)

const (
	sizeMaxMB   = 15
	initFactor  = 3
	initSamples = 9
)

var lambdaFlags = []string{"build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w"} //nolint:gochecknoglobals // constant

// functions measures every bootstrap: its size for arm64, and its time from
// process start to the first request for work, against a bootstrap that does
// nothing, built the same way.
func functions(ctx context.Context, dir string) ([]row, error) {
	hello, err := initOf(ctx, dir, "hello", "./infra/bench/hello")
	if err != nil {
		return nil, err
	}
	rows := []row{{"init of a bootstrap that does nothing", "-", hello.Round(100 * time.Microsecond).String(), true}}
	for _, e := range modules.All() {
		pkg := "./functions/" + e.Name + "/lambda"
		size, err := sizeOf(ctx, dir, e.Name, pkg)
		if err != nil {
			return nil, err
		}
		took, err := initOf(ctx, dir, e.Name, pkg)
		if err != nil {
			return nil, err
		}
		factor := float64(took) / float64(hello)
		rows = append(rows,
			row{e.Name + ": size, arm64", "≤ 15 MB", fmt.Sprintf("%.1f MB", size), size <= sizeMaxMB},
			row{e.Name + ": init", "≤ 3 × nothing", fmt.Sprintf("%v, %.1f ×", took.Round(100*time.Microsecond), factor), factor <= initFactor})
	}
	return rows, nil
}

func sizeOf(ctx context.Context, dir, name, pkg string) (megabytes float64, err error) {
	path := built(dir, name+"-arm64")
	args := append(slices.Clone(lambdaFlags), "-o", path, pkg)
	if err := command(ctx, []string{"GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0"}, "go", args...).Run(); err != nil {
		return 0, fmt.Errorf("build %s: %w", name, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()) / (1 << 20), nil
}

// initOf is the median of several starts.
func initOf(ctx context.Context, dir, name, pkg string) (time.Duration, error) {
	path := built(dir, name)
	args := append(slices.Clone(lambdaFlags), "-o", path, pkg)
	if err := command(ctx, []string{"CGO_ENABLED=0"}, "go", args...).Run(); err != nil {
		return 0, fmt.Errorf("build %s: %w", name, err)
	}
	var taken []time.Duration
	for range initSamples {
		f, err := runtimeapi.Start(ctx, runtimeapi.Config{
			Bootstrap: path, Name: name, Handler: "bootstrap", Region: "us-east-1", Timeout: time.Second,
			Env: map[string]string{"TABLE_NAME": "t", "BUCKET_NAME": "b", "BUS_NAME": "b", "SIGNING_SECRET": "s", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
		})
		if err != nil {
			return 0, err
		}
		taken = append(taken, f.InitTime())
		if err := f.Close(); err != nil {
			return 0, err
		}
	}
	slices.Sort(taken)
	return taken[len(taken)/2], nil
}

// invokePath runs the Go benchmark of one record read through a function's
// entry, from event JSON to answer JSON, storage in memory.
func invokePath(ctx context.Context, _ string) ([]row, error) {
	test := command(ctx, nil, "go", "test", "./infra/modules", "-run", "^$", "-bench", "^BenchmarkInvokeRead$", "-benchmem", "-count", "5")
	output, err := test.Output()
	if err != nil {
		return nil, fmt.Errorf("benchmark: %w", err)
	}
	var nanos, allocs []float64
	lines := bufio.NewScanner(bytes.NewReader(output))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 7 && strings.HasPrefix(fields[0], "BenchmarkInvokeRead") {
			ns, _ := strconv.ParseFloat(fields[2], 64)
			n, _ := strconv.ParseFloat(fields[6], 64)
			nanos, allocs = append(nanos, ns), append(allocs, n)
		}
	}
	if len(nanos) == 0 {
		return nil, fmt.Errorf("benchmark printed no figures:\n%s", output)
	}
	slices.Sort(nanos)
	ns, n := nanos[len(nanos)/2], allocs[0]
	return []row{
		{"invoke path of a record read: time", "≤ 60 µs", fmt.Sprintf("%.1f µs", ns/1000), ns <= 60_000},
		{"invoke path of a record read: allocations", "≤ 250", fmt.Sprintf("%.0f", n), n <= 250},
	}, nil
}
