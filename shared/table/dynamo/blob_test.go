package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/dynamo"
	"github.com/appmint/appengine/shared/table/stream"
)

func large(n int) table.Doc {
	return table.Doc(fmt.Sprintf(`{"n":%d,"text":%q}`, n, strings.Repeat("x", 400<<10)))
}

func TestLargeDocumentsLieUnderTheirOrg(t *testing.T) {
	t.Parallel()
	client, name := connect(t)
	blobs := &memoryBlobs{}
	tbl := dynamo.New(client, name, dynamo.Options{Now: time.Now, Blobs: blobs})
	k := table.Key{Part: fmt.Sprintf("blob%d#p", time.Now().UnixNano()), Sort: "s"}
	for n := range 2 {
		if _, err := tbl.Write(t.Context(), table.Put{Item: table.Item{Key: k, Doc: large(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	org, _, _ := strings.Cut(k.Part, "#")
	for pointer := range blobs.held {
		if !strings.HasPrefix(pointer, org+"/") {
			t.Errorf("object %s is not under its org", pointer)
		}
		doc, err := tbl.Load(t.Context(), pointer)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(doc), `{"n":0`) {
			if err := tbl.Discard(t.Context(), pointer); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := tbl.Get(t.Context(), k)
	if err != nil || !strings.HasPrefix(string(got.Doc), `{"n":1`) || len(blobs.held) != 1 {
		t.Errorf("got %.10s, %v and %d objects after a discard", got.Doc, err, len(blobs.held))
	}
}

// A stream record of a large document names its object; Complete fills it in.
func TestCompleteLoadsLargeDocuments(t *testing.T) {
	t.Parallel()
	client, name := connect(t)
	blobs := &memoryBlobs{}
	tbl := dynamo.New(client, name, dynamo.Options{Now: time.Now, Blobs: blobs})
	k := table.Key{Part: fmt.Sprintf("blob%d#p", time.Now().UnixNano()), Sort: "s"}
	if _, err := tbl.Write(t.Context(), table.Put{Item: table.Item{Key: k, Doc: large(7)}}); err != nil {
		t.Fatal(err)
	}
	var pointer string
	for pointer = range blobs.held {
	}
	keys := fmt.Sprintf(`{"PK":{"S":%q},"SK":{"S":"s"}}`, k.Part)
	payload := []byte(`{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":` + keys +
		`,"OldImage":{"blob":{"S":"gone"}},"NewImage":{"blob":{"S":"` + pointer + `"}}}}]}`)
	changes, err := stream.Changes(payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := tbl.Complete(t.Context(), payload, changes); err != nil {
		t.Fatal(err)
	}
	if string(changes[0].New.Doc) != string(large(7)) || len(changes[0].Old.Doc) != 0 {
		t.Errorf("got %d and %d bytes, want the new document and no old one", len(changes[0].New.Doc), len(changes[0].Old.Doc))
	}
}

func TestLargeDocumentsNeedBlobs(t *testing.T) {
	t.Parallel()
	client, name := connect(t)
	tbl := dynamo.New(client, name, dynamo.Options{Now: time.Now})
	_, err := tbl.Write(t.Context(), table.Put{Item: table.Item{Key: key(), Doc: large(1)}})
	if !errors.Is(err, table.ErrTooLarge) {
		t.Errorf("got %v, want %v", err, table.ErrTooLarge)
	}
}

// Many small elements weigh more in DynamoDB than as text.
func TestManySmallElementsFit(t *testing.T) {
	t.Parallel()
	tbl := open(t)
	doc := table.Doc(`{"list":[1` + strings.Repeat(",1", 140<<10) + `]}`)
	k := table.Key{Part: fmt.Sprintf("blob%d#p", time.Now().UnixNano()), Sort: "s"}
	if _, err := tbl.Write(t.Context(), table.Put{Item: table.Item{Key: k, Doc: doc}}); err != nil {
		t.Fatal(err)
	}
	got, err := tbl.Get(t.Context(), k)
	if err != nil || string(got.Doc) != string(doc) {
		t.Errorf("got %d bytes, %v; want %d", len(got.Doc), err, len(doc))
	}
}

// failingBlobs cannot store: then no item may name what is not there.
type failingBlobs struct{ memoryBlobs }

func (*failingBlobs) Put(context.Context, string, []byte) error { return errors.New("no space") }

func TestItemIsNotWrittenWithoutItsBlob(t *testing.T) {
	t.Parallel()
	client, name := connect(t)
	tbl := dynamo.New(client, name, dynamo.Options{Now: time.Now, Blobs: &failingBlobs{}})
	k := table.Key{Part: fmt.Sprintf("blob%d#p", time.Now().UnixNano()), Sort: "s"}
	if _, err := tbl.Write(t.Context(), table.Put{Item: table.Item{Key: k, Doc: large(1)}}); err == nil {
		t.Error("a write without its document succeeded")
	}
	if _, err := tbl.Get(t.Context(), k); !errors.Is(err, table.ErrNotFound) {
		t.Errorf("got %v, want not found", err)
	}
}
