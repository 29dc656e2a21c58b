// Package template reads a SAM template.yaml into a typed model of what the
// emulated services run: functions with their events, queues, APIs, rules and
// schedules. It resolves parameters, conditions and the intrinsic functions,
// so that the template that is deployed is also the one that is run.
package template

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// implicitAPI is the logical id of the HTTP API that SAM makes for events that
// name none.
const implicitAPI = "ServerlessHttpApi"

// Options stands in for what a deployment would know. Empty fields get a
// default that cannot be mistaken for a real account.
type Options struct {
	Region     string            // default us-east-1
	AccountID  string            // default 000000000000
	StackName  string            // default local
	Parameters map[string]string // override the defaults in the template
	Imports    map[string]string // what Fn::ImportValue returns, by export
}

// Load reads and parses a template file.
func Load(path string, options Options) (*Template, error) {
	source, err := os.ReadFile(path) // #nosec G304 -- the caller's own file
	if err != nil {
		return nil, fmt.Errorf("load template: %w", err)
	}
	t, err := Parse(source, options)
	if err != nil {
		return nil, fmt.Errorf("load template %s: %w", path, err)
	}
	return t, nil
}

// Parse reads a template. Every malformed resource is reported, each by its
// logical id; resource types without an emulation are listed in Ignored.
func Parse(source []byte, options Options) (*Template, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(source, &document); err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	if document.Kind == 0 {
		return nil, errors.New("parse template: it is empty")
	}
	root, err := tree(&document, 0)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	sections, err := sectionsOf(root)
	if err != nil {
		return nil, fmt.Errorf("parse template: %w", err)
	}
	r, err := newResolver(sections, withDefaults(options))
	if err != nil {
		return nil, err
	}
	return build(r, sections["Globals"])
}

func withDefaults(options Options) Options {
	if options.Region == "" {
		options.Region = "us-east-1"
	}
	if options.AccountID == "" {
		options.AccountID = "000000000000"
	}
	if options.StackName == "" {
		options.StackName = "local"
	}
	return options
}

// sectionsOf returns the top-level sections, all of which are mappings as far
// as we read them.
func sectionsOf(root any) (map[string]map[string]any, error) {
	members, ok := root.(map[string]any)
	if !ok {
		return nil, errors.New("want a mapping")
	}
	sections := map[string]map[string]any{}
	for _, name := range []string{"Globals", "Parameters", "Mappings", "Conditions", "Resources"} {
		value, present := members[name]
		if sections[name], ok = value.(map[string]any); present && !ok {
			return nil, fmt.Errorf("%s: want a mapping", name)
		}
	}
	return sections, nil
}

func newResolver(sections map[string]map[string]any, options Options) (*resolver, error) {
	r := &resolver{
		options: options, mappings: sections["Mappings"], conditions: sections["Conditions"],
		resources: map[string]resource{}, decided: map[string]bool{},
	}
	var err error
	if r.parameters, err = parameters(sections["Parameters"], options.Parameters); err != nil {
		return nil, err
	}
	return r, r.addResources(sections["Resources"])
}

// addResources keeps the resources whose condition holds.
func (r *resolver) addResources(section map[string]any) error {
	for _, id := range slices.Sorted(maps.Keys(section)) {
		members, ok := section[id].(map[string]any)
		if !ok {
			return fmt.Errorf("%s: want a mapping", id)
		}
		kind, ok := members["Type"].(string)
		if !ok {
			return fmt.Errorf("%s: Type is missing", id)
		}
		properties, ok := members["Properties"].(map[string]any)
		if !ok && members["Properties"] != nil {
			return fmt.Errorf("%s: Properties: want a mapping", id)
		}
		if condition, ok := members["Condition"]; ok {
			holds, err := r.condition(map[string]any{"Condition": condition})
			if err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
			if !holds {
				continue
			}
		}
		r.resources[id] = resource{kind: kind, properties: properties}
	}
	return nil
}

func parameters(section map[string]any, given map[string]string) (map[string]any, error) {
	values := make(map[string]any, len(section))
	for _, name := range slices.Sorted(maps.Keys(section)) {
		declared, ok := section[name].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("parameter %s: want a mapping", name)
		}
		text, ok := given[name]
		if !ok {
			if text, ok = asText(declared["Default"]); !ok {
				return nil, fmt.Errorf("parameter %s: no default and no value given", name)
			}
		}
		values[name] = parameterValue(text, declared["Type"])
	}
	return values, nil
}

func parameterValue(text string, kind any) any {
	if name, ok := kind.(string); ok && (name == "CommaDelimitedList" || strings.HasPrefix(name, "List<")) {
		list := []any{}
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return list
	}
	return text
}
