package dynamo

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// document is a table.Doc that attributevalue stores as a native map.
type document table.Doc //nolint:recvcheck // attributevalue wants a value to marshal and a pointer to unmarshal

var (
	_ attributevalue.Marshaler   = document(nil)
	_ attributevalue.Unmarshaler = (*document)(nil)
)

// MarshalDynamoDBAttributeValue implements attributevalue.Marshaler.
func (d document) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return ToAttribute(d)
}

// UnmarshalDynamoDBAttributeValue implements attributevalue.Unmarshaler.
func (d *document) UnmarshalDynamoDBAttributeValue(value types.AttributeValue) error {
	text, err := FromAttribute(value)
	*d = document(text)
	return err
}

// ToAttribute turns JSON text into the attribute value of the same shape.
// Numbers keep their text. It fails with table.ErrDocument on what DynamoDB
// cannot hold, and with a plain error on text that is not JSON.
func ToAttribute(text []byte) (types.AttributeValue, error) {
	if err := eval.CheckValue(text); err != nil {
		return nil, err
	}
	return toAttribute(trimmed(text)), nil
}

func trimmed(text []byte) []byte {
	for len(text) > 0 && text[0] <= ' ' {
		text = text[1:]
	}
	for len(text) > 0 && text[len(text)-1] <= ' ' {
		text = text[:len(text)-1]
	}
	return text
}

// toAttribute converts text that was checked.
func toAttribute(text []byte) types.AttributeValue {
	switch text[0] {
	case '{':
		members := make(map[string]types.AttributeValue)
		for name, value := range eval.Walk(text) {
			members[name] = toAttribute(value)
		}
		return &types.AttributeValueMemberM{Value: members}
	case '[':
		elements := []types.AttributeValue{}
		for _, value := range eval.Walk(text) {
			elements = append(elements, toAttribute(value))
		}
		return &types.AttributeValueMemberL{Value: elements}
	case '"':
		return &types.AttributeValueMemberS{Value: eval.Unquote(text)}
	case 't', 'f':
		return &types.AttributeValueMemberBOOL{Value: text[0] == 't'}
	case 'n':
		return &types.AttributeValueMemberNULL{Value: true}
	}
	return &types.AttributeValueMemberN{Value: string(text)}
}

// FromAttribute turns an attribute value into JSON text, members in the order
// of their names. Sets become arrays and binary values base64: this package
// writes neither.
func FromAttribute(value types.AttributeValue) (table.Doc, error) {
	return appendAttribute(nil, value)
}

func appendAttribute(to []byte, value types.AttributeValue) ([]byte, error) {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		return appendMap(to, v.Value)
	case *types.AttributeValueMemberL:
		return appendList(to, v.Value)
	case *types.AttributeValueMemberS:
		return eval.AppendQuoted(to, v.Value), nil
	case *types.AttributeValueMemberN:
		return appendNumber(to, v.Value), nil
	case *types.AttributeValueMemberBOOL:
		return fmt.Append(to, v.Value), nil
	case *types.AttributeValueMemberNULL:
		return append(to, "null"...), nil
	case *types.AttributeValueMemberB:
		return eval.AppendQuoted(to, base64.StdEncoding.EncodeToString(v.Value)), nil
	case *types.AttributeValueMemberSS:
		return appendSet(to, v.Value, eval.AppendQuoted), nil
	case *types.AttributeValueMemberNS:
		return appendSet(to, v.Value, appendNumber), nil
	case *types.AttributeValueMemberBS:
		texts := make([]string, len(v.Value))
		for i, b := range v.Value {
			texts[i] = base64.StdEncoding.EncodeToString(b)
		}
		return appendSet(to, texts, eval.AppendQuoted), nil
	}
	return nil, fmt.Errorf("unknown attribute type %T", value)
}

// appendNumber takes care of spellings that JSON does not have, such as ".5".
func appendNumber(to []byte, text string) []byte {
	if eval.CheckValue([]byte(text)) != nil {
		text = eval.Plain(text)
	}
	return append(to, text...)
}

func appendMap(to []byte, members map[string]types.AttributeValue) ([]byte, error) {
	to = append(to, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(eval.AppendQuoted(to, name), ':')
		var err error
		if to, err = appendAttribute(to, members[name]); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

func appendList(to []byte, elements []types.AttributeValue) ([]byte, error) {
	to = append(to, '[')
	for i, element := range elements {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = appendAttribute(to, element); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}

func appendSet(to []byte, elements []string, one func([]byte, string) []byte) []byte {
	to = append(to, '[')
	for i, element := range elements {
		if i > 0 {
			to = append(to, ',')
		}
		to = one(to, element)
	}
	return append(to, ']')
}

// sizeOf reckons an attribute's size by DynamoDB's rules, rounded up.
func sizeOf(value types.AttributeValue) int {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		size := 3
		for name, member := range v.Value {
			size += 1 + len(name) + sizeOf(member)
		}
		return size
	case *types.AttributeValueMemberL:
		size := 3
		for _, element := range v.Value {
			size += 1 + sizeOf(element)
		}
		return size
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 2
	}
	return 1
}
