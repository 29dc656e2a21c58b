package filter

import (
	"bytes"
	"encoding/json"
	"slices"
)

// literal makes an operand of a decoded JSON value; {"$date": …} and
// {"$oid": …} stand for what they hold.
func literal(operand any) (value, error) {
	if object, ok := operand.(map[string]any); ok && len(object) == 1 {
		for _, key := range []string{"$date", "$oid"} {
			if inner, ok := object[key]; ok {
				operand = inner
			}
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(operand); err != nil {
		return value{}, refuse("A value of the filter cannot be read.")
	}
	return valueOf(bytes.TrimSpace(b.Bytes())), nil
}

func literals(op string, operand any) ([]value, error) {
	list, ok := operand.([]any)
	if !ok || len(list) > listMax {
		return nil, refuse("%s needs a list of at most %d values.", op, listMax)
	}
	values := make([]value, len(list))
	for i, v := range list {
		want, err := literal(v)
		if err != nil {
			return nil, err
		}
		values[i] = want
	}
	return values, nil
}

func truthy(operand any) bool {
	switch operand := operand.(type) {
	case bool:
		return operand
	case json.Number:
		f, err := operand.Float64()
		return err != nil || f != 0
	case string:
		return operand != "" && operand != "false"
	case nil:
		return false
	}
	return true
}

func wholeNumber(operand any) (int64, bool) {
	number, ok := operand.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return n, err == nil
}

func modTest(operand any) (test, error) {
	list, ok := operand.([]any)
	if !ok || len(list) != 2 {
		return nil, refuse("$mod needs [divisor, remainder].")
	}
	divisor, ok1 := wholeNumber(list[0])
	remainder, ok2 := wholeNumber(list[1])
	if !ok1 || !ok2 || divisor == 0 {
		return nil, refuse("$mod needs whole numbers and a divisor other than zero.")
	}
	return modulo{divisor, remainder}, nil
}

func typeTest(operand any) (test, error) {
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	names := make([]string, 0, len(list))
	for _, v := range list {
		name, ok := typeName(v)
		if !ok {
			return nil, refuse("$type needs string, number, int, long, double, decimal, bool, object, array, date or null.")
		}
		names = append(names, name)
	}
	return typed{names}, nil
}

// typeName reads the name of a type, or its number in BSON.
func typeName(v any) (string, bool) {
	if number, ok := v.(json.Number); ok {
		switch number {
		case "1":
			return "double", true
		case "2":
			return "string", true
		case "3":
			return "object", true
		case "4":
			return "array", true
		case "8":
			return "bool", true
		case "9":
			return "date", true
		case "10":
			return "null", true
		case "16", "18":
			return "int", true
		}
		return "", false
	}
	name, ok := v.(string)
	known := []string{"string", "number", "int", "long", "double", "decimal", "bool", "object", "array", "date", "null"}
	return name, ok && slices.Contains(known, name)
}
