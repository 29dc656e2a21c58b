package stream_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/stream"
)

// What Record writes is what aws-lambda-go reads, and Changes gives it back
// unchanged.
func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	item := &table.Item{
		Key:     table.Key{Part: "acme#book", Sort: "book-1"},
		Doc:     table.Doc(`{"s":"a\"ü\n","n":12345678901234567890.5,"b":true,"z":null,"m":{"":[1,{"x":"y"},[]]},"e":{}}`),
		Index:   map[string]string{"by1": "acme#book#a=1", "ord2": "x"},
		Outbox:  table.Doc(`[{"id":"1","name":"collection-create"}]`),
		Expires: time.Unix(1775809211, 0).UTC(),
	}
	want := table.Change{ID: "0000000000000042", Key: item.Key, Old: item, New: item, At: time.UnixMilli(1775809211123).UTC()}
	record := stream.Record(want)
	got, err := stream.Changes([]byte(`{"Records":[` + string(record) + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]table.Change{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var read events.DynamoDBEventRecord
	if err := json.Unmarshal(record, &read); err != nil || read.Change.NewImage["doc"].Map()["n"].Number() != "12345678901234567890.5" {
		t.Errorf("aws-lambda-go reads %+v, %v", read, err)
	}
}

func TestRecordRoundTripOfAnyDocument(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc, err := table.NewDoc(rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).Draw(t, "doc"))
		if err != nil {
			t.Fatal(err)
		}
		key := table.Key{Part: "acme#x", Sort: "x"}
		got, err := stream.Changes([]byte(`{"Records":[` + string(stream.Record(table.Change{ID: "1", Key: key, New: &table.Item{Key: key, Doc: doc}})) + `]}`))
		if err != nil || len(got) != 1 || got[0].Old != nil || string(got[0].New.Doc) != string(doc) {
			t.Fatalf("got %+v, %v, want %s", got, err, doc)
		}
	})
}

func TestChangesReadsTheServicesPayload(t *testing.T) {
	t.Parallel()
	payload, err := os.ReadFile("../../../events/relay-stream.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := stream.Changes(payload)
	if err != nil || len(got) != 1 || got[0].ID != "4421584500000000017450439091" || got[0].New == nil || len(got[0].New.Outbox) == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func FuzzChanges(f *testing.F) {
	f.Add([]byte(`{"Records":[{"dynamodb":{"Keys":{"PK":{"S":"a"},"SK":{"S":"b"}},"SequenceNumber":"1","NewImage":{"doc":{"M":{"a":{"L":[{"N":"1"}]}}}}}}]}`))
	f.Add([]byte(`{"Records":[{"dynamodb":{"NewImage":{"doc":{"X":1}}}}]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		changes, err := stream.Changes(payload)
		for _, c := range changes {
			if err == nil && c.New != nil && len(c.New.Doc) > 0 && !json.Valid(c.New.Doc) {
				t.Errorf("document %q is not JSON", c.New.Doc)
			}
		}
	})
}
