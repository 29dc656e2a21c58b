package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/appmint/appengine/infra/local/runtimeapi"
	"github.com/appmint/appengine/infra/local/template"
)

// invoke starts the function, runs it and prints its answers; how long the
// start and each invocation took goes to the error stream.
func invoke(ctx context.Context, a arguments, s streams) error {
	event, err := readEvent(a.event, s.in)
	if err != nil {
		return err
	}
	config, done, err := prepare(ctx, a)
	if err != nil {
		return err
	}
	defer done()
	config.Output = s.err
	f, err := runtimeapi.Start(ctx, config)
	if err != nil {
		return err
	}
	report(s.err, "init %v\n", f.InitTime().Round(10*time.Microsecond))
	for range a.count {
		begun := time.Now()
		answer, err := f.Invoke(ctx, event)
		report(s.err, "invoke %v\n", time.Since(begun).Round(10*time.Microsecond))
		if err != nil {
			return errors.Join(err, f.Close())
		}
		report(s.out, "%s\n", answer)
	}
	return f.Close()
}

func readEvent(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(path) // #nosec G304 -- the caller names the file
}

// prepare finds the function in the template and builds its bootstrap, which
// done removes again.
func prepare(ctx context.Context, a arguments) (config runtimeapi.Config, done func(), err error) {
	parsed, err := template.Load(a.template, template.Options{})
	if err != nil {
		return config, nil, err
	}
	f, err := find(parsed.Functions, a.function)
	if err != nil {
		return config, nil, err
	}
	config = runtimeapi.Config{
		Bootstrap: a.bootstrap, Name: f.Name, ARN: f.ARN, Handler: f.Handler, Region: "us-east-1",
		MemoryMB: f.MemoryMB, Timeout: f.Timeout, Env: overridden(f.Environment),
	}
	if config.Bootstrap != "" {
		config.Bootstrap, err = filepath.Abs(config.Bootstrap)
		return config, func() {}, err
	}
	config.Bootstrap, done, err = build(ctx, module(f.ID))
	return config, done, err
}

// find accepts a logical id, a physical name or a module.
func find(functions []template.Function, name string) (template.Function, error) {
	var known []string
	for _, f := range functions {
		if name == f.ID || name == f.Name || name == module(f.ID) || strings.EqualFold(name+"Function", f.ID) {
			return f, nil
		}
		known = append(known, f.ID)
	}
	return template.Function{}, fmt.Errorf("there is no function %s; there are %s", name, strings.Join(known, ", "))
}

// module is the folder of a function's code: UsersFunction is users.
func module(id string) string { return strings.ToLower(strings.TrimSuffix(id, "Function")) }

// overridden lets the caller's environment replace the values of variables
// that the template declares, such as the endpoint of a local database.
func overridden(declared map[string]string) map[string]string {
	env := make(map[string]string, len(declared))
	for name, value := range declared {
		if own, ok := os.LookupEnv(name); ok {
			value = own
		}
		env[name] = value
	}
	return env
}

// build compiles a module's bootstrap for this machine.
func build(ctx context.Context, name string) (path string, done func(), err error) {
	dir, err := os.MkdirTemp("", "invoke")
	if err != nil {
		return "", nil, err
	}
	done = func() { _ = os.RemoveAll(dir) } // a temporary folder that stays does no harm
	path = filepath.Join(dir, "bootstrap")
	command := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", path, "./functions/"+name+"/lambda") // #nosec G204 -- a module of this repository
	if out, err := command.CombinedOutput(); err != nil {
		done()
		return "", nil, fmt.Errorf("build functions/%s/lambda: %w\n%s", name, err, out)
	}
	return path, done, nil
}
