package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/invoke"
	"github.com/appmint/appengine/shared/usage"
)

// after runs work that no caller waits for, once the answer has left: usage
// entries. Lambda freezes a sandbox as soon as nobody in it asks for more work,
// so after registers as an internal extension: the sandbox then stays awake
// until the extension, too, has asked for the next invocation. Where that is not
// possible, the work is done before the answer instead; it is never dropped.
type after struct {
	log   *slog.Logger
	api   string
	id    string
	done  chan []func(context.Context) // one entry per invocation
	ended chan struct{}                // closed when the loop has ended
	tasks []func(context.Context)
}

const extensionName = "appengine-after"

func newAfter(log *slog.Logger) *after {
	a := &after{log: log, api: os.Getenv("AWS_LAMBDA_RUNTIME_API"), done: make(chan []func(context.Context)), ended: make(chan struct{})}
	if a.api == "" {
		return a
	}
	if err := a.register(); err != nil {
		log.Warn("usage entries will be written before answers", "error", err.Error()) //nolint:sloglint // start-up has no context
		return a
	}
	go a.loop()
	return a
}

// later queues work of the current invocation.
func (a *after) later(task func(context.Context)) { a.tasks = append(a.tasks, task) }

// recorder writes a usage entry for every metered call.
func (a *after) recorder(r *usage.Recorder) func(context.Context, api.Outcome) {
	return func(ctx context.Context, o api.Outcome) {
		entry, ok := invoke.EntryOf(ctx, o)
		if !ok {
			return
		}
		a.later(func(ctx context.Context) {
			if err := r.Record(ctx, entry); err != nil {
				a.log.ErrorContext(ctx, "usage entry not written", "request_id", entry.RequestID, "org", entry.Org, "error", err.Error())
			}
		})
	}
}

// around wraps the handler: at the end of each invocation the queued work is
// handed to the extension's loop, or done at once without one.
func (a *after) around(next lambda.Handler) lambda.Handler { return wrapped{a: a, next: next} }

type wrapped struct {
	a    *after
	next lambda.Handler
}

// Invoke implements lambda.Handler. A sandbox runs one invocation at a time.
func (w wrapped) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := w.next.Invoke(ctx, payload)
	tasks := w.a.tasks
	w.a.tasks = nil
	if w.a.handOver(tasks) {
		return answer, err
	}
	for _, task := range tasks {
		task(ctx)
	}
	return answer, err
}

// handOver gives the tasks to the loop; false when there is none.
func (a *after) handOver(tasks []func(context.Context)) bool {
	if a.id == "" {
		return false
	}
	select {
	case <-a.ended:
		return false
	case a.done <- tasks:
		return true
	}
}

func (a *after) register() error {
	body, err := json.Marshal(map[string][]string{"events": {"INVOKE"}})
	if err != nil {
		return fmt.Errorf("encode registration: %w", err)
	}
	id, err := a.call(http.MethodPost, "/2020-01-01/extension/register", body)
	if err == nil && id == "" {
		err = errors.New("register extension: no identifier")
	}
	a.id = id
	return err
}

// loop asks for each invocation's beginning, waits for its end, does the work,
// and asks again; between asking and the next beginning the sandbox may freeze.
func (a *after) loop() {
	ctx := context.Background()
	defer close(a.ended)
	for {
		if _, err := a.call(http.MethodGet, "/2020-01-01/extension/event/next", nil); err != nil {
			a.log.ErrorContext(ctx, "extension ended", "error", err.Error())
			return
		}
		for _, task := range <-a.done {
			task(ctx)
		}
	}
}

// call returns the identifier that the answer carries, if any.
func (a *after) call(method, path string, body []byte) (id string, err error) {
	request, err := http.NewRequestWithContext(context.Background(), method, "http://"+a.api+path, bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("extension call: %w", err)
	}
	request.Header.Set("Lambda-Extension-Name", extensionName)
	if a.id != "" {
		request.Header.Set("Lambda-Extension-Identifier", a.id)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("extension call: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("extension call: status %d", response.StatusCode)
	}
	return response.Header.Get("Lambda-Extension-Identifier"), nil
}
