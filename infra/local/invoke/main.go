// Command invoke runs one function's real bootstrap with one event, as Lambda
// would, and prints its answer. It exits with 1 when the function fails and
// with 2 when it could not be run.
//
//	go run ./infra/local/invoke -function users -event events/http-get.json
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/appmint/appengine/infra/local/function"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// streams are the three that a command talks through.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// locked lets the function's process and the command write to one stream.
type locked struct {
	mu sync.Mutex
	to io.Writer
}

// Write writes p as a whole.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// arguments are the command's flags.
type arguments struct {
	function  string
	event     string
	template  string
	bootstrap string
	count     int
}

func parse(list []string, messages io.Writer) (arguments, error) {
	var a arguments
	flags := flag.NewFlagSet("invoke", flag.ContinueOnError)
	flags.SetOutput(messages)
	flags.StringVar(&a.function, "function", "", "logical id, name or module of the function, such as users")
	flags.StringVar(&a.event, "event", "-", "file with the event as JSON; - reads it from the standard input")
	flags.StringVar(&a.template, "template", "template.yaml", "the SAM template")
	flags.StringVar(&a.bootstrap, "bootstrap", "", "a built bootstrap; without it ./functions/<module>/lambda is built")
	flags.IntVar(&a.count, "count", 1, "how many invocations, one after the other in the same process")
	if err := flags.Parse(list); err != nil {
		return a, err
	}
	if a.function == "" || a.count < 1 || flags.NArg() > 0 {
		flags.Usage()
		return a, errors.New("want -function, and nothing beside the flags")
	}
	return a, nil
}

// run does the work and returns the exit code.
func run(ctx context.Context, list []string, s streams) int {
	s.err = &locked{to: s.err}
	a, err := parse(list, s.err)
	if err == nil {
		err = invoke(ctx, a, s)
	}
	var reported *function.Error
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &reported):
		report(s.err, "%v\n", err)
		return 1
	default:
		report(s.err, "invoke: %v\n", err)
		return 2
	}
}

// report writes for people; when nobody can read it, nothing can be done.
func report(w io.Writer, format string, values ...any) {
	_, _ = fmt.Fprintf(w, format, values...)
}
