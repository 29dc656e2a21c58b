package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/appmint/appengine/shared/fault"
)

// clientQuery is the member that shipped clients add to every JSON body they
// forward; it is not part of anybody's payload.
const clientQuery = "clientQuery"

// readJSON decodes a body into the input. An empty body is an empty object.
func (b *binder) readJSON(text []byte, in reflect.Value) error {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil
	}
	if b.body != nil {
		clean, err := withoutClientQuery(text)
		if err != nil {
			return err
		}
		return decode(clean, in.FieldByIndex(b.body.index).Addr().Interface())
	}
	if text[0] != '{' {
		if !json.Valid(text) {
			return ErrBadJSON
		}
		return ErrValidation.WithMessage("The request body must be a JSON object.")
	}
	return decode(text, in.Addr().Interface())
}

func decode(text []byte, into any) error {
	err := json.Unmarshal(text, into)
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType):
		message := fmt.Sprintf("%s must be %s.", orBody(wrongType.Field), kindName(wrongType.Type))
		return ErrValidation.WithMessage(message).WithDetails(fault.Detail{Field: wrongType.Field, Message: message, Code: "type"})
	case !json.Valid(text):
		return ErrBadJSON
	default: // a type's own UnmarshalJSON refused its text
		return ErrValidation.WithMessage("The request body has a value that cannot be read: " + err.Error() + ".")
	}
}

func orBody(field string) string {
	if field == "" {
		return "The request body"
	}
	return field
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a number"
	}
}

// withoutClientQuery removes the member from a body that is taken whole.
func withoutClientQuery(text []byte) ([]byte, error) {
	if text[0] != '{' || !bytes.Contains(text, []byte(`"`+clientQuery+`"`)) {
		return text, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, ErrBadJSON
	}
	delete(members, clientQuery)
	clean, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("encode body: %w", err)
	}
	return clean, nil
}
