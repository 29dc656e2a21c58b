// Package stream converts between changes of the table and the records in which
// DynamoDB streams deliver them to a function. It works on text: a document
// becomes attribute values and back without being decoded in between, and
// numbers keep every digit. It needs no AWS client, so the local stream can
// speak the same language as the deployed one.
package stream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// Attribute names of an item; the dynamo adapter and template.yaml use the same.
const (
	AttrPart    = "PK"
	AttrSort    = "SK"
	AttrDoc     = "doc"
	AttrOutbox  = "outbox"
	AttrExpires = "ttl"
	AttrBlob    = "blob"
)

var errRecord = errors.New("stream record is not readable")

// Changes reads the payload of a stream invocation, in its order. Change.ID is
// the record's sequence number, by which a batch reports where to start again.
func Changes(payload []byte) ([]table.Change, error) {
	if !gjson.ValidBytes(payload) {
		return nil, errRecord
	}
	var changes []table.Change
	var wrong error
	gjson.GetBytes(payload, "Records").ForEach(func(_, record gjson.Result) bool {
		var c table.Change
		if c, wrong = changeOf(record); wrong == nil {
			changes = append(changes, c)
		}
		return wrong == nil
	})
	return changes, wrong
}

// Blobs are the keys of the objects that hold the documents of a change's
// images, "" where the document is in the image itself or there is none.
type Blobs struct {
	Old, New string
}

// BlobsOf reads them from the payload that Changes reads, one for each change.
// The images of a large document have no Doc; the dynamo adapter's Complete
// loads it.
func BlobsOf(payload []byte) []Blobs {
	var blobs []Blobs
	gjson.GetBytes(payload, "Records").ForEach(func(_, record gjson.Result) bool {
		body := record.Get("dynamodb")
		blobs = append(blobs, Blobs{
			Old: body.Get("OldImage." + AttrBlob + ".S").Str,
			New: body.Get("NewImage." + AttrBlob + ".S").Str,
		})
		return true
	})
	return blobs
}

func changeOf(record gjson.Result) (table.Change, error) {
	body := record.Get("dynamodb")
	c := table.Change{
		ID:  body.Get("SequenceNumber").Str,
		Key: table.Key{Part: body.Get("Keys." + AttrPart + ".S").Str, Sort: body.Get("Keys." + AttrSort + ".S").Str},
		At:  time.UnixMilli(int64(body.Get("ApproximateCreationDateTime").Num * 1000)).UTC(),
	}
	if c.ID == "" || c.Key.Part == "" {
		return c, fmt.Errorf("record %s: %w", record.Get("eventID").Str, errRecord)
	}
	var err error
	if c.New, err = itemOf(c.Key, body.Get("NewImage")); err != nil {
		return c, err
	}
	c.Old, err = itemOf(c.Key, body.Get("OldImage"))
	return c, err
}

// itemOf reads an image; nil when there is none.
func itemOf(key table.Key, image gjson.Result) (*table.Item, error) {
	if !image.Exists() {
		return nil, nil
	}
	item := &table.Item{Key: key, Outbox: table.Doc(image.Get(AttrOutbox + ".S").Str)}
	if doc := image.Get(AttrDoc); doc.Exists() {
		text, err := appendValue(nil, doc)
		if err != nil {
			return nil, fmt.Errorf("item %s/%s: %w", key.Part, key.Sort, err)
		}
		item.Doc = text
	}
	for _, name := range table.IndexNames() {
		if value := image.Get(name + ".S"); value.Exists() {
			if item.Index == nil {
				item.Index = map[string]string{}
			}
			item.Index[name] = value.Str
		}
	}
	if expires := image.Get(AttrExpires + ".N"); expires.Exists() {
		item.Expires = eval.ExpiryTime(expires.Int())
	}
	return item, nil
}

// appendValue writes an attribute value as JSON.
func appendValue(dst []byte, av gjson.Result) ([]byte, error) {
	var kind string
	var value gjson.Result
	av.ForEach(func(k, v gjson.Result) bool { kind, value = k.Str, v; return false })
	switch kind {
	case "S", "BOOL":
		return append(dst, value.Raw...), nil
	case "N":
		return append(dst, value.Str...), nil
	case "NULL":
		return append(dst, "null"...), nil
	case "M":
		return appendMembers(dst, value)
	case "L":
		return appendElements(dst, value)
	}
	return nil, fmt.Errorf("attribute of type %q: %w", kind, errRecord)
}

