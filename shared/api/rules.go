package api

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/appmint/appengine/shared/fault"
)

// rules are a field's validation tags. The same values are enforced and printed
// into the OpenAPI document.
type rules struct {
	required       bool
	minLen, maxLen int
	min, max       *float64
	enum           []string
}

func newRules(tag reflect.StructTag) rules {
	r := rules{required: tag.Get("required") == "true"}
	r.minLen, _ = strconv.Atoi(tag.Get("minLen"))
	r.maxLen, _ = strconv.Atoi(tag.Get("maxLen"))
	r.min = number(tag.Get("min"))
	r.max = number(tag.Get("max"))
	if list := tag.Get("enum"); list != "" {
		r.enum = strings.Split(list, ",")
	}
	return r
}

func number(text string) *float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return &n
}

// check returns the complaints about a value; an absent optional value has none.
func (r rules) check(name string, v reflect.Value) []fault.Detail {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if isAbsent(v) {
		if r.required {
			return []fault.Detail{{Field: name, Message: name + " is required.", Code: "required"}}
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		return r.checkText(name, v.String())
	case reflect.Int, reflect.Int64, reflect.Int32:
		return r.checkNumber(name, float64(v.Int()))
	case reflect.Float64:
		return r.checkNumber(name, v.Float())
	case reflect.Slice, reflect.Map:
		return r.checkLength(name, v.Len(), "entries")
	default:
		return nil
	}
}

func isAbsent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return strings.TrimSpace(v.String()) == ""
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

func (r rules) checkText(name, text string) []fault.Detail {
	if len(r.enum) > 0 && !slices.Contains(r.enum, text) {
		return []fault.Detail{{Field: name, Message: fmt.Sprintf("%s must be one of %s.", name, strings.Join(r.enum, ", ")), Code: "enum"}}
	}
	return r.checkLength(name, utf8.RuneCountInString(text), "characters")
}

func (r rules) checkLength(name string, n int, unit string) []fault.Detail {
	if r.maxLen > 0 && n > r.maxLen {
		return []fault.Detail{{Field: name, Message: fmt.Sprintf("%s must have at most %d %s.", name, r.maxLen, unit), Code: "maxLength"}}
	}
	if n < r.minLen {
		return []fault.Detail{{Field: name, Message: fmt.Sprintf("%s must have at least %d %s.", name, r.minLen, unit), Code: "minLength"}}
	}
	return nil
}

func (r rules) checkNumber(name string, n float64) []fault.Detail {
	if r.min != nil && n < *r.min {
		return []fault.Detail{{Field: name, Message: fmt.Sprintf("%s must be at least %v.", name, *r.min), Code: "minimum"}}
	}
	if r.max != nil && n > *r.max {
		return []fault.Detail{{Field: name, Message: fmt.Sprintf("%s must be at most %v.", name, *r.max), Code: "maximum"}}
	}
	return nil
}

// setTexts stores a parameter's texts into a field; the answer is a complaint,
// or "".
func setTexts(target reflect.Value, texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	if target.Kind() == reflect.Slice && target.Type().Elem().Kind() == reflect.String {
		for _, t := range texts {
			for _, part := range strings.Split(t, ",") {
				target.Set(reflect.Append(target, reflect.ValueOf(strings.TrimSpace(part)).Convert(target.Type().Elem())))
			}
		}
		return ""
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		target = target.Elem()
	}
	return setText(target, texts[0])
}

func setText(target reflect.Value, text string) string {
	switch target.Kind() {
	case reflect.String:
		target.SetString(text)
	case reflect.Bool:
		target.SetBool(text == "true" || text == "1")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Sprintf("must be a whole number, not %q.", text)
		}
		target.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Sprintf("must be a number, not %q.", text)
		}
		target.SetFloat(n)
	default:
		if u, ok := target.Addr().Interface().(interface{ UnmarshalText([]byte) error }); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				return fmt.Sprintf("cannot be read from %q: %v.", text, err)
			}
		}
	}
	return ""
}
