package runtimeapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/appmint/appengine/infra/local/function"
)

func call(t *testing.T, h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestExtensionHearsInvokeAndShutdown(t *testing.T) {
	t.Parallel()
	a := newAPI(Config{Name: "users"})
	h := a.handler()
	w := call(t, h, "POST", extensionVersion+"/register", `{"events":["INVOKE","SHUTDOWN"]}`, "Lambda-Extension-Name", "agent")
	id := w.Header().Get("Lambda-Extension-Identifier")
	if w.Code != http.StatusOK || id == "" || !strings.Contains(w.Body.String(), `"functionName":"users"`) {
		t.Fatalf("register = %d %s", w.Code, w.Body)
	}
	a.announce(&invocation{id: "r", arn: "arn", deadline: time.UnixMilli(5), trace: "Root=1"})
	a.shutdown()
	for _, want := range []extensionEvent{
		{EventType: "INVOKE", DeadlineMS: 5, RequestID: "r", InvokedFunctionARN: "arn", Tracing: &tracing{"X-Amzn-Trace-Id", "Root=1"}},
		{EventType: "SHUTDOWN", ShutdownReason: "spindown"},
	} {
		w := call(t, h, "GET", extensionVersion+"/event/next", "", "Lambda-Extension-Identifier", id)
		var got extensionEvent
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.EventType != want.EventType || got.RequestID != want.RequestID || got.ShutdownReason != want.ShutdownReason {
			t.Errorf("event = %+v, want %+v", got, want)
		}
	}
	if w := call(t, h, "POST", extensionVersion+"/exit/error", "{}", "Lambda-Extension-Identifier", id); w.Code != http.StatusAccepted {
		t.Errorf("exit error = %d", w.Code)
	}
}

func TestExtensionsAPIRefuses(t *testing.T) {
	t.Parallel()
	h := newAPI(Config{}).handler()
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"no name", "POST", "/register", `{}`, nil, 400},
		{"unknown event", "POST", "/register", `{"events":["SLEEP"]}`, []string{"Lambda-Extension-Name", "x"}, 400},
		{"not JSON", "POST", "/register", `{`, []string{"Lambda-Extension-Name", "x"}, 400},
		{"stranger asks", "GET", "/event/next", "", nil, 403},
		{"stranger fails", "POST", "/init/error", "", nil, 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if w := call(t, h, test.method, extensionVersion+test.path, test.body, test.headers...); w.Code != test.status {
				t.Errorf("status %d, want %d", w.Code, test.status)
			}
		})
	}
}

func TestAnswerToNobodyIsRefused(t *testing.T) {
	t.Parallel()
	h := newAPI(Config{}).handler()
	for _, path := range []string{"/invocation/x/response", "/invocation/x/error"} {
		if w := call(t, h, "POST", runtimeVersion+path, "{}"); w.Code != http.StatusBadRequest {
			t.Errorf("%s = %d, want 400", path, w.Code)
		}
	}
}

func TestInitErrorIsKept(t *testing.T) {
	t.Parallel()
	a := newAPI(Config{})
	if w := call(t, a.handler(), "POST", runtimeVersion+"/init/error", "x", "Lambda-Runtime-Function-Error-Type", "Config"); w.Code != http.StatusAccepted {
		t.Errorf("status %d", w.Code)
	}
	if err := a.initError(); err == nil || !strings.HasPrefix(err.Error(), "Config: ") {
		t.Errorf("init error = %v", err)
	}
}

// A runtime that asks for work while it owes an answer has lost the event.
func TestNextWithoutAnswerFailsTheInvocation(t *testing.T) {
	t.Parallel()
	a := newAPI(Config{})
	h := a.handler()
	first := &invocation{id: "1", payload: []byte("{}"), done: make(chan result, 1)}
	second := &invocation{id: "2", payload: []byte("{}"), done: make(chan result, 1)}
	go func() { a.work <- first; a.work <- second }()
	call(t, h, "GET", runtimeVersion+"/invocation/next", "")
	call(t, h, "GET", runtimeVersion+"/invocation/next", "")
	if got := <-first.done; got.err == nil || !strings.HasPrefix(got.err.Error(), "Runtime.NoResponse") {
		t.Errorf("first = %+v", got)
	}
	call(t, h, "POST", runtimeVersion+"/invocation/2/response", `{"ok":true}`)
	if got := <-second.done; string(got.answer) != `{"ok":true}` || got.err != nil {
		t.Errorf("second = %+v", got)
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	nul := strings.Repeat("\x00", 8)
	tests := []struct{ name, stream, want, fault string }{
		{"text", `{"statusCode":404}` + nul + "a\x00b", `{"statusCode":404,"body":"a\u0000b","isBase64Encoded":false}`, ""},
		{"binary", `{}` + nul + "\xff", `{"statusCode":200,"body":"/w==","isBase64Encoded":true}`, ""},
		{"no prelude", "text", "", "no eight NUL bytes"},
		{"malformed prelude", "text" + nul, "", "not JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := envelope([]byte(test.stream))
			if string(got) != test.want || (err == nil) != (test.fault == "") || (err != nil && !strings.Contains(err.Error(), test.fault)) {
				t.Errorf("envelope = %s, %v; want %s, %s", got, err, test.want, test.fault)
			}
		})
	}
}

func TestRawStreamAndItsFailure(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	if !isStreaming(r) || maxResponse(r) != maxStreamBytes {
		t.Error("the streaming mode is not recognised")
	}
	if got, err := readStream(r, []byte("raw")); string(got) != "raw" || err != nil {
		t.Errorf("stream = %s, %v", got, err)
	}
	r.Trailer = http.Header{"Lambda-Runtime-Function-Error-Type": {"Broken"}, "Lambda-Runtime-Function-Error-Body": {"bm8="}}
	var want *function.Error
	_, err := readStream(r, nil)
	if want = (&function.Error{Type: "Broken", Message: "no"}); err == nil || err.Error() != want.Error() {
		t.Errorf("error = %v, want %v", err, want)
	}
}
