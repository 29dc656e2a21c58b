// Package record is the envelope in which every record travels and is stored:
// BaseModel<T> of the wire, with the payload under data and everything else
// around it.
package record

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// State is the lifecycle state of a record. Unknown strings are accepted:
// custom workflows define their own.
type State string

// The states the platform itself uses.
const (
	Draft      State = "draft"
	New        State = "new"
	Pending    State = "pending"
	InProgress State = "inprogress"
	Reviewed   State = "reviewed"
	Approved   State = "approved"
	Published  State = "published"
	Completed  State = "completed"
	Hold       State = "hold"
	Rejected   State = "rejected"
	Cancelled  State = "cancelled"
	Archived   State = "archived"
	Deleted    State = "deleted"
)

// Record is a record with a typed payload. SK is the id clients use; PK carries
// the same value. Storage keys never appear here.
type Record[T any] struct {
	PK            string          `json:"pk"`
	SK            string          `json:"sk"`
	Name          string          `json:"name,omitempty"`
	Datatype      string          `json:"datatype"`
	Subschema     string          `json:"subschema,omitempty"`
	Data          T               `json:"data"`
	Version       int64           `json:"version"`
	State         State           `json:"state,omitempty"`
	CreateDate    Time            `json:"createdate,omitzero"`
	ModifyDate    Time            `json:"modifydate,omitzero"`
	PublishedDate Time            `json:"publishedDate,omitzero"`
	Author        string          `json:"author,omitempty"`
	CreatedBy     string          `json:"created_by,omitempty"`
	ModifiedBy    string          `json:"modified_by,omitempty"`
	Client        string          `json:"client,omitempty"`
	Owner         *Owner          `json:"owner,omitempty"`
	RequiredRole  *RequiredRole   `json:"requiredRole,omitempty"`
	Workflow      json.RawMessage `json:"workflow,omitempty"`
	Post          json.RawMessage `json:"post,omitempty"`
	Style         json.RawMessage `json:"style,omitempty"`
	Notes         []Note          `json:"notes,omitempty"`
	Rules         json.RawMessage `json:"rules,omitempty"`
	Stats         json.RawMessage `json:"stats,omitempty"`
	Share         json.RawMessage `json:"share,omitempty"`
	CRMAgent      string          `json:"crm_agent,omitempty"`
	CreateHash    string          `json:"create_hash,omitempty"`
	// The following belong to copies: history, published and trash records.
	SourceDatatype string `json:"sourceDatatype,omitempty"`
	SourceID       string `json:"sourceId,omitempty"`
	HistoryDate    Time   `json:"historyDate,omitzero"`
	PublishDate    Time   `json:"publishDate,omitzero"`
}

// Raw is a record whose payload is left as JSON text.
type Raw = Record[json.RawMessage]

// Owner points at the record's parent: {datatype, id, name, email}.
type Owner struct {
	Datatype string `json:"datatype,omitempty"`
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
}

// RequiredRole lists, for a verb, the roles one of which a caller must hold; an
// empty list asks for nothing.
type RequiredRole struct {
	Read    []string `json:"read,omitempty"`
	Create  []string `json:"create,omitempty"`
	Update  []string `json:"update,omitempty"`
	Delete  []string `json:"delete,omitempty"`
	Review  []string `json:"review,omitempty"`
	Approve []string `json:"approve,omitempty"`
}

// Note is a staff note on a record.
type Note struct {
	Author  string `json:"author,omitempty"`
	Comment string `json:"comment"`
	Date    Time   `json:"date,omitzero"`
}

// Typed decodes the payload of a raw record.
func Typed[T any](raw Raw) (Record[T], error) {
	var data T
	if len(raw.Data) > 0 {
		if err := json.Unmarshal(raw.Data, &data); err != nil {
			return Record[T]{}, fmt.Errorf("decode %s: %w", raw.Datatype, err)
		}
	}
	return with(raw, data), nil
}

// Untyped encodes the payload of a typed record.
func Untyped[T any](rec Record[T]) (Raw, error) {
	text, err := json.Marshal(rec.Data)
	if err != nil {
		return Raw{}, fmt.Errorf("encode %s: %w", rec.Datatype, err)
	}
	return with(rec, json.RawMessage(text)), nil
}

// with copies the envelope around another payload.
func with[A, B any](r Record[A], data B) Record[B] {
	return Record[B]{
		PK: r.PK, SK: r.SK, Name: r.Name, Datatype: r.Datatype, Subschema: r.Subschema, Data: data,
		Version: r.Version, State: r.State, CreateDate: r.CreateDate, ModifyDate: r.ModifyDate,
		PublishedDate: r.PublishedDate, Author: r.Author, CreatedBy: r.CreatedBy, ModifiedBy: r.ModifiedBy,
		Client: r.Client, Owner: r.Owner, RequiredRole: r.RequiredRole, Workflow: r.Workflow, Post: r.Post,
		Style: r.Style, Notes: r.Notes, Rules: r.Rules, Stats: r.Stats, Share: r.Share,
		CRMAgent: r.CRMAgent, CreateHash: r.CreateHash, SourceDatatype: r.SourceDatatype, SourceID: r.SourceID,
		HistoryDate: r.HistoryDate, PublishDate: r.PublishDate,
	}
}

// Time is an instant as the wire writes it: ISO 8601, UTC, milliseconds.
type Time struct{ time.Time }

// Layout is the canonical form; equal instants have equal texts, so texts sort
// as instants do.
const Layout = "2006-01-02T15:04:05.000Z"

// At is the wire form of an instant, cut to milliseconds.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// IsZero makes omitzero leave unset times out.
func (t Time) IsZero() bool { return t.Time.IsZero() }

// MarshalJSON writes the canonical form, null for the zero time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.UTC().Format(Layout) + `"`), nil
}

// UnmarshalJSON accepts any ISO 8601 date or date-time, epoch milliseconds, and
// null.
func (t *Time) UnmarshalJSON(text []byte) error {
	value := strings.Trim(string(text), `"`)
	if value == "null" || value == "" {
		*t = Time{}
		return nil
	}
	instant, ok := ParseTime(value)
	if !ok {
		return fmt.Errorf("%q is not a date", value)
	}
	*t = instant
	return nil
}

// ParseTime reads ISO 8601 (date-only included) or epoch milliseconds.
func ParseTime(text string) (Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return At(t), true
		}
	}
	if millis, err := json.Number(text).Int64(); err == nil && len(text) >= 10 {
		return At(time.UnixMilli(millis)), true
	}
	return Time{}, false
}
