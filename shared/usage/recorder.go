package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

// Retention is how long entries and their counters are kept unless configured
// otherwise: a year and a month, for comparisons with the year before.
const Retention = 400 * 24 * time.Hour

// entriesMax is how many entries go into one transaction: each needs up to
// three writes beside the one of its day.
const entriesMax = 24

// Recorder writes the entries of finished calls together with the counters of
// their day, route and user. An entry is counted once, however often it is
// recorded. It announces no events.
type Recorder struct {
	table     table.Table
	catalogue *Catalogue
	retention time.Duration
}

// NewRecorder builds a recorder; retention 0 means Retention.
func NewRecorder(t table.Table, catalogue *Catalogue, retention time.Duration) *Recorder {
	if retention <= 0 {
		retention = Retention
	}
	return &Recorder{table: t, catalogue: catalogue, retention: retention}
}

// Record writes one entry: one transaction.
func (r *Recorder) Record(ctx context.Context, e Entry) error { return r.RecordAll(ctx, []Entry{e}) }

// RecordAll writes entries, those of one org together: cheaper than one by one,
// for hosts that live long enough to collect some. An entry that was recorded
// before changes nothing and is no error.
func (r *Recorder) RecordAll(ctx context.Context, entries []Entry) error {
	byOrg := map[org.ID][]Entry{}
	var failed []error
	for _, e := range entries {
		if e.Org == "" || e.RequestID == "" || e.At.IsZero() {
			failed = append(failed, errIncomplete(e))
			continue
		}
		priced, err := r.price(ctx, e)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		byOrg[e.Org] = append(byOrg[e.Org], priced)
	}
	for id, list := range byOrg {
		for chunk := range slices.Chunk(list, entriesMax) {
			failed = append(failed, r.write(ctx, table.Of(r.table, id), chunk))
		}
	}
	return errors.Join(failed...)
}

func (r *Recorder) price(ctx context.Context, e Entry) (Entry, error) {
	if e.Failed || e.Cost != 0 || e.kind() != APICalls {
		return e, nil
	}
	cost, err := r.catalogue.Cost(ctx, e.Method, e.Path)
	e.Cost = cost
	return e, err
}

// write stores entries and counters in one transaction, leaving out those that
// turn out to be there already.
func (r *Recorder) write(ctx context.Context, t table.Tenant, entries []Entry) error {
	entries = distinct(entries)
	for len(entries) > 0 {
		ops, err := r.ops(entries)
		if err != nil {
			return err
		}
		err = t.Transact(ctx, "", ops...)
		var refused *table.Refused
		if !errors.As(err, &refused) || refused.Index >= len(entries) {
			if err != nil {
				return fmt.Errorf("record usage: %w", err)
			}
			return nil
		}
		entries = slices.Delete(entries, refused.Index, refused.Index+1)
	}
	return nil
}

func distinct(entries []Entry) []Entry {
	seen := make(map[string]bool, len(entries))
	kept := make([]Entry, 0, len(entries))
	for _, e := range entries {
		if id := e.id(); !seen[id] {
			seen[id] = true
			kept = append(kept, e)
		}
	}
	return kept
}

// ops are the entries first, in their order, then the counters.
func (r *Recorder) ops(entries []Entry) ([]table.Op, error) {
	var ops []table.Op
	sums := map[table.Key]map[string]int64{}
	expires := map[table.Key]time.Time{}
	for _, e := range entries {
		until := e.At.Add(r.retention)
		put, err := e.put(until)
		if err != nil {
			return nil, err
		}
		ops = append(ops, put)
		for key, counts := range e.counts() {
			if sums[key] == nil {
				sums[key] = map[string]int64{}
			}
			for name, by := range counts {
				sums[key][name] += by
			}
			expires[key] = until
		}
	}
	for key, counts := range sums {
		m := table.Modify{Key: key, Upsert: true, Expires: expires[key]}
		if key.Part == keyPart {
			m.Set = []table.Assign{{Path: table.Path{lastUsed}, Value: expires[key].Add(-r.retention).UnixMilli()}}
		}
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			m.Add = append(m.Add, table.Increment{Path: table.Path{name}, By: counts[name]})
		}
		ops = append(ops, m)
	}
	return ops, nil
}

// Names of counters. Those of a feature or unit are behind its name and a bar,
// since all members of an item are at its top: an increment needs no parent.
const (
	countCalls  = "calls"
	countFailed = "failed"
	countIn     = "bytesIn"
	countOut    = "bytesOut"
	countCost   = "micros"
	featurePre  = "f|"
	unitPre     = "u|"
)

// counts are the increments of one entry, by counter item.
func (e Entry) counts() map[table.Key]map[string]int64 {
	day := e.At.UTC().Format(dayLayout)
	basic := map[string]int64{countCalls: 1, countCost: int64(e.Cost)}
	if e.Failed {
		basic[countFailed] = 1
	}
	whole := maps.Clone(basic)
	whole[countIn], whole[countOut] = e.BytesIn, e.BytesOut
	for name, by := range basic {
		whole[featurePre+e.feature()+"|"+name] = by
	}
	for unit, by := range e.Units {
		whole[unitPre+clean(unit)+"|"+countCalls] = by
	}
	if e.kind() != APICalls {
		whole[unitPre+clean(e.kind())+"|"+countCost] = int64(e.Cost)
	}
	counts := map[table.Key]map[string]int64{
		{Part: dayPart, Sort: day}:                             whole,
		{Part: routePart, Sort: day + "/" + cut(e.Route, 512)}: basic,
		{Part: userPart, Sort: day + "/" + cut(e.user(), 512)}: maps.Clone(basic),
	}
	if e.KeyID != "" {
		counts[table.Key{Part: keyPart, Sort: e.KeyID}] = map[string]int64{countCalls: 1}
	}
	return counts
}
