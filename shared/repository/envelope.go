package repository

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

// EnvelopeOf returns the events that one change of the table announces, none
// for most changes: those of the outbox that is new with it. The record inside
// is the one written; for a deletion, which rides on the trash record (or, when
// there is no trash, on an outbox item), the record as it was. Secrets are
// stripped. An envelope over event.PayloadMax loses the previous record first
// and then all of the record but its identity.
func EnvelopeOf(change table.Change) ([]event.Envelope, error) {
	if change.New == nil || len(change.New.Outbox) == 0 {
		return nil, nil
	}
	if change.Old != nil && string(change.Old.Outbox) == string(change.New.Outbox) {
		return nil, nil
	}
	var seeds []event.Seed
	if err := change.New.Outbox.Decode(&seeds); err != nil {
		return nil, fmt.Errorf("outbox of %s: %w", change.Key.Sort, err)
	}
	tenant, part, ok := strings.Cut(change.Key.Part, table.Separator)
	if !ok {
		return nil, fmt.Errorf("outbox of %s: no org in the key", change.Key.Sort)
	}
	e := event.Envelope{Org: org.ID(tenant), OrgID: org.ID(tenant)}
	e.Data = announced(part, change.New.Doc)
	if change.Old != nil {
		e.Previous = json.RawMessage(withoutShare(redact(change.Old.Doc)))
	}
	e.Datatype, e.RecordID = filter.Text(e.Data, "datatype"), filter.Text(e.Data, "sk")
	if version, err := strconv.ParseInt(string(filter.Get(e.Data, "version")), 10, 64); err == nil {
		e.Version = version
	}
	list := make([]event.Envelope, len(seeds))
	for i, s := range seeds {
		list[i] = fit(seeded(e, s))
	}
	return list, nil
}

// announced is the record that an item's events are about.
func announced(part string, doc table.Doc) json.RawMessage {
	if part == datatypeTrash {
		if original := filter.Get(doc, "data", "data"); original != nil {
			doc = original
		}
	}
	return json.RawMessage(withoutShare(redact(doc)))
}

func seeded(e event.Envelope, s event.Seed) event.Envelope {
	e.ID, e.Name, e.OccurredAt, e.Actor = s.ID, s.Name, s.At, s.Actor
	e.Source, e.Depth, e.Changed, e.Payload = s.Source, s.Depth, s.Changed, s.Payload
	if e.Source == "" {
		e.Source = "api"
	}
	return e
}

// overhead is room for the envelope's own members, in bytes.
const overhead = 2 << 10

func fit(e event.Envelope) event.Envelope {
	size := func() int {
		return overhead + len(e.Data) + len(e.Previous) + len(e.Payload) + 40*len(e.Changed)
	}
	if size() > event.PayloadMax {
		e.Previous = nil
	}
	if size() <= event.PayloadMax {
		return e
	}
	identity, err := json.Marshal(map[string]any{"pk": e.RecordID, "sk": e.RecordID, "datatype": e.Datatype, "version": e.Version})
	if err == nil {
		e.Data, e.Truncated = identity, true
	}
	return e
}
