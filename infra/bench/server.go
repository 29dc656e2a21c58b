package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/appmint/appengine/infra/local/client"
)

const (
	clients  = 16
	duration = 5 * time.Second
	warmUp   = time.Second
)

// server measures the local run as its users meet it: over HTTP, on disk, with
// authorizer, rules, relay and metering on, 16 keep-alive clients on the same
// machine.
func server(ctx context.Context, dir string) ([]row, error) {
	if err := command(ctx, nil, "go", "build", "-o", built(dir, "run"), "./infra/local/run").Run(); err != nil {
		return nil, fmt.Errorf("build the local run: %w", err)
	}
	process := command(ctx, nil, built(dir, "run"), "-port", "0", "-data", filepath.Join(dir, "data"), "-plan", "unlimited")
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := process.Start(); err != nil {
		return nil, err
	}
	url, err := address(output)
	if err != nil {
		return nil, err
	}
	startUp := time.Since(began)
	rows, err := loads(ctx, client.New(url))
	memory := residentMB(process.Process.Pid)
	_ = process.Process.Signal(os.Interrupt)
	_ = process.Wait()
	cpu := process.ProcessState.UserTime() + process.ProcessState.SystemTime()
	rows = append(rows,
		row{"local start-up", "< 1 s", startUp.Round(time.Millisecond).String(), startUp < time.Second},
		row{"local server: memory after the load", "-", fmt.Sprintf("%d MB resident", memory), true},
		row{"local server: processor time in all", "-", cpu.Round(10 * time.Millisecond).String(), true})
	return rows, err
}

func command(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...) // #nosec G204 -- our own programs
	c.Env = append(os.Environ(), env...)
	c.Stderr = os.Stderr
	return c
}

// address reads the greeting of the local run: "AppEngine serves URL (…".
func address(output io.Reader) (string, error) {
	buffer := make([]byte, 4096)
	n, err := output.Read(buffer)
	fields := strings.Fields(string(buffer[:n]))
	if err != nil || len(fields) < 3 {
		return "", fmt.Errorf("the local run did not greet: %q: %w", buffer[:n], err)
	}
	go func() { _, _ = io.Copy(io.Discard, output) }()
	return fields[2], nil
}

func residentMB(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // zero where there is no /proc
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	var kb int
	_, _ = fmt.Sscan(after, &kb)
	return kb >> 10
}

func loads(ctx context.Context, c *client.Client) ([]row, error) {
	if err := c.SignUp(ctx, "Bench Books", "ann@bench.example", "correct horse 9"); err != nil {
		return nil, err
	}
	definition := map[string]any{"datatype": "collection", "isNew": true, "data": map[string]any{
		"name": "bench_item", "title": "Items", "schema": map[string]any{"type": "object", "properties": map[string]any{
			"title": map[string]any{"type": "string"}, "author": map[string]any{"type": "string", "indexed": true},
		}},
	}}
	if err := c.Do(ctx, http.MethodPut, "/repository/create", definition, nil); err != nil {
		return nil, err
	}
	l := load{url: c.URL, headers: "Orgid: " + c.Org + "\r\nAuthorization: Bearer " + c.Token + "\r\nContent-Type: application/json\r\n"}
	create, err := l.run(ctx, l.create)
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	read, err := l.run(ctx, l.read)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	list, err := l.run(ctx, l.list)
	if err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	return []row{
		{"local create, 16 clients", "≥ 4,000/s", perSecond(create), create >= 4000},
		{"local read by id, 16 clients", "≥ 6,000/s", perSecond(read), read >= 6000},
		{"local list of 30 with total, 16 clients", "≥ 2,000/s", perSecond(list), list >= 2000},
	}, nil
}

func perSecond(n float64) string { return fmt.Sprintf("%.0f/s", n) }

// load is one kind of call, made by all clients at once.
type load struct {
	url, headers string
	mu           sync.Mutex
	ids          []string
	n            atomic.Int64
}

// run makes calls for a while and returns how many were answered per second.
func (l *load) run(ctx context.Context, call func(*wire, int64) error) (float64, error) {
	var counted atomic.Int64
	var failed error
	var once sync.Once
	began := time.Now()
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			n, err := l.client(ctx, began, call)
			counted.Add(n)
			if err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	wg.Wait()
	return float64(counted.Load()) / duration.Seconds(), failed
}

// client makes calls on a connection of its own and counts those after warm-up.
func (l *load) client(ctx context.Context, began time.Time, call func(*wire, int64) error) (counted int64, err error) {
	w, err := dial(ctx, l.url)
	if err != nil {
		return 0, err
	}
	defer w.close()
	for time.Since(began) < warmUp+duration {
		if err := call(w, l.n.Add(1)); err != nil {
			return counted, err
		}
		if time.Since(began) > warmUp {
			counted++
		}
	}
	return counted, nil
}

func (l *load) create(w *wire, n int64) error {
	body := fmt.Sprintf(`{"datatype":"bench_item","isNew":true,"data":{"title":"Item %d","author":"Author %d","description":"Some words that make the record as long as records usually are, which is a few hundred bytes.","price":%d,"tags":["a","b"],"stock":{"count":%d,"place":"shelf"}}}`, n, n%1000, n%100, n%50)
	answer, err := w.call(http.MethodPut, "/repository/create", l.headers, body)
	if err != nil {
		return err
	}
	var made struct {
		ID string `json:"sk"`
	}
	if err := json.Unmarshal(answer, &made); err != nil || made.ID == "" {
		return fmt.Errorf("created %q: %w", answer, err)
	}
	l.mu.Lock()
	l.ids = append(l.ids, made.ID)
	l.mu.Unlock()
	return nil
}

func (l *load) read(w *wire, n int64) error {
	_, err := w.call(http.MethodGet, "/repository/get/bench_item/"+l.ids[int(n*7919)%len(l.ids)], l.headers, "")
	return err
}

func (l *load) list(w *wire, n int64) error {
	_, err := w.call(http.MethodGet, fmt.Sprintf("/repository/find/bench_item?ps=30&p=%d", 1+n%3), l.headers, "")
	return err
}
