package collection

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/record"
)

// Limits of a run-time definition.
const (
	schemaMax  = 256 << 10 // bytes of a schema
	patternMax = 1000      // bytes of one regular expression
)

var namePattern = regexp.MustCompile(`^[a-zA-Z_0-9]{3,20}$`)

// occupied are partitions of the table that hold something else than records.
var occupied = regexp.MustCompile(`^(?i)(seen|session|meter|health|keyprefix|appid|credential|org|usage[a-z_]*)$`)

// Custom is the payload of a collection record, as far as the platform reads it.
type Custom struct {
	Name             string               `json:"name"`
	Title            string               `json:"title"`
	Description      string               `json:"description"`
	Type             string               `json:"type"`
	Parent           string               `json:"parent"`
	EnableVersioning bool                 `json:"enableVersioning"`
	EnableHistory    bool                 `json:"enableHistory"`
	EnableSubSchema  bool                 `json:"enableSubSchema"`
	Public           bool                 `json:"public"`
	Schema           json.RawMessage      `json:"schema"`
	Required         []string             `json:"required"`
	RequiredRole     *record.RequiredRole `json:"requiredRole"`
	Indexes          []Index              `json:"indexes"`
	Slots            map[string]string    `json:"slots"`
	PendingSlots     []string             `json:"pendingSlots"`
}

// Index is one declared index: one field, or several that are unique together.
type Index struct {
	Fields Fields `json:"fields"`
	Unique bool   `json:"unique"`
}

// Fields is a field name or a list of them.
type Fields []string

// UnmarshalJSON accepts both forms.
func (f *Fields) UnmarshalJSON(text []byte) error {
	*f = texts(decode(text))
	return nil
}

// ofCustom makes a run-time definition of a collection record's payload.
func ofCustom(data json.RawMessage) (*Definition, error) {
	var c Custom
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, ErrInvalidDefinition.WithMessage("The collection definition cannot be read: " + plain(err))
	}
	schema, err := c.fullSchema()
	if err != nil {
		return nil, err
	}
	d := &Definition{
		Name: c.Name, Title: c.Title, Description: c.Description, Custom: true, Public: c.Public,
		Versioning: c.EnableVersioning || c.EnableHistory, SubSchema: c.EnableSubSchema,
		Slots: fixed(c.Slots), Required: c.RequiredRole, Schema: schema, GuardName: true,
	}
	if c.Type == "Extended" && c.Parent != c.Name {
		d.Parent = c.Parent
	}
	if len(c.PendingSlots) > 0 {
		d.Pending = map[string]bool{}
		for _, path := range c.PendingSlots {
			d.Pending[path] = true
		}
	}
	if err := d.walk(); err != nil {
		return nil, ErrInvalidDefinition.WithMessage("The schema cannot be read: " + plain(err))
	}
	d.indexUnique(c.Indexes)
	d.GuardName = !declaresName(schema)
	return d, nil
}

// declaresName says that the schema has its own say about name's uniqueness.
func declaresName(schema json.RawMessage) bool {
	var s struct {
		Properties map[string]struct {
			Unique any `json:"unique"`
		} `json:"properties"`
	}
	if json.Unmarshal(schema, &s) != nil {
		return false
	}
	name, ok := s.Properties["name"]
	return ok && name.Unique != nil && !truthy(name.Unique)
}

func (d *Definition) indexUnique(indexes []Index) {
	for _, x := range indexes {
		if !x.Unique || len(x.Fields) == 0 {
			continue
		}
		u := Unique{Field: dataPath(x.Fields[0])}
		for _, other := range x.Fields[1:] {
			u.Scope = append(u.Scope, dataPath(other))
		}
		if !slices.ContainsFunc(d.Unique, func(o Unique) bool { return o.Field == u.Field }) {
			d.Unique = append(d.Unique, u)
		}
	}
}

// dataPath completes a field name of an index to a path.
func dataPath(field string) string {
	if strings.HasPrefix(field, Wrapper) {
		return field
	}
	return Wrapper + field
}

// fullSchema is the schema with the collection's own list of required fields.
func (c Custom) fullSchema() (json.RawMessage, error) {
	text := c.Schema
	if len(text) == 0 || string(text) == "null" {
		text = json.RawMessage(`{}`)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, ErrInvalidDefinition.WithMessage("The schema must be a JSON object.")
	}
	if _, typed := members["type"]; !typed {
		members["type"] = json.RawMessage(`"object"`)
	}
	if len(c.Required) > 0 {
		own := make([]string, 0, len(c.Required))
		if err := json.Unmarshal(orEmpty(members["required"]), &own); err != nil {
			return nil, ErrInvalidDefinition.WithMessage("The schema's list of required properties must be a list of names.")
		}
		all := append(own, c.Required...)
		slices.Sort(all)
		list, err := json.Marshal(slices.Compact(all))
		if err != nil {
			return nil, fmt.Errorf("encode required: %w", err)
		}
		members["required"] = list
	}
	whole, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return whole, nil
}

