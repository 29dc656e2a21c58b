package template

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds nesting, and with it aliases that contain themselves.
const maxDepth = 100

// tree turns a YAML node into maps, slices and scalars in which CloudFormation's
// short forms have become their long ones: !Ref X is {"Ref": "X"}.
func tree(node *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d: nested too deeply", node.Line)
	}
	value, err := untagged(node, depth)
	if err != nil {
		return nil, err
	}
	tag := node.Tag
	if !strings.HasPrefix(tag, "!") || strings.HasPrefix(tag, "!!") || tag == "!" {
		return value, nil
	}
	return longForm(tag[1:], value), nil
}

func longForm(name string, value any) map[string]any {
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: value}
	case "GetAtt":
		if text, ok := value.(string); ok {
			id, attribute, _ := strings.Cut(text, ".")
			value = []any{id, attribute}
		}
	}
	return map[string]any{"Fn::" + name: value}
}

func untagged(node *yaml.Node, depth int) (any, error) {
	switch node.Kind {
	case yaml.DocumentNode:
		return tree(node.Content[0], depth+1)
	case yaml.AliasNode:
		return tree(node.Alias, depth+1)
	case yaml.MappingNode:
		return mapping(node, depth)
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, element := range node.Content {
			value, err := tree(element, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	default:
		return scalar(node)
	}
}

func mapping(node *yaml.Node, depth int) (any, error) {
	members := make(map[string]any, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return nil, fmt.Errorf("line %d: CloudFormation wants plain keys and no merge keys", key.Line)
		}
		if _, twice := members[key.Value]; twice {
			return nil, fmt.Errorf("line %d: %s is there twice", key.Line, key.Value)
		}
		value, err := tree(node.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		members[key.Value] = value
	}
	return members, nil
}

// scalar keeps the text of numbers, which patterns compare, and of dates.
func scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!null":
		return nil, nil //nolint:nilnil // null is a value here
	case "!!bool":
		var b bool
		if err := node.Decode(&b); err != nil {
			return nil, fmt.Errorf("line %d: %w", node.Line, err)
		}
		return b, nil
	case "!!int", "!!float":
		if json.Valid([]byte(node.Value)) {
			return json.Number(node.Value), nil
		}
	}
	return node.Value, nil
}
