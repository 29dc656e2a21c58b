package modules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/appmint/appengine/infra/local/pattern"
	"github.com/appmint/appengine/infra/local/template"
	"github.com/appmint/appengine/infra/modules"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
	"github.com/appmint/appengine/shared/table/stream"
	"github.com/appmint/appengine/shared/testkit"
)

func loadTemplate(t *testing.T) *template.Template {
	t.Helper()
	tpl, err := template.Load("../../template.yaml", template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

// built is every module with its entry, over an empty table.
type built struct {
	modules.Entry
	app.Module
}

func buildAll(t *testing.T) []built {
	t.Helper()
	clock := testkit.NewClock()
	engine, err := embedded.OpenMemory(embedded.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	deps := testkit.Deps(t, engine, clock.Now)
	all := modules.All()
	list := make([]built, 0, len(all))
	for _, e := range all {
		list = append(list, built{e, e.New(deps)})
	}
	return list
}

// functionID is the logical id of a module's function.
func functionID(module string) string {
	return strings.ToUpper(module[:1]) + module[1:] + "Function"
}

// Every module has a function, every function a module, and the Makefile's
// build rule finds one by the other's name.
func TestTemplateHasAFunctionPerModule(t *testing.T) {
	t.Parallel()
	all := modules.All()
	want, got := make([]string, 0, len(all)), make([]string, 0, len(all))
	for _, e := range all {
		want = append(want, functionID(e.Name))
		if _, err := os.Stat("../../functions/" + e.Name + "/lambda/main.go"); err != nil {
			t.Errorf("module %s has no lambda/main.go", e.Name)
		}
	}
	for _, f := range loadTemplate(t).Functions {
		got = append(got, f.ID)
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("template.yaml lacks the function. Add:\n  %s:\n    Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: makefile}\n    Properties:\n      LoggingConfig: {LogGroup: !Ref FunctionLogs}", id)
		}
	}
	for _, id := range got {
		if !slices.Contains(want, id) {
			t.Errorf("template.yaml has %s, but there is no such module", id)
		}
	}
}

// Every route of every module is reachable: of the gateway's routes that cover
// its path, the most specific one leads to the module's function, behind the
// authorizer.
func TestTemplateRoutesReachEveryModule(t *testing.T) {
	t.Parallel()
	api := loadTemplate(t).HTTPAPIs[0]
	for _, m := range buildAll(t) {
		for _, r := range m.Routes {
			found := covering(api.Routes, r.Path)
			switch {
			case found == nil:
				first := strings.Split(strings.TrimPrefix(r.Path, "/"), "/")[0]
				t.Errorf("nothing leads to %s. Add to %s:\n        %s: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: \"/%s/{proxy+}\", Method: ANY}}", r.Pattern(), functionID(m.Entry.Name), first, first)
			case found.Function != functionID(m.Entry.Name):
				t.Errorf("%s: %s leads to %s, not to %s", r.Pattern(), found.Key, found.Function, functionID(m.Entry.Name))
			case found.Authorizer == "":
				t.Errorf("%s has no authorizer", found.Key)
			}
		}
	}
}

// covering is the gateway's route for a path: the exact one, or else the longest
// beginning.
func covering(routes []template.Route, path string) *template.Route {
	var best *template.Route
	for i, route := range routes {
		pattern, everyMethod := strings.CutPrefix(route.Key, "ANY ")
		begin, rest := strings.CutSuffix(pattern, "{proxy+}")
		switch {
		case !everyMethod:
		case pattern == path:
			return &routes[i]
		case rest && strings.HasPrefix(path, begin) && (best == nil || len(route.Key) > len(best.Key)):
			best = &routes[i]
		}
	}
	return best
}

// The authorizer must see every call: no identity source, with which the gateway
// would refuse anonymous calls in its own words, and no cached results. Preflight
// must pass without it.
func TestTemplateAuthorizerSeesEveryCall(t *testing.T) {
	t.Parallel()
	api := loadTemplate(t).HTTPAPIs[0]
	if len(api.Authorizers) != 1 {
		t.Fatalf("got %d authorizers, want 1", len(api.Authorizers))
	}
	for name, a := range api.Authorizers {
		if a.Function != "AuthorizerFunction" || len(a.IdentitySource) > 0 {
			t.Errorf("authorizer %s: function %s, identity source %v", name, a.Function, a.IdentitySource)
		}
	}
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), "ReauthorizeEvery: 0") {
		t.Error("results of the authorizer are cached: want ReauthorizeEvery: 0")
	}
	preflight := template.Route{Key: "OPTIONS /{proxy+}"}
	found := slices.IndexFunc(api.Routes, func(r template.Route) bool { return r.Key == preflight.Key && r.Authorizer == "" })
	if found < 0 {
		t.Error("there is no route OPTIONS /{proxy+} without authorizer")
	}
}

