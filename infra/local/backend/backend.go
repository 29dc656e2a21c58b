// Package backend runs every module on one machine as the deployed stack would:
// the modules in this process, behind the same entry that Lambda calls, inside
// the stack that template.yaml describes.
package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/mailbox"
	"github.com/appmint/appengine/infra/local/stack"
	"github.com/appmint/appengine/infra/local/stream"
	"github.com/appmint/appengine/infra/local/tail"
	"github.com/appmint/appengine/infra/local/template"
	"github.com/appmint/appengine/infra/modules"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/invoke"
	"github.com/appmint/appengine/shared/table/embedded"
)

// Options say where the backend lives.
type Options struct {
	Template string // path of template.yaml
	DataDir  string // "" keeps everything in memory
	URL      string // where clients reach it, without a trailing slash
	Plan     string // usage plan of every org; "" lets each have its own
	Log      *slog.Logger
}

// Backend is a running backend.
type Backend struct {
	options Options
	table   *embedded.Engine
	stack   *stack.Stack
	tail    *tail.Tail
	mailbox *mailbox.Box
	ledger  *ledger
	deps    app.Deps
	closers []func() error
}

// New builds a backend; nothing runs before Run.
func New(o Options) (*Backend, error) {
	b := &Backend{options: o, tail: tail.New()}
	for _, build := range []func() error{b.openTable, b.openMailbox, b.buildDeps, b.buildStack} {
		if err := build(); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	return b, nil
}

// Run runs queues, streams and schedules until ctx ends and the work in hand is
// done.
func (b *Backend) Run(ctx context.Context) { b.stack.Run(ctx) }

// Close writes what is in hand and closes storage. No call may be running.
func (b *Backend) Close() error {
	var failed []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		failed = append(failed, b.closers[i]())
	}
	b.closers = nil
	return errors.Join(failed...)
}

// path names a file in the data folder; "" when there is none.
func (b *Backend) path(name string) string {
	if b.options.DataDir == "" {
		return ""
	}
	return filepath.Join(b.options.DataDir, name)
}

func (b *Backend) openTable() (err error) {
	options := embedded.Options{Now: time.Now, Logger: b.options.Log}
	if path := b.path("table"); path != "" {
		b.table, err = embedded.Open(path, options)
	} else {
		b.table, err = embedded.OpenMemory(options)
	}
	if err != nil {
		return fmt.Errorf("open table: %w", err)
	}
	b.closers = append(b.closers, b.table.Close)
	return nil
}

func (b *Backend) openMailbox() (err error) {
	if b.mailbox, err = mailbox.Open(b.path("mail.jsonl"), time.Now); err != nil {
		return err
	}
	b.closers = append(b.closers, b.mailbox.Close)
	return nil
}

func (b *Backend) buildStack() error {
	settings := template.Options{Parameters: map[string]string{"Stage": "local"}}
	parsed, err := template.Load(b.options.Template, settings)
	if err != nil {
		return err
	}
	b.stack, err = stack.New(stack.Options{
		Template: parsed, Settings: settings, Domain: strings.TrimPrefix(b.options.URL, "http://"), Directory: b.path("stack"),
		Now: time.Now, Log: b.options.Log, Invoker: b.invoker, Cursors: b.cursors(), Watch: b.tail.Watch,
		Shards: func(string) (map[string]stream.Source, error) {
			return map[string]stream.Source{"local": &changes{table: b.table}}, nil
		},
	})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, b.stack.Close)
	return nil
}

// invoker gives a function of the template its module.
func (b *Backend) invoker(f template.Function) (function.Invoker, error) {
	for _, e := range modules.All() {
		if strings.EqualFold(e.Name+"Function", f.ID) {
			return invoke.New(e.New(b.deps), b.deps, b.ledger.finished)
		}
	}
	return nil, fmt.Errorf("function %s: there is no such module", f.ID)
}

// Handler serves the API and, under /_local/, what only a developer sees.
func (b *Backend) Handler() http.Handler {
	local := http.NewServeMux()
	local.Handle(tail.Path, b.tail)
	local.Handle(mailbox.Path, b.mailbox.Handler())
	local.Handle(mailbox.Path+"/", b.mailbox.Handler())
	local.Handle("/{$}", http.RedirectHandler("/discover/docs", http.StatusFound))
	api := b.stack.APIs["Api"]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_local/") || r.URL.Path == "/" {
			local.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}