func appendMembers(dst []byte, members gjson.Result) (_ []byte, err error) {
	dst = append(dst, '{')
	first := true
	members.ForEach(func(name, value gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(dst, name.Raw...), ':')
		dst, err = appendValue(dst, value)
		return err == nil
	})
	return append(dst, '}'), err
}

func appendElements(dst []byte, elements gjson.Result) (_ []byte, err error) {
	dst = append(dst, '[')
	first := true
	elements.ForEach(func(_, value gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst, err = appendValue(dst, value)
		return err == nil
	})
	return append(dst, ']'), err
}

// Record writes a change as one record of a stream invocation: the reverse of
// Changes.
func Record(c table.Change) []byte {
	name := "MODIFY"
	switch {
	case c.Old == nil:
		name = "INSERT"
	case c.New == nil:
		name = "REMOVE"
	}
	dst := make([]byte, 0, 1024)
	dst = append(dst, `{"eventID":`...)
	dst = quoted(dst, c.ID)
	dst = append(dst, `,"eventName":"`+name+`","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"local","dynamodb":{"ApproximateCreationDateTime":`...)
	dst = strconv.AppendFloat(dst, float64(c.At.UnixMilli())/1000, 'f', -1, 64)
	dst = append(dst, `,"Keys":{`...)
	dst = appendKeys(dst, c.Key)
	dst = append(dst, '}')
	dst = appendImage(dst, "NewImage", c.New)
	dst = appendImage(dst, "OldImage", c.Old)
	dst = append(dst, `,"SequenceNumber":`...)
	dst = quoted(dst, c.ID)
	return append(dst, `,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"arn:aws:dynamodb:local:000000000000:table/appengine/stream/local"}`...)
}

func appendKeys(dst []byte, key table.Key) []byte {
	dst = append(dst, `"`+AttrPart+`":{"S":`...)
	dst = quoted(dst, key.Part)
	dst = append(dst, `},"`+AttrSort+`":{"S":`...)
	dst = quoted(dst, key.Sort)
	return append(dst, '}')
}

func appendImage(dst []byte, name string, item *table.Item) []byte {
	if item == nil {
		return dst
	}
	dst = append(dst, `,"`+name+`":{`...)
	dst = appendKeys(dst, item.Key)
	if len(item.Doc) > 0 {
		dst = append(dst, `,"`+AttrDoc+`":`...)
		dst = appendAttribute(dst, gjson.ParseBytes(item.Doc))
	}
	if len(item.Outbox) > 0 {
		dst = append(dst, `,"`+AttrOutbox+`":{"S":`...)
		dst = append(quoted(dst, string(item.Outbox)), '}')
	}
	for _, index := range table.IndexNames() {
		if value, ok := item.Index[index]; ok {
			dst = append(dst, `,"`+index+`":{"S":`...)
			dst = append(quoted(dst, value), '}')
		}
	}
	if !item.Expires.IsZero() {
		dst = append(dst, `,"`+AttrExpires+`":{"N":"`+strconv.FormatInt(eval.ExpirySeconds(item.Expires), 10)+`"}`...)
	}
	return append(dst, '}')
}

// appendAttribute writes JSON as an attribute value.
func appendAttribute(dst []byte, value gjson.Result) []byte {
	switch {
	case value.Type == gjson.String:
		return append(append(append(dst, `{"S":`...), value.Raw...), '}')
	case value.Type == gjson.Number:
		return append(append(append(dst, `{"N":"`...), value.Raw...), `"}`...)
	case value.Type == gjson.True || value.Type == gjson.False:
		return append(append(append(dst, `{"BOOL":`...), value.Raw...), '}')
	case value.IsObject():
		return appendList(dst, `{"M":{`, value, `}}`, true)
	case value.IsArray():
		return appendList(dst, `{"L":[`, value, `]}`, false)
	}
	return append(dst, `{"NULL":true}`...)
}

func appendList(dst []byte, open string, value gjson.Result, end string, named bool) []byte {
	dst = append(dst, open...)
	first := true
	value.ForEach(func(name, member gjson.Result) bool {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if named {
			dst = append(append(dst, name.Raw...), ':')
		}
		dst = appendAttribute(dst, member)
		return true
	})
	return append(dst, end...)
}

func quoted(dst []byte, text string) []byte {
	return gjson.AppendJSONString(dst, strings.ToValidUTF8(text, "\uFFFD"))
}
