package table

import (
	"encoding/json"
	"fmt"
)

// Doc is the JSON text of one value, normally an object. In DynamoDB it is a
// native map (so filters can be pushed down and the console shows it); in Go
// it stays text, so a read passes bytes from storage to the response without
// decoding them, and numbers keep every digit.
type Doc []byte

// NewDoc encodes a value.
func NewDoc(value any) (Doc, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return text, nil
}

// MarshalJSON returns the text itself; an empty Doc is null.
func (d Doc) MarshalJSON() ([]byte, error) {
	if len(d) == 0 {
		return []byte("null"), nil
	}
	return d, nil
}

// UnmarshalJSON keeps a copy of the text.
func (d *Doc) UnmarshalJSON(text []byte) error {
	*d = append((*d)[:0], text...)
	return nil
}

// Decode reads the document into a value.
func (d Doc) Decode(into any) error {
	if err := json.Unmarshal(d, into); err != nil {
		return fmt.Errorf("decode document: %w", err)
	}
	return nil
}
