// Package schedule runs functions at times: EventBridge's scheduled rules and
// EventBridge Scheduler, with their rate, cron and at expressions, in any
// time zone.
package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// Expression is a parsed schedule expression. It is immutable.
type Expression struct {
	every time.Duration        // rate
	cron  *cronexpr.Expression // cron, on wall-clock time
	at    time.Time            // at
	zone  *time.Location
}

var ratePattern = regexp.MustCompile(`^rate\((\d+) (minute|minutes|hour|hours|day|days)\)$`)

// Parse reads rate(…), cron(…) or at(…). Zone is an IANA name; empty means UTC.
func Parse(source, zone string) (Expression, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return Expression{}, fmt.Errorf("schedule %s: %w", source, err)
	}
	e := Expression{zone: location}
	kind, argument, _ := strings.Cut(strings.TrimSuffix(source, ")"), "(")
	switch {
	case !strings.HasSuffix(source, ")"):
		err = errors.New("want rate(…), cron(…) or at(…)")
	case kind == "rate":
		e.every, err = parseRate(source)
	case kind == "cron":
		e.cron, err = parseCron(argument)
	case kind == "at":
		e.at, err = time.ParseInLocation("2006-01-02T15:04:05", argument, location)
	default:
		err = errors.New("want rate(…), cron(…) or at(…)")
	}
	if err != nil {
		return Expression{}, fmt.Errorf("schedule %s: %w", source, err)
	}
	return e, nil
}

// parseRate holds to the service's grammar: 1 minute, but 2 minutes.
func parseRate(source string) (time.Duration, error) {
	parts := ratePattern.FindStringSubmatch(source)
	if parts == nil {
		return 0, errors.New("want a number and minutes, hours or days")
	}
	count, err := strconv.Atoi(parts[1])
	if err != nil || count < 1 || count > 100_000 {
		return 0, fmt.Errorf("%s is not a possible count", parts[1])
	}
	if (count == 1) == strings.HasSuffix(parts[2], "s") {
		return 0, errors.New("one takes the singular, more take the plural")
	}
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(parts[2], "s")]
	return time.Duration(count) * unit, nil
}

// parseCron reads AWS's six fields: minutes, hours, day of month, month, day
// of week, year. Numeric weekdays run from 1 for Sunday, not from 0.
func parseCron(source string) (*cronexpr.Expression, error) {
	fields := strings.Fields(source)
	if len(fields) != 6 {
		return nil, fmt.Errorf("want 6 fields, got %d", len(fields))
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, errors.New("exactly one of day-of-month and day-of-week must be ?")
	}
	for i, field := range fields {
		if field == "?" && i != 2 && i != 4 {
			return nil, errors.New("? stands only for a day")
		}
	}
	var err error
	if fields[4], err = shiftWeekdays(fields[4]); err != nil {
		return nil, err
	}
	return cronexpr.Parse(strings.Join(fields, " "))
}

var weekdayPattern = regexp.MustCompile(`^(\*|\?|L|[A-Za-z]{3}|[0-9]+L?)(-[A-Za-z0-9]+)?([/#][0-9]+)?$`)

// shiftWeekdays lowers the numbers of a weekday field by one: those that name
// days, and not those after a slash or a hash.
func shiftWeekdays(field string) (string, error) {
	items := strings.Split(field, ",")
	for i, item := range items {
		parts := weekdayPattern.FindStringSubmatch(item)
		if parts == nil {
			return "", fmt.Errorf("day of week %q is malformed", item)
		}
		from, err := shiftDay(parts[1])
		if err != nil {
			return "", err
		}
		to := ""
		if parts[2] != "" {
			if to, err = shiftDay(parts[2][1:]); err != nil {
				return "", err
			}
			to = "-" + to
		}
		items[i] = from + to + parts[3]
	}
	return strings.Join(items, ","), nil
}

func shiftDay(text string) (string, error) {
	digits, last := strings.CutSuffix(text, "L")
	if text == "L" {
		return "6", nil // the last day of the week is Saturday
	}
	day, err := strconv.Atoi(digits)
	if err != nil {
		return text, nil //nolint:nilerr // a name or a wildcard
	}
	if day < 1 || day > 7 {
		return "", fmt.Errorf("day of week %d is not 1 to 7", day)
	}
	shifted := strconv.Itoa(day - 1)
	if last {
		shifted += "L"
	}
	return shifted, nil
}

// Next returns the first time after a moment, zero when there is none. Rates
// count from start, which is when the schedule began.
func (e Expression) Next(after, start time.Time) time.Time {
	switch {
	case e.every > 0:
		if after.Before(start) {
			return start.Add(e.every)
		}
		return start.Add(after.Sub(start).Truncate(e.every) + e.every)
	case e.cron != nil:
		return e.nextCron(after)
	case e.at.After(after):
		return e.at
	default:
		return time.Time{}
	}
}

// nextCron looks for the next wall-clock time and then for the moment at which
// the zone's clocks show it. As in the service, a time that a change to summer
// time skips is skipped, and one that occurs twice counts once.
func (e Expression) nextCron(after time.Time) time.Time {
	wall := asUTC(after.In(e.zone))
	for {
		wall = e.cron.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		moment := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, e.zone)
		if asUTC(moment).Equal(wall) && moment.After(after) {
			return moment
		}
	}
}

// asUTC keeps what the clock shows and forgets where it hangs.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
