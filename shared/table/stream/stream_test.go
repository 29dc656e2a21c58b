package stream_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
	"github.com/appmint/appengine/shared/table/stream"
)

func item(doc string) *table.Item {
	return &table.Item{
		Key:     table.Key{Part: "acme#book", Sort: "book-1"},
		Doc:     table.Doc(doc),
		Index:   map[string]string{table.By1: "acme#x", table.Ord2: "7"},
		Outbox:  table.Doc(`[{"type":"book.created"}]`),
		Expires: time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// A change must survive the way through the very JSON that Lambda delivers.
func TestChangeSurvivesTheWire(t *testing.T) {
	t.Parallel()
	const doc = `{"a":[1,"x",null,true,{"b":[]}],"big":9007199254740993,"dec":1.25,"e":"","o":{}}`
	for name, sides := range map[string][2]*table.Item{
		"INSERT": {nil, item(doc)},
		"MODIFY": {item(doc), item(`{"a":2}`)},
		"REMOVE": {item(doc), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := table.Change{
				ID: "00000000000000000000000000000042", Key: item("").Key, Old: sides[0], New: sides[1],
				At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			}
			record, err := stream.Record(want)
			if err != nil {
				t.Fatal(err)
			}
			if record.EventName != name {
				t.Errorf("event name: got %s, want %s", record.EventName, name)
			}
			wire, err := json.Marshal(events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record}})
			if err != nil {
				t.Fatal(err)
			}
			var event events.DynamoDBEvent
			if err := json.Unmarshal(wire, &event); err != nil {
				t.Fatal(err)
			}
			got, err := stream.Changes(event)
			if err != nil {
				t.Fatal(err)
			}
			sameDocs := cmp.Comparer(func(a, b table.Doc) bool { return eval.Equal(a, b) })
			if diff := cmp.Diff(got, []table.Change{want}, sameDocs); diff != "" {
				t.Errorf("changes (-got +want):\n%s", diff)
			}
		})
	}
}

// A record as AWS documents it, with attributes that this table never writes.
func TestChangeReadsForeignAttributes(t *testing.T) {
	t.Parallel()
	var event events.DynamoDBEvent
	err := json.Unmarshal([]byte(`{"Records":[{"eventID":"1","eventName":"INSERT","dynamodb":{
		"ApproximateCreationDateTime":1479499740,"Keys":{"PK":{"S":"acme#x"},"SK":{"S":"1"}},
		"NewImage":{"PK":{"S":"acme#x"},"SK":{"S":"1"},"blob":{"S":"acme/table/1"},
			"doc":{"M":{"s":{"SS":["a","b"]},"n":{"NS":["1",".5"]},"b":{"B":"AQI="},"z":{"NULL":true},"x":{"BS":["AQI="]}}}},
		"SequenceNumber":"13021600000000001596893679","StreamViewType":"NEW_AND_OLD_IMAGES"}}]}`), &event)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := stream.Changes(event)
	if err != nil {
		t.Fatal(err)
	}
	got := changes[0]
	want := `{"s":["a","b"],"n":[1,0.5],"b":"AQI=","z":null,"x":["AQI="]}`
	if !eval.Equal(got.New.Doc, []byte(want)) || got.Old != nil || got.ID != "13021600000000001596893679" {
		t.Errorf("got %s of %+v, want %s", got.New.Doc, got, want)
	}
	if before, after := stream.Blobs(event.Records[0]); before != "" || after != "acme/table/1" {
		t.Errorf("blobs: got %q and %q", before, after)
	}
}

func TestChangeRefusesRecordWithoutKey(t *testing.T) {
	t.Parallel()
	if _, err := stream.Changes(events.DynamoDBEvent{Records: make([]events.DynamoDBEventRecord, 1)}); err == nil {
		t.Error("a record without a key was accepted")
	}
}
