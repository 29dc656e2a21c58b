package runtimeapi

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/uuid"
)

// grace is how long a process may take to end after it was asked to, as long
// as Lambda waits for a runtime.
const grace = 500 * time.Millisecond

// instance is one process with the server that it talks to.
type instance struct {
	api    *api
	server *http.Server
	cancel context.CancelFunc
	begun  time.Time     // when the process was started
	exited chan struct{} // closed when the process has ended
	exit   error         // why, after exited
	arn    string
}

func startInstance(ctx context.Context, config Config) (*instance, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	i := &instance{cancel: cancel, exited: make(chan struct{}), arn: config.ARN}
	i.api = newAPI(config)
	i.server = &http.Server{Handler: i.api.handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = i.server.Serve(listener) }() // ends with stop

	command := exec.CommandContext(ctx, config.Bootstrap) // #nosec G204 -- running the caller's function is the purpose
	command.Env = environment(config, listener.Addr().String())
	command.Dir = filepath.Dir(config.Bootstrap)
	command.Stdout, command.Stderr = output(config), output(config)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = grace
	i.begun = time.Now()
	if err := command.Start(); err != nil {
		cancel()
		_ = i.server.Close() // nothing is connected yet
		return nil, err
	}
	go func() {
		i.exit = command.Wait()
		close(i.exited)
	}()
	return i, nil
}

func output(config Config) io.Writer {
	if config.Output == nil {
		return io.Discard
	}
	return config.Output
}

// environment is what Lambda sets, over what the caller's environment has of
// credentials and paths, under what the function itself is configured with.
func environment(config Config, address string) []string {
	variables := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":          address,
		"AWS_LAMBDA_FUNCTION_NAME":        config.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(config.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + config.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "local",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_EXECUTION_ENV":               "AWS_Lambda_provided.al2023",
		"AWS_REGION":                      config.Region,
		"AWS_DEFAULT_REGION":              config.Region,
		"_HANDLER":                        config.Handler,
		"LAMBDA_TASK_ROOT":                filepath.Dir(config.Bootstrap),
		"TZ":                              ":UTC",
	}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		if value, ok := os.LookupEnv(name); ok {
			variables[name] = value
		}
	}
	for name, value := range config.Env {
		variables[name] = value
	}
	list := make([]string, 0, len(variables))
	for name, value := range variables {
		list = append(list, name+"="+value)
	}
	return list
}

// invoke hands an event to the process and waits for its answer. alive is
// false when the process cannot be used again.
func (i *instance) invoke(ctx context.Context, payload []byte, timeout time.Duration) (answer []byte, alive bool, err error) {
	deadline := time.Now().Add(timeout)
	v := &invocation{
		id: uuid.New(), arn: i.arn, payload: payload, deadline: deadline, trace: traceID(), done: make(chan result, 1),
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case i.api.work <- v:
	case <-i.exited:
		return nil, false, errUndelivered
	case <-timer.C:
		return nil, false, timedOut(v.id, timeout)
	case <-ctx.Done():
		return nil, true, ctx.Err()
	}
	i.api.announce(v)
	select {
	case r := <-v.done:
		return r.answer, true, r.err
	case <-i.exited:
		return nil, false, i.exitError(v.id)
	case <-timer.C:
		return nil, false, timedOut(v.id, timeout)
	case <-ctx.Done():
		return nil, false, ctx.Err() // its answer would be nobody's
	}
}

func timedOut(id string, timeout time.Duration) error {
	return &function.Error{
		Type:    "Sandbox.Timedout",
		Message: fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", id, timeout.Seconds()),
	}
}

// exitError explains a process that ended: by the error it reported while
// starting, else by how it ended.
func (i *instance) exitError(id string) error {
	if reported := i.api.initError(); reported != nil {
		return reported
	}
	cause := i.exit
	if cause == nil {
		cause = errProcess
	}
	return &function.Error{Type: "Runtime.ExitError", Message: fmt.Sprintf("RequestId: %s Error: Runtime exited: %v", id, cause)}
}

// stop ends the process and then the server.
func (i *instance) stop() {
	i.cancel()
	<-i.exited
	_ = i.server.Close() // the process is gone, nobody waits for an answer
}

// traceID has X-Ray's form, not sampled.
func traceID() string {
	var raw [20]byte
	for at := 0; at < len(raw); at += 4 {
		binary.LittleEndian.PutUint32(raw[at:], rand.Uint32()) // #nosec G404 -- names a trace, protects nothing
	}
	text := hex.EncodeToString(raw[:])
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), text[:24], text[24:])
}