func orEmpty(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage(`[]`)
	}
	return text
}

// Define checks a collection record's payload and assigns index slots, keeping
// those that old (nil on a create) has given. used says that the collection
// already has records: slots of fields indexed from now on are then pending,
// written but not read until the records are indexed again.
func Define(data, old json.RawMessage, used bool) (json.RawMessage, error) {
	var c, before Custom
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, ErrInvalidDefinition.WithMessage("The collection definition cannot be read: " + plain(err))
	}
	if len(old) > 0 {
		if err := json.Unmarshal(old, &before); err != nil {
			return nil, fmt.Errorf("read stored collection: %w", err)
		}
	}
	if err := c.check(before); err != nil {
		return nil, err
	}
	slots, pending, err := assign(&c, before, used)
	if err != nil {
		return nil, err
	}
	if used {
		pending = append(pending, newlyUnique(data, old, before.PendingSlots)...)
		slices.Sort(pending)
		pending = slices.Compact(pending)
	}
	return withSlots(data, slots, pending)
}

// newlyUnique lists the unique fields that records older than the rule may have
// without a guard: those of before that still are, and those added now.
func newlyUnique(data, old json.RawMessage, pending []string) []string {
	now, err := ofCustom(data)
	if err != nil {
		return nil
	}
	known := map[string]bool{}
	if before, err := ofCustom(old); err == nil {
		for _, u := range before.Unique {
			known[u.Field] = !slices.Contains(pending, u.Field)
		}
	}
	var list []string
	for _, u := range now.Unique {
		if !known[u.Field] {
			list = append(list, u.Field)
		}
	}
	return list
}

func withSlots(data json.RawMessage, slots map[string]string, pending []string) (json.RawMessage, error) {
	var members map[string]any
	object, ok := decode(data).(map[string]any)
	if !ok {
		return nil, ErrInvalidDefinition
	}
	members = object
	delete(members, "slots")
	delete(members, "pendingSlots")
	if len(slots) > 0 {
		members["slots"] = slots
	}
	if len(pending) > 0 {
		members["pendingSlots"] = pending
	}
	return encode(members)
}

func (c Custom) check(before Custom) error {
	switch {
	case !namePattern.MatchString(c.Name):
		return ErrInvalidDefinition.WithMessage("A collection's name has 3 to 20 letters, digits and underscores.")
	case IsBuiltin(c.Name), occupied.MatchString(c.Name):
		return ErrBuiltin
	case before.Name != "" && before.Name != c.Name:
		return ErrInvalidDefinition.WithMessage("A collection keeps its name.")
	case len(c.Schema) > schemaMax:
		return ErrInvalidDefinition.WithMessage("The schema is too large.")
	}
	schema, err := c.fullSchema()
	if err != nil {
		return err
	}
	if err := checkNode(decode(schema), 0); err != nil {
		return err
	}
	if _, err := compile(schema); err != nil {
		return ErrInvalidDefinition.WithMessage("The schema is not valid: " + plain(err))
	}
	return nil
}

// checkNode bounds depth and regular expressions anywhere in a schema.
func checkNode(value any, depth int) error {
	if depth > depthMax*2 {
		return ErrInvalidDefinition.WithMessage("The schema is nested too deeply.")
	}
	object, _ := value.(map[string]any)
	if text, ok := object["pattern"].(string); ok {
		if err := checkPattern(text); err != nil {
			return err
		}
	}
	for _, below := range branches(value) {
		if err := checkNode(below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// branches lists what lies directly below a JSON value.
func branches(value any) []any {
	switch value := value.(type) {
	case map[string]any:
		list := make([]any, 0, len(value))
		for _, below := range value {
			list = append(list, below)
		}
		return list
	case []any:
		return value
	}
	return nil
}

func checkPattern(text string) error {
	if len(text) > patternMax {
		return ErrInvalidDefinition.WithMessage("A pattern of the schema is too long.")
	}
	if _, err := regexp.Compile(text); err != nil {
		return ErrInvalidDefinition.WithMessage("The pattern " + text + " is not supported: " + plain(err))
	}
	return nil
}

// plain is an error's text on one line, without its first wrapping.
func plain(err error) string {
	text := err.Error()
	if _, last, ok := strings.Cut(text, "\n"); ok && strings.TrimSpace(last) != "" {
		text = strings.TrimSpace(last)
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 300 {
		text = text[:300]
	}
	return text
}

// ExtensionOf makes a definition of a sub-schema record's payload: the schema
// that records of the collection parent meet beside the collection's own. ok is
// false when the sub-schema belongs to another collection.
func ExtensionOf(data json.RawMessage, parent string) (d *Definition, ok bool, err error) {
	var c Custom
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, false, ErrInvalidDefinition.WithMessage("The sub-schema cannot be read: " + plain(err))
	}
	if c.Parent != parent {
		return nil, false, nil
	}
	d, err = ofCustom(data)
	return d, err == nil, err
}
