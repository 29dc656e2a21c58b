package aggregate

import (
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/record"
)

func instant(t time.Time) string { return t.UTC().Format(record.Layout) }

func timeOf(value any) (time.Time, bool) {
	t, ok := record.ParseTime(textOf(value))
	return t.UTC(), ok
}

func dated() map[string]function {
	part := func(of func(time.Time) int) function {
		return function{1, 1, func(v []any) (any, error) {
			if v[0] == nil {
				return nil, nil
			}
			t, ok := timeOf(v[0])
			if !ok {
				return nil, refuse("%q is not a date.", textOf(v[0]))
			}
			return whole(of(t)), nil
		}}
	}
	return map[string]function{
		"$year": part(time.Time.Year), "$month": part(func(t time.Time) int { return int(t.Month()) }),
		"$dayOfMonth": part(time.Time.Day), "$dayOfYear": part(time.Time.YearDay), "$hour": part(time.Time.Hour),
		"$minute": part(time.Time.Minute), "$second": part(time.Time.Second),
		"$dayOfWeek": part(func(t time.Time) int { return int(t.Weekday()) + 1 }),
		"$toDate":    {1, 1, toDate},
	}
}

func toDate(v []any) (any, error) {
	if v[0] == nil {
		return nil, nil
	}
	t, ok := timeOf(v[0])
	if !ok {
		return nil, refuse("%q is not a date.", textOf(v[0]))
	}
	return instant(t), nil
}

// dateToString is {date, format}, with format in the usual letters.
func dateToString(operand any, depth int) (expr, error) {
	object, ok := operand.(map[string]any)
	if !ok || object["date"] == nil {
		return nil, refuse("$dateToString needs date, and may have format.")
	}
	format, given := object["format"].(string)
	if !given {
		format = "%Y-%m-%dT%H:%M:%S.%LZ"
	}
	if zone, has := object["timezone"]; has && zone != "UTC" && zone != "GMT" {
		return nil, refuse("$dateToString knows the timezone UTC only.")
	}
	date, err := parseExpr(object["date"], depth)
	return func(s scope) (any, bool, error) {
		value, _, err := date(s)
		if err != nil || value == nil {
			return nil, true, err
		}
		t, ok := timeOf(value)
		if !ok {
			return nil, false, refuse("%q is not a date.", textOf(value))
		}
		return formatted(t, format), true, nil
	}, err
}

func formatted(t time.Time, format string) string {
	year, week := t.ISOWeek()
	weekday := (int(t.Weekday())+6)%7 + 1
	return strings.NewReplacer(
		"%%", "%", "%Y", fmt.Sprintf("%04d", t.Year()), "%m", t.Format("01"), "%d", t.Format("02"), "%H", t.Format("15"),
		"%M", t.Format("04"), "%S", t.Format("05"), "%L", t.Format(".000")[1:], "%j", fmt.Sprintf("%03d", t.YearDay()),
		"%u", fmt.Sprint(weekday), "%w", fmt.Sprint(int(t.Weekday())+1), "%V", fmt.Sprintf("%02d", week), "%G", fmt.Sprintf("%04d", year),
		"%z", "+0000",
	).Replace(format)
}
