package usage

import (
	"strconv"
	"time"

	"github.com/appmint/appengine/shared/table"
)

const meterPart = "meter"

// counter is the counter item of one shard of one org.
type counter struct {
	windows
	Calls   totals           `json:"calls"`
	Minutes map[string]int64 `json:"minutes"` // by subject, of the current minute
	Hours   map[string]int64 `json:"hours"`   // by durable subject
	Days    map[string]int64 `json:"days"`    // by durable subject
	Refused refusals         `json:"refused"`
	Last    lastMonth        `json:"last"`
}

type totals struct {
	Minute int64 `json:"minute"`
	Hour   int64 `json:"hour"`
	Day    int64 `json:"day"`
	Month  int64 `json:"month"`
	All    int64 `json:"all"`
}

type refusals struct {
	Month int64 `json:"month"`
	All   int64 `json:"all"`
}

type lastMonth struct {
	Month   int64 `json:"month"`
	Calls   int64 `json:"calls"`
	Refused int64 `json:"refused"`
}

func counterKey(shard int) table.Key {
	return table.Key{Part: meterPart, Sort: strconv.Itoa(shard)}
}

func counterOf(item table.Item) (counter, error) {
	var c counter
	err := item.Doc.Decode(&c)
	return c, err
}

// at is the counter as it stands in other windows: those that are over count
// nothing any more.
func (c counter) at(now windows) counter {
	if c.Minute != now.Minute {
		c.Calls.Minute, c.Minutes = 0, nil
	}
	if c.Hour != now.Hour {
		c.Calls.Hour, c.Hours = 0, nil
	}
	if c.Day != now.Day {
		c.Calls.Day, c.Days = 0, nil
	}
	c.windows = now
	return c
}

// take is one call to be counted.
type take struct {
	key      table.Key
	now      windows
	limits   Windows
	subjects []counted
}

type counted struct {
	Subject
	field string
}

// first is the write that creates the item.
func (t take) first() (table.Op, error) {
	c := counter{
		windows: t.now, Calls: totals{Minute: 1, Hour: 1, Day: 1, Month: 1, All: 1},
		Minutes: t.ones(false), Hours: t.ones(true), Days: t.ones(true),
	}
	doc, err := table.NewDoc(c)
	return table.Put{Item: table.Item{Key: t.key, Doc: doc}, If: table.ItemMissing{}}, err
}

// next is the write that counts the call in an item whose windows are before:
// those that are over begin anew with this call, the others go on within their
// limits. It is refused when the item's windows are others by then.
func (t take) next(before windows) table.Op {
	m := table.Modify{
		Key: t.key, Upsert: true,
		Add: []table.Increment{{Path: table.Path{"calls", "all"}, By: 1}},
	}
	var conds table.And
	for _, w := range t.spans(before) {
		conds = append(conds, table.Compare{Path: table.Path{w.name}, Op: table.Equal, Value: w.before})
		if w.before == w.now {
			conds = append(conds, t.goOn(&m, w)...)
		} else {
			t.begin(&m, w)
		}
	}
	m.If = conds
	return m
}

// span is one of the four windows, with what is counted in it.
type span struct {
	name        string // of the window's id and of its total
	subjects    string // of the map by subject, "" for none
	durable     bool   // the map holds durable subjects only
	before, now int64
	limit       int64
	of          func(Windows) int64
}

func (t take) spans(before windows) []span {
	minute := func(w Windows) int64 { return w.Minute }
	hour := func(w Windows) int64 { return w.Hour }
	day := func(w Windows) int64 { return w.Day }
	return []span{
		{name: "minute", subjects: "minutes", before: before.Minute, now: t.now.Minute, limit: t.limits.Minute, of: minute},
		{name: "hour", subjects: "hours", durable: true, before: before.Hour, now: t.now.Hour, limit: t.limits.Hour, of: hour},
		{name: "day", subjects: "days", durable: true, before: before.Day, now: t.now.Day, limit: t.limits.Day, of: day},
		{name: "month", before: before.Month, now: t.now.Month},
	}
}

