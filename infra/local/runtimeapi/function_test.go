package runtimeapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/infra/local/function"
	"github.com/appmint/appengine/infra/local/runtimeapi"
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bootstrap")
	command := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/bootstrap")
	if out, err := command.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func start(t *testing.T, change func(*runtimeapi.Config)) *runtimeapi.Function {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	config := runtimeapi.Config{
		Bootstrap: path, Name: "users", ARN: "arn:users", Region: "us-east-1", MemoryMB: 128, Timeout: 20 * time.Second,
		Env: map[string]string{"OWN": "value"},
	}
	if change != nil {
		change(&config)
	}
	f, err := runtimeapi.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

type echo struct {
	Text    string  `json:"text"`
	Name    string  `json:"name"`
	Own     string  `json:"own"`
	PID     int     `json:"pid"`
	ARN     string  `json:"arn"`
	Request string  `json:"request"`
	Left    float64 `json:"left"`
	Trace   string  `json:"trace"`
}

func invoke(t *testing.T, f *runtimeapi.Function, payload string) echo {
	t.Helper()
	answer, err := f.Invoke(t.Context(), []byte(payload))
	if err != nil {
		t.Fatalf("Invoke(%s): %v", payload, err)
	}
	var e echo
	if err := json.Unmarshal(answer, &e); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	return e
}

func TestSeveralInvocationsInOneProcess(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	if init := f.InitTime(); init <= 0 || init > 10*time.Second {
		t.Errorf("init took %v", init)
	}
	first, second := invoke(t, f, `{"text":"one"}`), invoke(t, f, `{"text":"two"}`)
	if first.PID != second.PID || first.Request == second.Request || second.Text != "two" {
		t.Errorf("got %+v then %+v, want one process and two requests", first, second)
	}
	if first.Name != "users" || first.Own != "value" || first.ARN != "arn:users" || first.Left < 10 || first.Left > 20 || !strings.HasPrefix(first.Trace, "Root=1-") {
		t.Errorf("context = %+v", first)
	}
}

func fault(t *testing.T, f *runtimeapi.Function, payload string) *function.Error {
	t.Helper()
	_, err := f.Invoke(t.Context(), []byte(payload))
	var reported *function.Error
	if !errors.As(err, &reported) {
		t.Fatalf("Invoke(%s) = %v, want a function error", payload, err)
	}
	return reported
}

func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *runtimeapi.Config) { c.Output = &bytes.Buffer{} })
	before := invoke(t, f, `{}`)
	if got := fault(t, f, `{"do":"fail","text":"no such user"}`); got.Message != "no such user" || got.Type != "errorString" {
		t.Errorf("error = %+v", got)
	}
	if after := invoke(t, f, `{}`); after.PID != before.PID {
		t.Error("an error ended the process")
	}
	if got := fault(t, f, `{"do":"panic","text":"boom"}`); got.Message != "boom" || len(got.Trace) == 0 {
		t.Errorf("panic = %+v", got)
	}
	if got := fault(t, f, `{"do":"exit"}`); got.Type != "Runtime.ExitError" || !strings.Contains(got.Message, "exit status 3") {
		t.Errorf("exit = %+v", got)
	}
	if after := invoke(t, f, `{}`); after.PID == before.PID {
		t.Error("the process that ended answers")
	}
	if got := fault(t, f, `{"do":"large"}`); got.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("large = %+v", got)
	}
	if got := fault(t, f, `{"text":"`+strings.Repeat("x", 7<<20)+`"}`); got.Type != "RequestTooLargeException" {
		t.Errorf("large request = %+v", got)
	}
}

func TestTimeoutEndsTheProcess(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *runtimeapi.Config) { c.Timeout = 300 * time.Millisecond })
	before := invoke(t, f, `{}`)
	if got := fault(t, f, `{"do":"hang"}`); got.Type != "Sandbox.Timedout" || !strings.Contains(got.Message, "after 0.30 seconds") {
		t.Errorf("error = %+v", got)
	}
	if after := invoke(t, f, `{}`); after.PID == before.PID {
		t.Error("the process survived its timeout")
	}
}

func TestStreamedResponse(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	for text, want := range map[string]string{
		"hello": `{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=1"],"body":"hello","isBase64Encoded":false}`,
		"":      `{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=1"],"body":"","isBase64Encoded":false}`,
	} {
		answer, err := f.Invoke(t.Context(), []byte(`{"do":"stream","text":"`+text+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(answer)); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
	}
	if got := fault(t, f, `{"do":"break","text":"x"}`); got.Message != "stream broke" {
		t.Errorf("error = %+v", got)
	}
}

// The runtime asks for a SIGTERM by registering an extension.
func TestCloseLetsTheFunctionEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stopped")
	f := start(t, func(c *runtimeapi.Config) { c.Env["STOPPED"] = path })
	invoke(t, f, `{}`)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "bye" {
		t.Errorf("the function wrote %q, %v when it ended", got, err)
	}
	invoke(t, f, `{}`) // and it can be woken up again
}

func TestStartReportsBrokenInit(t *testing.T) {
	t.Parallel()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	_, err = runtimeapi.Start(t.Context(), runtimeapi.Config{Bootstrap: path, Env: map[string]string{"BREAK_INIT": "1"}})
	if err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("Start = %v, want exit status 7", err)
	}
	if _, err = runtimeapi.Start(t.Context(), runtimeapi.Config{Bootstrap: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("Start found a bootstrap that is not there")
	}
}
