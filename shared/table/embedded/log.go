package embedded

import (
	"context"
	"log/slog"
	"os"

	"github.com/cockroachdb/pebble/v2"
)

// logger hands Pebble's messages to slog. They have no request, so no context.
type logger struct {
	to *slog.Logger
}

var _ pebble.Logger = (*logger)(nil)

// Infof implements pebble.Logger; flushes and compactions interest nobody here.
func (l *logger) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (l *logger) Errorf(format string, args ...any) { l.log(format, args) }

// Fatalf implements pebble.Logger. Pebble calls it when the log cannot be
// written, and relies on it not to return: from then on a write could be
// acknowledged and lost.
func (l *logger) Fatalf(format string, args ...any) {
	l.log(format, args)
	os.Exit(1)
}

func (l *logger) log(format string, args []any) {
	if l.to != nil {
		ctx := context.Background() //nolint:forbidigo // the storage engine's own goroutines have no caller
		l.to.ErrorContext(ctx, "table storage", slog.String("detail", format), slog.Any("arguments", args))
	}
}