func (t take) begin(m *table.Modify, w span) {
	m.Set = append(m.Set,
		table.Assign{Path: table.Path{w.name}, Value: w.now},
		table.Assign{Path: table.Path{"calls", w.name}, Value: 1})
	if w.subjects != "" {
		m.Set = append(m.Set, table.Assign{Path: table.Path{w.subjects}, Value: t.ones(w.durable)})
		return
	}
	m.Set = append(m.Set,
		table.Assign{Path: table.Path{"last", "month"}, Value: w.before},
		table.Assign{Path: table.Path{"last", "calls"}, From: table.Path{"calls", "month"}},
		table.Assign{Path: table.Path{"last", "refused"}, From: table.Path{"refused", "month"}},
		table.Assign{Path: table.Path{"refused", "month"}, Value: 0})
}

func (t take) goOn(m *table.Modify, w span) []table.Cond {
	total := table.Path{"calls", w.name}
	m.Add = append(m.Add, table.Increment{Path: total, By: 1})
	var conds []table.Cond
	if w.limit > 0 {
		conds = append(conds, table.Compare{Path: total, Op: table.Less, Value: w.limit})
	}
	if w.subjects == "" {
		return conds
	}
	for _, s := range t.subjects {
		if w.durable && !s.durable() {
			continue
		}
		path := table.Path{w.subjects, s.field}
		m.Add = append(m.Add, table.Increment{Path: path, By: 1})
		if limit := w.of(s.Limit); limit > 0 {
			conds = append(conds, table.Or{table.Missing{Path: path}, table.Compare{Path: path, Op: table.Less, Value: limit}})
		}
	}
	return conds
}

func (t take) ones(durable bool) map[string]int64 {
	ones := make(map[string]int64, len(t.subjects))
	for _, s := range t.subjects {
		if !durable || s.durable() {
			ones[s.field] = 1
		}
	}
	return ones
}

// refuse is the write that counts a refused call.
func (t take) refuse() table.Op {
	return table.Modify{Key: t.key, Add: []table.Increment{
		{Path: table.Path{"refused", "month"}, By: 1}, {Path: table.Path{"refused", "all"}, By: 1},
	}}
}

// measure is one limit and how much of it is used.
type measure struct {
	scope string
	limit int64
	used  int64
	reset time.Time
}

// measures lists every limit that applies, with what the item says is used.
func (t take) measures(c counter) []measure {
	list := []measure{
		{"org", t.limits.Minute, c.Calls.Minute, minuteEnd(c.windows)},
		{"org", t.limits.Hour, c.Calls.Hour, hourEnd(c.windows)},
		{"org", t.limits.Day, c.Calls.Day, dayEnd(c.windows)},
	}
	for _, s := range t.subjects {
		scope := string(s.Kind)
		list = append(list, measure{scope, s.Limit.Minute, c.Minutes[s.field], minuteEnd(c.windows)})
		if s.durable() {
			list = append(list,
				measure{scope, s.Limit.Hour, c.Hours[s.field], hourEnd(c.windows)},
				measure{scope, s.Limit.Day, c.Days[s.field], dayEnd(c.windows)})
		}
	}
	return list
}

// exhausted returns the limit that refuses another call and stays so longest.
func exhausted(list []measure) (worst measure, found bool) {
	for _, m := range list {
		if m.limit > 0 && m.used >= m.limit && (!found || m.reset.After(worst.reset)) {
			worst, found = m, true
		}
	}
	return worst, found
}

// tightest returns the limit with the least left.
func tightest(list []measure) Decision {
	d := Decision{Allowed: true}
	for _, m := range list {
		left := max(0, m.limit-m.used)
		if m.limit > 0 && (d.Limit == 0 || left < d.Remaining) {
			d.Limit, d.Remaining, d.Reset, d.Scope = m.limit, left, m.reset, m.scope
		}
	}
	return d
}
