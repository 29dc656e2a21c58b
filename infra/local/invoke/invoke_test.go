package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const source = `
Resources:
  UsersFunction:
    Type: AWS::Serverless::Function
    Properties: {Handler: bootstrap, Timeout: 20, Environment: {Variables: {OWN: declared}}}
`

// prepared builds the test function of runtimeapi and writes a template.
func prepared(t *testing.T) (templatePath, bootstrap string) {
	t.Helper()
	dir := t.TempDir()
	templatePath, bootstrap = filepath.Join(dir, "template.yaml"), filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(templatePath, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "../runtimeapi/testdata/bootstrap")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return templatePath, bootstrap
}

func TestRun(t *testing.T) {
	t.Parallel()
	path, bootstrap := prepared(t)
	eventFile := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(eventFile, []byte(`{"text":"from a file"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	base := []string{"-template", path, "-bootstrap", bootstrap, "-function"}
	tests := []struct {
		name     string
		list     []string
		in       string
		code     int
		out, err string
	}{
		{"module", append(base, "users"), `{"text":"hello"}`, 0, `"text":"hello"`, "init "},
		{"environment of the template", append(base, "UsersFunction"), `{}`, 0, `"own":"declared"`, "invoke "},
		{"file, twice", append(base, "users", "-event", eventFile, "-count", "2"), "", 0, `"text":"from a file"`, ""},
		{"function error", append(base, "users"), `{"do":"fail","text":"refused"}`, 1, "", "errorString: refused"},
		{"unknown function", append(base, "nobody"), `{}`, 2, "", "there are UsersFunction"},
		{"no event", append(base, "users", "-event", "none.json"), "", 2, "", "none.json"},
		{"no template", []string{"-template", "none.yaml", "-function", "users"}, `{}`, 2, "", "none.yaml"},
		{"no function", nil, "", 2, "", "want -function"},
		{"no module", []string{"-template", path, "-function", "users"}, `{}`, 2, "", "build functions/users/lambda"},
		{"help", []string{"-h"}, "", 0, "", "-function"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out, messages bytes.Buffer
			code := run(t.Context(), test.list, streams{in: strings.NewReader(test.in), out: &out, err: &messages})
			if code != test.code || !strings.Contains(out.String(), test.out) || !strings.Contains(messages.String(), test.err) {
				t.Errorf("code %d, out %q, err %q; want %d, %q, %q", code, out.String(), messages.String(), test.code, test.out, test.err)
			}
		})
	}
}
