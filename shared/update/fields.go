package update

import (
	"encoding/json"
	"strings"

	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
)

// maker builds what an operator does to one field, or refuses the operand.
type maker func(name string, operand any) (func(target) error, error)

func operators() map[string]maker {
	return map[string]maker{
		"$set": set, "$setOnInsert": set, "$unset": unset, "$inc": arithmetic("$inc", add), "$mul": arithmetic("$mul", multiply),
		"$min": bound("$min"), "$max": bound("$max"), "$rename": rename, "$currentDate": currentDate,
		"$push": push, "$addToSet": addToSet, "$pop": pop, "$pull": pull, "$pullAll": pullAll,
	}
}

func (t target) change(create bool, c change) error {
	_, err := rewrite(t.doc, t.path, create, c)
	return err
}

func set(_ string, operand any) (func(target) error, error) {
	return func(t target) error {
		return t.change(true, func(any, bool) (any, bool, error) { return clone(operand), true, nil })
	}, nil
}

func unset(string, any) (func(target) error, error) {
	return func(t target) error {
		return t.change(false, func(any, bool) (any, bool, error) { return nil, false, nil })
	}, nil
}

// arithmetic is an operator on numbers; a field that is missing counts as zero.
func arithmetic(op string, combine func(a, b json.Number) (json.Number, error)) maker {
	return func(name string, operand any) (func(target) error, error) {
		by, ok := operand.(json.Number)
		if !ok {
			return nil, refuse("%s of %q needs a number.", op, name)
		}
		return func(t target) error {
			return t.change(true, func(old any, had bool) (any, bool, error) {
				if !had {
					old = json.Number("0")
				}
				number, ok := old.(json.Number)
				if !ok {
					return old, true, refuse("%s needs a number in the field %q.", op, name)
				}
				result, err := combine(number, by)
				return result, true, err
			})
		}, nil
	}
}

// bound keeps the lesser or the greater of the stored value and the operand.
func bound(op string) maker {
	return func(name string, operand any) (func(target) error, error) {
		if !scalar(operand) {
			return nil, refuse("%s of %q compares numbers, texts, dates and booleans.", op, name)
		}
		text, err := encode(operand)
		if err != nil {
			return nil, err
		}
		return func(t target) error {
			return t.change(true, func(old any, had bool) (any, bool, error) {
				if !had {
					return operand, true, nil
				}
				stored, err := encode(old)
				c := filter.Compare(text, stored)
				if op == "$min" && c < 0 || op == "$max" && c > 0 {
					return operand, true, err
				}
				return old, true, err
			})
		}, nil
	}
}

func scalar(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func rename(name string, operand any) (func(target) error, error) {
	text, ok := operand.(string)
	if !ok || text == "" {
		return nil, refuse("$rename of %q needs the new name of the field.", name)
	}
	to := strings.Split(text, ".")
	return func(t target) error {
		value, had := lookup(t.doc, t.path)
		if !had {
			return nil
		}
		if err := t.change(false, func(any, bool) (any, bool, error) { return nil, false, nil }); err != nil {
			return err
		}
		return target{doc: t.doc, path: to}.change(true, func(any, bool) (any, bool, error) { return value, true, nil })
	}, nil
}

// currentDate sets the time of the update, in the form of all dates.
func currentDate(name string, operand any) (func(target) error, error) {
	kind, isObject := operand.(map[string]any)
	valid := operand == true || isObject && len(kind) == 1 && (kind["$type"] == "date" || kind["$type"] == "timestamp")
	if !valid {
		return nil, refuse("$currentDate of %q needs true.", name)
	}
	return func(t target) error {
		now := t.ctx.Now.UTC().Format(record.Layout)
		return t.change(true, func(any, bool) (any, bool, error) { return now, true, nil })
	}, nil
}
