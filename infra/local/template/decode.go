package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// into resolves properties and decodes them into a struct; the error names
// the property.
func (r *resolver) into(properties any, target any) error {
	resolved, err := r.resolve(properties)
	if err != nil {
		return err
	}
	source, err := json.Marshal(resolved)
	if err != nil {
		return fmt.Errorf("encode properties: %w", err)
	}
	if err := json.Unmarshal(source, target); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			return fmt.Errorf("%s: a %s does not fit", mismatch.Field, mismatch.Value)
		}
		return err
	}
	return nil
}

// number is an integer that may be written as a string, as CloudFormation
// allows everywhere.
type number int

// UnmarshalJSON accepts 3 and "3".
func (n *number) UnmarshalJSON(source []byte) error {
	value, err := strconv.Atoi(unquoted(source))
	if err != nil {
		return fmt.Errorf("want an integer, got %s", source)
	}
	*n = number(value)
	return nil
}

// flag is a boolean that may be written as a string.
type flag bool

// UnmarshalJSON accepts true and "true".
func (f *flag) UnmarshalJSON(source []byte) error {
	value, err := strconv.ParseBool(unquoted(source))
	if err != nil {
		return fmt.Errorf("want true or false, got %s", source)
	}
	*f = flag(value)
	return nil
}

// scalarText is a string that may be written as a number or a boolean.
type scalarText string

// UnmarshalJSON accepts any scalar.
func (s *scalarText) UnmarshalJSON(source []byte) error {
	var value any
	if err := json.Unmarshal(source, &value); err != nil {
		return err
	}
	switch value.(type) {
	case string, float64, bool:
		*s = scalarText(unquoted(source))
		return nil
	default:
		return fmt.Errorf("want a string, got %s", source)
	}
}

func unquoted(source []byte) string {
	var text string
	if json.Unmarshal(source, &text) == nil {
		return text
	}
	return string(source)
}

// document is a JSON object that may be written as a string of JSON.
type document json.RawMessage

// UnmarshalJSON accepts an object and a string that contains one.
func (d *document) UnmarshalJSON(source []byte) error {
	var text string
	if json.Unmarshal(source, &text) == nil {
		source = []byte(text)
		if !json.Valid(source) {
			return fmt.Errorf("want JSON, got %s", text)
		}
	}
	*d = append(document{}, source...)
	return nil
}

func seconds(n number) time.Duration { return time.Duration(n) * time.Second }

// or returns the number, or a default when it was left out.
func (n *number) or(missing int) int {
	if n == nil {
		return missing
	}
	return int(*n)
}

// enabled reads the two ways in which a source can be switched off.
func enabled(on *flag, state string) bool { return (on == nil || bool(*on)) && state != "DISABLED" }
