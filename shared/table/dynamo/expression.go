package dynamo

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// builder collects the names and values that an expression refers to. Every
// name goes through a placeholder, so reserved words and dots need no care.
type builder struct {
	names  map[string]string // placeholder -> attribute name
	known  map[string]string // attribute name -> placeholder
	values map[string]types.AttributeValue
}

func newBuilder() *builder {
	return &builder{names: map[string]string{}, known: map[string]string{}, values: map[string]types.AttributeValue{}}
}

func (b *builder) name(name string) string {
	if placeholder, ok := b.known[name]; ok {
		return placeholder
	}
	placeholder := "#n" + strconv.Itoa(len(b.names))
	b.names[placeholder], b.known[name] = name, placeholder
	return placeholder
}

// path is a path inside the document.
func (b *builder) path(p table.Path) string {
	var text strings.Builder
	text.WriteString(b.name(attrDoc))
	for _, name := range p {
		text.WriteByte('.')
		text.WriteString(b.name(name))
	}
	return text.String()
}

func (b *builder) value(v types.AttributeValue) string {
	placeholder := ":v" + strconv.Itoa(len(b.values))
	b.values[placeholder] = v
	return placeholder
}

// json is the placeholder of any value that encoding/json can encode.
func (b *builder) json(value any) (string, error) {
	v, err := encodeValue(value)
	if err != nil {
		return "", err
	}
	return b.value(v), nil
}

func encodeValue(value any) (types.AttributeValue, error) {
	text, err := eval.Encode(value)
	if err != nil {
		return nil, err
	}
	return ToAttribute(text)
}

func (b *builder) text(s string) string { return b.value(&types.AttributeValueMemberS{Value: s}) }

// used returns the names and values that the texts refer to: folding leaves some
// over, and DynamoDB refuses a request with any it does not need. They are nil
// when empty, as the API demands.
func (b *builder) used(texts ...*string) (names map[string]string, values attributes) {
	for _, text := range texts {
		for _, placeholder := range placeholders(text) {
			if name, ok := b.names[placeholder]; ok {
				if names == nil {
					names = make(map[string]string, len(b.names))
				}
				names[placeholder] = name
			}
			if value, ok := b.values[placeholder]; ok {
				if values == nil {
					values = make(attributes, len(b.values))
				}
				values[placeholder] = value
			}
		}
	}
	return names, values
}

func placeholders(text *string) []string {
	if text == nil {
		return nil
	}
	return strings.FieldsFunc(*text, func(r rune) bool {
		return r != '#' && r != ':' && (r < '0' || r > '9') && r != 'n' && r != 'v'
	})
}

// fragment is part of an expression: text, or a constant, which DynamoDB's
// expressions do not have and which is therefore folded away.
type fragment struct {
	text    string
	literal bool // the constant's value when text is empty
}

func always(value bool) fragment      { return fragment{literal: value} }
func textual(text string) fragment    { return fragment{text: text} }
func (f fragment) constant() bool     { return f.text == "" }
func (f fragment) is(value bool) bool { return f.constant() && f.literal == value }

func not(f fragment) fragment {
	if f.constant() {
		return always(!f.literal)
	}
	return textual("(NOT " + f.text + ")")
}

func and(fragments ...fragment) fragment { return join(" AND ", true, fragments) }
func or(fragments ...fragment) fragment  { return join(" OR ", false, fragments) }

// join drops neutral members and is decided by an opposite one.
func join(operator string, neutral bool, fragments []fragment) fragment {
	texts := make([]string, 0, len(fragments))
	for _, f := range fragments {
		switch {
		case f.is(!neutral):
			return f
		case !f.constant():
			texts = append(texts, f.text)
		}
	}
	switch len(texts) {
	case 0:
		return always(neutral)
	case 1:
		return textual(texts[0])
	}
	return textual("(" + strings.Join(texts, operator) + ")")
}

// inMax is how many values DynamoDB's IN takes.
const inMax = 100

// condition compiles c as it holds for a live item whose document is in the
// item; paths reports whether it looks into the document at all.
func (b *builder) condition(c table.Cond) (f fragment, paths bool, err error) {
	switch c := c.(type) {
	case nil, table.ItemExists:
		return always(true), false, nil
	case table.ItemMissing:
		return always(false), false, nil
	case table.And:
		return b.junction(c, and)
	case table.Or:
		return b.junction(c, or)
	case table.Not:
		f, paths, err = b.condition(c.Cond)
		return not(f), paths, err
	case table.Exists:
		return textual("attribute_exists(" + b.path(c.Path) + ")"), true, nil
	case table.Missing:
		return textual("attribute_not_exists(" + b.path(c.Path) + ")"), true, nil
	case table.Compare:
		f, err = b.comparison(c)
		return f, true, err
	case table.In:
		f, err = b.membership(c)
		return f, true, err
	case table.Prefix:
		return b.prefix(c), true, nil
	case table.Contains:
		f, err = b.containment(c)
		return f, true, err
	}
	return fragment{}, false, fmt.Errorf("unknown condition %T", c)
}

func (b *builder) junction(conds []table.Cond, join func(...fragment) fragment) (fragment, bool, error) {
	fragments := make([]fragment, len(conds))
	paths := false
	for i, c := range conds {
		f, p, err := b.condition(c)
		if err != nil {
			return fragment{}, false, err
		}
		fragments[i] = f
		paths = paths || p
	}
	return join(fragments...), paths, nil
}

func (b *builder) comparison(c table.Compare) (fragment, error) {
	value, err := encodeValue(c.Value)
	if err != nil {
		return fragment{}, err
	}
	switch c.Op {
	case table.Equal:
		return textual(b.path(c.Path) + " = " + b.value(value)), nil
	case table.NotEqual:
		// "<>" leaves open what a missing path means; this does not.
		return textual("(NOT " + b.path(c.Path) + " = " + b.value(value) + ")"), nil
	case table.Less, table.LessOrEqual, table.Greater, table.GreaterOrEqual:
	default:
		return fragment{}, fmt.Errorf("unknown operator %q", c.Op)
	}
	switch value.(type) {
	case *types.AttributeValueMemberN, *types.AttributeValueMemberS:
		return textual(b.path(c.Path) + " " + string(c.Op) + " " + b.value(value)), nil
	}
	return always(false), nil // DynamoDB refuses to order other types
}

func (b *builder) membership(c table.In) (fragment, error) {
	var alternatives []fragment
	for start := 0; start < len(c.Values); start += inMax {
		chunk := c.Values[start:min(start+inMax, len(c.Values))]
		placeholders := make([]string, len(chunk))
		for i, v := range chunk {
			p, err := b.json(v)
			if err != nil {
				return fragment{}, err
			}
			placeholders[i] = p
		}
		alternatives = append(alternatives, textual(b.path(c.Path)+" IN ("+strings.Join(placeholders, ", ")+")"))
	}
	return or(alternatives...), nil
}

func (b *builder) prefix(c table.Prefix) fragment {
	if c.Text == "" {
		return b.isString(c.Path)
	}
	return textual("begins_with(" + b.path(c.Path) + ", " + b.text(c.Text) + ")")
}

func (b *builder) isString(p table.Path) fragment {
	return textual("attribute_type(" + b.path(p) + ", " + b.text("S") + ")")
}

func (b *builder) containment(c table.Contains) (fragment, error) {
	value, err := b.json(c.Value)
	if err != nil {
		return fragment{}, err
	}
	f := textual("contains(" + b.path(c.Path) + ", " + value + ")")
	if c.Value == "" {
		return or(b.isString(c.Path), f), nil // every string contains the empty one
	}
	return f, nil
}
