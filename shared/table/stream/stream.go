// Package stream turns records of a DynamoDB stream, as Lambda gets them, into
// table changes and back. The way back is what the local runner feeds to the
// consumers, so that they see the very JSON that they see in production.
//
// It does not import the DynamoDB client. The attribute layout is that of
// table/dynamo.
package stream

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// The kinds of records.
const (
	insert = "INSERT"
	modify = "MODIFY"
	remove = "REMOVE"
)

// Changes converts the records of an event, in their order.
func Changes(event events.DynamoDBEvent) ([]table.Change, error) {
	changes := make([]table.Change, len(event.Records))
	for i, record := range event.Records {
		c, err := Change(record)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		changes[i] = c
	}
	return changes, nil
}

// Change converts one record. Its ID is the record's sequence number, which is
// what a partial batch failure names. An image whose document is a blob has no
// Doc; see Blobs.
func Change(record events.DynamoDBEventRecord) (table.Change, error) {
	c := table.Change{
		ID:  record.Change.SequenceNumber,
		Key: keyOf(record.Change.Keys),
		At:  record.Change.ApproximateCreationDateTime.UTC(),
	}
	if c.Key.Part == "" || c.Key.Sort == "" {
		return table.Change{}, fmt.Errorf("stream record %s has no key", record.EventID)
	}
	var err error
	if c.Old, err = image(c.Key, record.Change.OldImage); err != nil {
		return table.Change{}, err
	}
	c.New, err = image(c.Key, record.Change.NewImage)
	return c, err
}

// Blobs returns the keys of the objects that hold the documents of the record's
// images, "" where the document is in the image. dynamo's Table.Load reads one;
// when the record is done with, an old one that differs from the new one can go
// (Table.Discard).
func Blobs(record events.DynamoDBEventRecord) (before, after string) {
	return text(record.Change.OldImage, "blob"), text(record.Change.NewImage, "blob")
}

// Record is the reverse of Change.
func Record(c table.Change) (events.DynamoDBEventRecord, error) {
	record := events.DynamoDBEventRecord{
		EventID:      c.ID,
		EventName:    modify,
		EventSource:  "aws:dynamodb",
		EventVersion: "1.1",
		AWSRegion:    "local",
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: c.At},
			Keys:                        keyAttributes(c.Key),
			SequenceNumber:              c.ID,
			StreamViewType:              string(events.DynamoDBStreamViewTypeNewAndOldImages),
		},
	}
	if c.Old == nil {
		record.EventName = insert
	}
	if c.New == nil {
		record.EventName = remove
	}
	var err error
	if record.Change.OldImage, err = attributes(c.Old); err != nil {
		return events.DynamoDBEventRecord{}, err
	}
	record.Change.NewImage, err = attributes(c.New)
	record.Change.SizeBytes = sizeOf(c.Old) + sizeOf(c.New)
	return record, err
}

func sizeOf(item *table.Item) int64 {
	if item == nil {
		return 0
	}
	return int64(len(item.Part) + len(item.Sort) + len(item.Doc) + len(item.Outbox))
}

// imageAttributes is one side of a record.
type imageAttributes = map[string]events.DynamoDBAttributeValue

func keyAttributes(k table.Key) imageAttributes {
	return imageAttributes{"PK": events.NewStringAttribute(k.Part), "SK": events.NewStringAttribute(k.Sort)}
}

func keyOf(keys imageAttributes) table.Key {
	return table.Key{Part: text(keys, "PK"), Sort: text(keys, "SK")}
}

// text is a string attribute, "" when there is none.
func text(all imageAttributes, name string) string {
	if v, ok := all[name]; ok && v.DataType() == events.DataTypeString {
		return v.String()
	}
	return ""
}

// image decodes one side of a record; nil when there is none.
func image(k table.Key, all imageAttributes) (*table.Item, error) {
	if len(all) == 0 {
		return nil, nil //nolint:nilnil // a side that does not exist is no error
	}
	item := &table.Item{Key: k}
	if doc, ok := all["doc"]; ok {
		value, err := appendValue(nil, doc)
		if err != nil {
			return nil, err
		}
		item.Doc = value
	}
	if outbox := text(all, "outbox"); outbox != "" {
		item.Outbox = table.Doc(outbox)
	}
	if ttl, ok := all["ttl"]; ok && ttl.DataType() == events.DataTypeNumber {
		seconds, err := strconv.ParseInt(ttl.Number(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("expiry in stream record: %w", err)
		}
		item.Expires = eval.ExpiryTime(seconds)
	}
	for _, name := range table.IndexNames() {
		if value := text(all, name); value != "" {
			if item.Index == nil {
				item.Index = make(map[string]string)
			}
			item.Index[name] = value
		}
	}
	return item, nil
}

// attributes is the reverse of image.
func attributes(item *table.Item) (imageAttributes, error) {
	if item == nil {
		return nil, nil //nolint:nilnil // a side that does not exist is no error
	}
	all := keyAttributes(item.Key)
	if len(item.Doc) > 0 {
		if err := eval.CheckDoc(item.Doc); err != nil {
			return nil, err
		}
		all["doc"] = toValue(item.Doc)
	}
	if len(item.Outbox) > 0 {
		all["outbox"] = events.NewStringAttribute(string(item.Outbox))
	}
	if seconds := eval.ExpirySeconds(item.Expires); seconds != 0 {
		all["ttl"] = events.NewNumberAttribute(strconv.FormatInt(seconds, 10))
	}
	for name, value := range item.Index {
		if value != "" {
			all[name] = events.NewStringAttribute(value)
		}
	}
	return all, nil
}
