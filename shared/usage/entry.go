package usage

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// The partitions of entries and of the counters made of them.
const (
	entryPart = "usage"
	dayPart   = "usageday"
	routePart = "usageroute" // sort "<day>/<route>"
	userPart  = "usageuser"  // sort "<day>/<e-mail or id>"
	dayLayout = "2006-01-02"
)

// APICalls is the type of usage that every HTTP call is.
const APICalls = "api-calls"

// The states of an entry.
const (
	StatusSuccess = "success"
	StatusFailed  = "failed"
)

// Entry is one finished call. Org, RequestID and At are required; At is when
// the call began, the same at a repeat.
type Entry struct {
	Org       org.ID
	RequestID string
	At        time.Time
	AppID     string
	KeyID     string // id of the API key's record
	Email     string
	UserID    string
	Method    string
	Path      string // as called, for the price
	Route     string // as declared, for the reports: "GET /crm/tickets/{id}"
	Feature   string // "" means the first segment of the path
	Type      string // "" means APICalls
	Failed    bool   // a failed call costs nothing
	Duration  time.Duration
	BytesIn   int64
	BytesOut  int64
	Units     map[string]int64 // further things used, by type: "ai-tokens": 812
	Meta      map[string]any   // for people: capacity units, calls
	// Cost is set by the Recorder, from the catalogue, unless it is set already.
	Cost Micros
}

// id names the entry: its time, then a digest of the request id, so that a
// repeat of the same call names the same entry and entries sort by time.
func (e Entry) id() string {
	sum := sha256.Sum256([]byte(e.RequestID))
	var id ulid.ULID
	copy(id[6:], sum[:10])
	_ = id.SetTime(ulid.Timestamp(e.At)) // fails past the year 10889 only
	return entryPart + "-" + id.String()
}

func (e Entry) pillar() string {
	segments := patternOf(strings.TrimPrefix(e.Path, "/api/"))
	if len(segments) == 0 {
		return "root"
	}
	return clean(segments[0])
}

func (e Entry) feature() string {
	if e.Feature != "" {
		return clean(e.Feature)
	}
	return e.pillar()
}

func (e Entry) user() string {
	switch {
	case e.Email != "":
		return e.Email
	case e.UserID != "":
		return e.UserID
	}
	return "anonymous"
}

// Data is the payload of a usage record.
type Data struct {
	AppID      string         `json:"appId,omitempty"`
	AppKey     string         `json:"appKey,omitempty"`
	Email      string         `json:"email,omitempty"`
	Route      string         `json:"route"`
	Pillar     string         `json:"pillar"`
	Feature    string         `json:"feature"`
	Type       string         `json:"type"`
	Status     string         `json:"status"`
	DurationMs int64          `json:"durationMs"`
	BytesIn    int64          `json:"bytesIn"`
	BytesOut   int64          `json:"bytesOut"`
	TokenCost  Tokens         `json:"tokenCost"`
	DollarCost Micros         `json:"dollarCost"`
	Meta       map[string]any `json:"meta,omitempty"`
}

func (e Entry) record() record.Record[Data] {
	data := Data{
		AppID: e.AppID, AppKey: e.KeyID, Email: e.Email, Route: e.Route, Pillar: e.pillar(), Feature: e.feature(),
		Type: e.kind(), Status: StatusSuccess, DurationMs: e.Duration.Milliseconds(), BytesIn: e.BytesIn, BytesOut: e.BytesOut,
		TokenCost: Tokens(e.Cost), DollarCost: e.Cost, Meta: e.Meta,
	}
	if e.Failed {
		data.Status = StatusFailed
	}
	id, at := e.id(), record.At(e.At)
	return record.Record[Data]{
		PK: id, SK: id, Datatype: entryPart, Data: data, Version: 1, State: record.New,
		CreateDate: at, ModifyDate: at, Author: e.Email,
	}
}

func (e Entry) kind() string {
	if e.Type == "" {
		return APICalls
	}
	return e.Type
}

func (e Entry) put(expires time.Time) (table.Op, error) {
	doc, err := table.NewDoc(e.record())
	if err != nil {
		return nil, err
	}
	return table.Put{Item: table.Item{Key: table.Key{Part: entryPart, Sort: e.id()}, Doc: doc, Expires: expires}, If: table.ItemMissing{}}, nil
}

// clean makes a text fit to be part of a counter's name.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == '|' {
			return -1
		}
		return r
	}, text)
	return cut(text, 64)
}

// cut shortens to at most max bytes, never within a character.
func cut(text string, longest int) string {
	if len(text) <= longest {
		return strings.ToValidUTF8(text, "")
	}
	return strings.ToValidUTF8(text[:longest], "")
}

func errIncomplete(e Entry) error {
	return fmt.Errorf("usage entry of %q without org, request id or time", e.Route)
}
