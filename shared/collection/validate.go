package collection

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
)

// detailsMax bounds how many complaints one answer lists.
const detailsMax = 50

// Validate checks a decoded payload against the schema, which is compiled at
// the first use.
func (d *Definition) Validate(value any) error {
	if len(d.Schema) == 0 {
		return nil
	}
	d.once.Do(func() { d.compiled, d.failed = compile(d.Schema) })
	if d.failed != nil {
		return fmt.Errorf("compile schema of %s: %w", d.Name, d.failed)
	}
	err := d.compiled.Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("validate %s: %w", d.Name, err)
	}
	details := complaints(nil, invalid)
	if len(details) > detailsMax {
		details = details[:detailsMax]
	}
	return ErrInvalidData.WithMessage(sentence(details)).WithDetails(details...)
}

func sentence(details []fault.Detail) string {
	if len(details) == 1 {
		return details[0].Message
	}
	messages := make([]string, 0, len(details))
	for _, d := range details {
		messages = append(messages, d.Message)
		if len(messages) == 3 {
			break
		}
	}
	text := strings.Join(messages, "; ")
	if more := len(details) - len(messages); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// refuse is the loader of schemas by address: there are none.
type refuse struct{}

// Load implements jsonschema.URLLoader.
func (refuse) Load(string) (any, error) {
	return nil, errors.New("references to other documents are not supported")
}

func compile(schema []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.UseLoader(refuse{})
	c.AssertFormat()
	for _, f := range formats() {
		c.RegisterFormat(&f)
	}
	const address = "collection:///schema.json"
	if err := c.AddResource(address, doc); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	compiled, err := c.Compile(address)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return compiled, nil
}

// complaints lists the leaves of an error tree.
func complaints(list []fault.Detail, e *jsonschema.ValidationError) []fault.Detail {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf:
		return append(list, detail(e, "schema", " must match one of the allowed forms"))
	}
	for _, cause := range e.Causes {
		list = complaints(list, cause)
	}
	if len(e.Causes) > 0 {
		return list
	}
	return append(list, leaf(e)...)
}

func leaf(e *jsonschema.ValidationError) []fault.Detail {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		list := make([]fault.Detail, len(k.Missing))
		for i, name := range k.Missing {
			list[i] = detail(e, "required", " must have required property '"+name+"'")
			list[i].Field += "." + name
		}
		return list
	case *kind.AdditionalProperties:
		return []fault.Detail{detail(e, "additionalProperties", " must not have additional properties: "+strings.Join(k.Properties, ", "))}
	}
	code, text := explain(e.ErrorKind)
	return []fault.Detail{detail(e, code, " "+text)}
}

func explain(k jsonschema.ErrorKind) (code, text string) {
	switch k := k.(type) {
	case *kind.Type:
		return "type", "must be " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		return "enum", "must be one of " + choices(k.Want)
	case *kind.Format:
		return "format", "must be a valid " + k.Want
	case *kind.Pattern:
		return "pattern", "must match pattern " + k.Want
	case *kind.MinLength:
		return "minLength", fmt.Sprintf("must have at least %d characters", k.Want)
	case *kind.MaxLength:
		return "maxLength", fmt.Sprintf("must have at most %d characters", k.Want)
	case *kind.Minimum:
		return "minimum", "must be at least " + k.Want.RatString()
	case *kind.Maximum:
		return "maximum", "must be at most " + k.Want.RatString()
	case *kind.MinItems:
		return "minItems", fmt.Sprintf("must have at least %d items", k.Want)
	case *kind.MaxItems:
		return "maxItems", fmt.Sprintf("must have at most %d items", k.Want)
	}
	code = "invalid"
	if path := k.KeywordPath(); len(path) > 0 {
		code = path[0]
	}
	return code, k.LocalizedString(message.NewPrinter(language.English))
}

func choices(values []any) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = fmt.Sprint(v)
		if list[i] == "" {
			list[i] = `""`
		}
	}
	return strings.Join(list, ", ")
}

func detail(e *jsonschema.ValidationError, code, text string) fault.Detail {
	field := strings.Join(append([]string{"data"}, e.InstanceLocation...), ".")
	return fault.Detail{Field: field, Message: field + text, Code: code}
}

// formats are the ones that are checked; any other name is a remark.
func formats() []jsonschema.Format {
	checks := map[string]func(string) bool{
		"email":     isEmail,
		"uri":       isURI,
		"date":      func(s string) bool { _, ok := record.ParseTime(s); return ok },
		"date-time": func(s string) bool { _, ok := record.ParseTime(s); return ok },
		"time":      isTime,
	}
	for _, open := range []string{"hostname", "phone", "currency", "idn-email", "uri-reference", "iri", "duration", "uuid", "ipv4", "ipv6"} {
		checks[open] = func(string) bool { return true }
	}
	list := make([]jsonschema.Format, 0, len(checks))
	for name, check := range checks {
		list = append(list, jsonschema.Format{Name: name, Validate: func(value any) error {
			if text, ok := value.(string); ok && !check(text) {
				return errors.New("not a valid " + name)
			}
			return nil
		}})
	}
	return list
}

func isEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= 254
}

func isURI(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "" || u.Path != "")
}

func isTime(text string) bool {
	for _, layout := range []string{"15:04:05Z07:00", "15:04:05.999999999Z07:00", "15:04:05", "15:04"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}
	return false
}
