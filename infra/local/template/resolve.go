package template

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// absent is what AWS::NoValue resolves to: the member it stands for goes away.
type absent struct{}

// resolver knows everything that intrinsic functions refer to.
type resolver struct {
	options    Options
	parameters map[string]any
	mappings   map[string]any
	conditions map[string]any
	resources  map[string]resource
	decided    map[string]bool // conditions already evaluated
	depth      int             // of conditions and names that refer to each other
}

// resolve replaces the intrinsic functions in a tree by their values.
func (r *resolver) resolve(value any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		if name, argument, ok := intrinsic(v); ok {
			return r.call(name, argument)
		}
		return r.resolveMembers(v)
	case []any:
		list := make([]any, 0, len(v))
		for _, element := range v {
			resolved, err := r.resolve(element)
			if err != nil {
				return nil, err
			}
			if resolved != (absent{}) {
				list = append(list, resolved)
			}
		}
		return list, nil
	default:
		return value, nil
	}
}

func (r *resolver) resolveMembers(members map[string]any) (any, error) {
	resolved := make(map[string]any, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, err := r.resolve(members[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if value != (absent{}) {
			resolved[name] = value
		}
	}
	return resolved, nil
}

// intrinsic recognises {"Ref": …} and {"Fn::Name": …}.
func intrinsic(members map[string]any) (name string, argument any, ok bool) {
	if len(members) != 1 {
		return "", nil, false
	}
	for name, argument = range members {
		ok = name == "Ref" || strings.HasPrefix(name, "Fn::")
	}
	return name, argument, ok
}

func (r *resolver) call(name string, argument any) (any, error) {
	value, err := r.apply(name, argument)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

func (r *resolver) apply(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return r.ref(argument)
	case "Fn::GetAtt":
		return r.getAtt(argument)
	case "Fn::Sub":
		return r.sub(argument)
	case "Fn::If":
		return r.ifElse(argument)
	case "Fn::Join":
		return r.join(argument)
	case "Fn::ImportValue":
		return r.importValue(argument)
	case "Fn::FindInMap":
		return r.findInMap(argument)
	case "Fn::Select", "Fn::Split":
		return r.listFunction(name, argument)
	default:
		return nil, errors.New("is not known to the local run")
	}
}

func (r *resolver) ref(argument any) (any, error) {
	id, ok := argument.(string)
	if !ok {
		return nil, errors.New("want a name")
	}
	if value, ok := r.pseudo(id); ok {
		return value, nil
	}
	if value, ok := r.parameters[id]; ok {
		return value, nil
	}
	if _, ok := r.resources[id]; ok || r.generated(id) {
		return r.reference(id)
	}
	return nil, fmt.Errorf("%s is neither a parameter nor a resource", id)
}

func (r *resolver) pseudo(name string) (any, bool) {
	switch name {
	case "AWS::NoValue":
		return absent{}, true
	case "AWS::Region":
		return r.options.Region, true
	case "AWS::AccountId":
		return r.options.AccountID, true
	case "AWS::StackName":
		return r.options.StackName, true
	case "AWS::StackId":
		return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/local", r.options.Region, r.options.AccountID, r.options.StackName), true
	case "AWS::Partition":
		return "aws", true
	case "AWS::URLSuffix":
		return "amazonaws.com", true
	default:
		return nil, false
	}
}

func (r *resolver) getAtt(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 2 {
		return nil, errors.New("want a resource and an attribute")
	}
	id, ok := list[0].(string)
	attribute, err := r.text(list[1])
	if err != nil || !ok {
		return nil, errors.Join(errors.New("want a resource and an attribute"), err)
	}
	if _, ok := r.resources[id]; !ok && !r.generated(id) {
		return nil, fmt.Errorf("there is no resource %s", id)
	}
	return r.attribute(id, attribute)
}

// text resolves an argument that must become a string.
func (r *resolver) text(argument any) (string, error) {
	value, err := r.resolve(argument)
	if err != nil {
		return "", err
	}
	text, ok := asText(value)
	if !ok {
		return "", fmt.Errorf("want a string, got %v", value)
	}
	return text, nil
}

func (r *resolver) ifElse(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 3 {
		return nil, errors.New("want a condition and two values")
	}
	holds, err := r.condition(map[string]any{"Condition": list[0]})
	if err != nil {
		return nil, err
	}
	if holds {
		return r.resolve(list[1])
	}
	return r.resolve(list[2])
}

func (r *resolver) importValue(argument any) (any, error) {
	name, err := r.text(argument)
	if err != nil {
		return nil, err
	}
	if value, ok := r.options.Imports[name]; ok {
		return value, nil
	}
	return nil, fmt.Errorf("no value is given for the export %s", name)
}

func (r *resolver) findInMap(argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 3 {
		return nil, errors.New("want a map and two keys")
	}
	var at any = r.mappings
	for _, key := range list {
		name, err := r.text(key)
		if err != nil {
			return nil, err
		}
		members, ok := at.(map[string]any)
		if ok {
			at, ok = members[name]
		}
		if !ok {
			return nil, fmt.Errorf("there is no %s", name)
		}
	}
	return at, nil
}
