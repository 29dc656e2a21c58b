// Command run serves the whole backend on this machine, as the deployed stack
// would: make run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/appmint/appengine/infra/local/backend"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "appengine:", err)
		os.Exit(1)
	}
}

func run() error {
	began := time.Now()
	port := flag.String("port", envOr("PORT", "8787"), "port to listen on, loopback only; 0 chooses one")
	data := flag.String("data", envOr("DATA_DIR", ".local"), "where data lies")
	template := flag.String("template", "template.yaml", "the stack to run")
	plan := flag.String("plan", "", "usage plan of every organisation; \"unlimited\" lifts the limits")
	flag.Parse()
	debug.SetGCPercent(800) // memory is plentiful on a laptop, and the heap small

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:"+*port)
	if err != nil {
		return fmt.Errorf("%w (is another server running? PORT=… chooses another port)", err)
	}
	if err := os.MkdirAll(*data, 0o700); err != nil {
		return err
	}
	url := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port) //nolint:forcetypeassert // it is TCP
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := backend.New(backend.Options{Template: *template, DataDir: *data, URL: url, Plan: *plan, Log: log})
	if err != nil {
		return err
	}
	greet(url, *data, time.Since(began))
	return serve(ctx, s, listener)
}

// serve runs until the context ends, then lets requests and workers finish.
func serve(ctx context.Context, s *backend.Backend, listener net.Listener) error {
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(workers) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = server.Shutdown(grace)
	case err = <-failed:
	}
	stopWorkers()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, s.Close())
}

func greet(url, data string, took time.Duration) {
	where, err := filepath.Abs(data)
	if err != nil {
		where = data
	}
	fmt.Printf(`AppEngine serves %s (started in %d ms)

  API to read and try   %[1]s/discover/docs
  events, live          %[1]s/_local/events
  mail it would send    %[1]s/_local/mail
  data                  %[3]s
  demo organisation     make demo, in another terminal

Stop with Ctrl-C.
`, url, took.Milliseconds(), where)
}

func envOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
