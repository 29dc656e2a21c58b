// Package app is what a business module is made of, and what it is given.
package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// Deps is everything a module may use. Time, ids and randomness come from here,
// so that tests can hold them still.
type Deps struct {
	Now func() time.Time
	// NewID returns "<datatype>-<ULID>", ordered by time within a process.
	NewID func(datatype string) string
	// Random fills the slice with unpredictable bytes.
	Random  func([]byte)
	Table   table.Table
	Records *repository.Repository
	Tokens  *auth.Tokens
	// Passwords hashes passwords; nil means the recommended cost.
	Passwords *auth.Passwords
	Meter     *usage.Meter
	Recorder  *usage.Recorder
	Mail      mail.Sender
	Bus       event.Bus // the relay's; modules announce through their writes
	Log       *slog.Logger
	Settings  Settings
	// Health probes the core components, by name ("database", "queue", …).
	Health map[string]func(context.Context) error
}

// Settings are the deployment's own.
type Settings struct {
	PublicURL string // without a trailing slash
	Version   string
	// MonitoringPublic opens the monitoring routes that name tenants.
	MonitoringPublic bool
	MailFrom         string
}

// Module is one business module: one package, one Lambda.
type Module struct {
	Name      string
	Summary   string // what it is for, one sentence
	Routes    []api.Route
	Emits     []event.Declaration
	Consumers []event.Consumer
	// Authorize is set by the authorizer alone.
	Authorize func(ctx context.Context, call auth.Call) (auth.Verdict, error)
	// Changes is set by consumers of the table's stream. It handles the changes
	// in order and says how many it has finished; with an error, delivery starts
	// again at the first unfinished one.
	Changes func(ctx context.Context, changes []table.Change) (done int, err error)
}

// New builds a module; every module package exports one.
type New func(Deps) Module
