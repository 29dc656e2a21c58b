package collection

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/table"
)

// Indexed is a collection record's payload once the records are indexed again:
// only the paths in still remain pending.
func Indexed(data json.RawMessage, still []string) (json.RawMessage, error) {
	var c Custom
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("read collection: %w", err)
	}
	return withSlots(data, c.Slots, still)
}

// assign gives each indexed field its slot.
func assign(c *Custom, before Custom, used bool) (map[string]string, []string, error) {
	wanted, err := c.indexed()
	if err != nil {
		return nil, nil, err
	}
	slots := map[string]string{}
	var pending []string
	for slot, path := range before.Slots {
		if _, still := wanted[path]; still {
			slots[slot] = path
		}
	}
	for _, path := range sortedKeys(wanted) {
		if holds(slots, path) {
			if slices.Contains(before.PendingSlots, path) {
				pending = append(pending, path)
			}
			continue
		}
		slot := free(slots, wanted[path])
		if slot == "" {
			return nil, nil, ErrInvalidDefinition.WithMessage("Too many indexed fields: at most three for equality and two for order.")
		}
		slots[slot] = path
		if used {
			pending = append(pending, path)
		}
	}
	return slots, pending, nil
}

func holds(slots map[string]string, path string) bool {
	for _, p := range slots {
		if p == path {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// free picks a slot: ordering slots for what is ordered, equality for the rest,
// and equality for an ordered field when no ordering slot is left.
func free(slots map[string]string, ordered bool) string {
	choice := []string{table.By3, table.By4, table.By5}
	if ordered {
		choice = append([]string{table.Ord2, table.Ord3}, choice...)
	}
	for _, slot := range choice {
		if _, taken := slots[slot]; !taken {
			return slot
		}
	}
	return ""
}

// indexed lists the indexed paths; the value says that the field has an order
// worth keeping (numbers and dates).
func (c Custom) indexed() (map[string]bool, error) {
	schema, err := c.fullSchema()
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	walkIndexed(decode(schema), "data", wanted)
	for _, x := range c.Indexes {
		if len(x.Fields) == 0 || x.Unique && len(x.Fields) == 1 {
			continue
		}
		path := dataPath(x.Fields[0])
		ordered, scalar := kindAt(decode(schema), path)
		if !scalar {
			return nil, ErrInvalidDefinition.WithMessage("The indexed field " + path + " must be declared in the schema as a string, number or boolean.")
		}
		wanted[path] = ordered
	}
	return wanted, nil
}

func walkIndexed(schema any, path string, wanted map[string]bool) {
	object, ok := schema.(map[string]any)
	if !ok {
		return
	}
	properties, _ := object["properties"].(map[string]any)
	for name, below := range properties {
		inner, _ := below.(map[string]any)
		if on, _ := inner["indexed"].(bool); on {
			if ordered, scalar := scalarKind(inner); scalar {
				wanted[path+"."+name] = ordered
			}
		}
		walkIndexed(below, path+"."+name, wanted)
	}
}

// kindAt finds a property by its path and says whether it is a scalar, and an
// ordered one.
func kindAt(schema any, path string) (ordered, scalar bool) {
	at, _ := schema.(map[string]any)
	for name := range strings.SplitSeq(strings.TrimPrefix(path, Wrapper), ".") {
		properties, _ := at["properties"].(map[string]any)
		at, _ = properties[name].(map[string]any)
	}
	return scalarKind(at)
}

func scalarKind(property map[string]any) (ordered, scalar bool) {
	switch property["type"] {
	case "number", "integer":
		return true, true
	case "string":
		format, _ := property["format"].(string)
		return format == "date" || format == "date-time", true
	case "boolean":
		return false, true
	}
	return false, false
}