// Every consumed event is emitted by somebody, and a rule brings it to the
// consumer's function or queue.
func TestTemplateRulesFeedEveryConsumer(t *testing.T) {
	t.Parallel()
	tpl := loadTemplate(t)
	all := buildAll(t)
	emitted := map[string]bool{}
	for _, m := range all {
		for _, d := range m.Emits {
			emitted[d.Name] = true
		}
	}
	for _, m := range all {
		for _, c := range m.Consumers {
			if !emitted[c.Event] {
				t.Errorf("%s consumes %s, which no module emits", m.Entry.Name, c.Event)
			}
			if !fed(t, tpl, functionID(m.Entry.Name), c.Event) {
				t.Errorf("no rule brings %s to %s. Add it to the detail-type of its rule.", c.Event, functionID(m.Entry.Name))
			}
		}
	}
}

func fed(t *testing.T, tpl *template.Template, function, name string) bool {
	t.Helper()
	queues := []string{}
	for _, f := range tpl.Functions {
		for _, q := range f.QueueEvents {
			if f.ID == function {
				queues = append(queues, q.Queue)
			}
		}
	}
	for _, rule := range tpl.Rules {
		compiled, err := pattern.Compile(rule.Pattern)
		if err != nil {
			t.Fatalf("rule %s: %v", rule.ID, err)
		}
		matches := compiled.Match(map[string]any{"source": event.Source, "detail-type": name, "detail": map[string]any{"name": name}})
		for _, target := range rule.Targets {
			if matches && (target.To == function || slices.Contains(queues, target.To)) {
				return true
			}
		}
	}
	return false
}

// The table of the template has every index that the code may ask for.
func TestTemplateTableHasEveryIndex(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range table.IndexNames() {
		if !strings.Contains(string(source), fmt.Sprintf("IndexName: %s,", name)) {
			t.Errorf("the table lacks the index %s", name)
		}
	}
}

// The stream's mappings drop changes that announce nothing and pass all others;
// the local run leaves the former out before it writes them down.
func TestTemplateStreamsPassWhatAnnounces(t *testing.T) {
	t.Parallel()
	streams := 0
	for _, f := range loadTemplate(t).Functions {
		for _, s := range f.Streams {
			streams++
			for _, outbox := range []string{"", `[{"id":"1"}]`} {
				item := &table.Item{Key: table.Key{Part: "acme#book", Sort: "1"}, Doc: table.Doc(`{}`), Outbox: table.Doc(outbox)}
				record, err := pattern.Decode(stream.Record(table.Change{ID: "1", Key: item.Key, New: item}))
				if err != nil {
					t.Fatal(err)
				}
				if got := passes(t, s.Filters, record); got != (outbox != "") {
					t.Errorf("%s: a change with outbox %q passes: %v", f.ID, outbox, got)
				}
			}
		}
	}
	if streams == 0 {
		t.Error("no function reads the stream")
	}
}

func passes(t *testing.T, filters []json.RawMessage, record any) bool {
	t.Helper()
	for _, source := range filters {
		compiled, err := pattern.Compile(source)
		if err != nil {
			t.Fatal(err)
		}
		if compiled.Match(record) {
			return true
		}
	}
	return len(filters) == 0
}
