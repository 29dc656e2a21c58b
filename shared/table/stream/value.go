package stream

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/shared/table/eval"
)

// toValue converts JSON text that was checked.
func toValue(text []byte) events.DynamoDBAttributeValue {
	text = bytes.TrimSpace(text)
	switch text[0] {
	case '{':
		members := make(map[string]events.DynamoDBAttributeValue)
		for name, value := range eval.Walk(text) {
			members[name] = toValue(value)
		}
		return events.NewMapAttribute(members)
	case '[':
		elements := []events.DynamoDBAttributeValue{}
		for _, value := range eval.Walk(text) {
			elements = append(elements, toValue(value))
		}
		return events.NewListAttribute(elements)
	case '"':
		return events.NewStringAttribute(eval.Unquote(text))
	case 't', 'f':
		return events.NewBooleanAttribute(text[0] == 't')
	case 'n':
		return events.NewNullAttribute()
	}
	return events.NewNumberAttribute(string(text))
}

// appendValue writes an attribute as JSON text, members in the order of their
// names. Sets become arrays and binary values base64.
func appendValue(to []byte, value events.DynamoDBAttributeValue) ([]byte, error) {
	switch value.DataType() {
	case events.DataTypeMap:
		return appendMap(to, value.Map())
	case events.DataTypeList:
		return appendAll(to, value.List(), appendValue)
	case events.DataTypeString:
		return eval.AppendQuoted(to, value.String()), nil
	case events.DataTypeNumber:
		return appendNumber(to, value.Number())
	case events.DataTypeBoolean:
		return fmt.Append(to, value.Boolean()), nil
	case events.DataTypeNull:
		return append(to, "null"...), nil
	case events.DataTypeBinary:
		return appendBinary(to, value.Binary())
	case events.DataTypeStringSet:
		return appendAll(to, value.StringSet(), func(to []byte, s string) ([]byte, error) {
			return eval.AppendQuoted(to, s), nil
		})
	case events.DataTypeNumberSet:
		return appendAll(to, value.NumberSet(), appendNumber)
	case events.DataTypeBinarySet:
		return appendAll(to, value.BinarySet(), appendBinary)
	}
	return nil, fmt.Errorf("unknown attribute type %d in stream record", value.DataType())
}

func appendNumber(to []byte, text string) ([]byte, error) {
	if eval.CheckValue([]byte(text)) != nil {
		text = eval.Plain(text)
	}
	return append(to, text...), nil
}

func appendBinary(to, value []byte) ([]byte, error) {
	return eval.AppendQuoted(to, base64.StdEncoding.EncodeToString(value)), nil
}

func appendMap(to []byte, members imageAttributes) ([]byte, error) {
	to = append(to, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(eval.AppendQuoted(to, name), ':')
		var err error
		if to, err = appendValue(to, members[name]); err != nil {
			return nil, err
		}
	}
	return append(to, '}'), nil
}

func appendAll[T any](to []byte, elements []T, one func([]byte, T) ([]byte, error)) ([]byte, error) {
	to = append(to, '[')
	for i, element := range elements {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = one(to, element); err != nil {
			return nil, err
		}
	}
	return append(to, ']'), nil
}
