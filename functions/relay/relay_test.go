package relay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/relay"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/tabletest"
	"github.com/appmint/appengine/shared/testkit"
)

// bus refuses the event it is told to, and every batch that contains it.
type bus struct {
	refuse string
	sent   []string
	last   event.Envelope
}

func (b *bus) Publish(_ context.Context, events []event.Envelope) error {
	for _, e := range events {
		if e.ID == b.refuse {
			return errors.New("refused")
		}
	}
	for _, e := range events {
		b.sent, b.last = append(b.sent, e.ID), e
	}
	return nil
}

func change(n int, outbox string) table.Change {
	key := table.Key{Part: "acme#book", Sort: fmt.Sprintf("book-%d", n)}
	doc := fmt.Sprintf(`{"pk":%q,"sk":%[1]q,"datatype":"book","version":0,"data":{}}`, key.Sort)
	return table.Change{ID: fmt.Sprint(n), Key: key, New: &table.Item{Key: key, Doc: table.Doc(doc), Outbox: table.Doc(outbox)}}
}

func seed(id string) string {
	return fmt.Sprintf(`[{"id":%q,"name":"collection-create","at":"2026-04-10T08:20:11.000Z","actor":{"type":"user"}}]`, id)
}

func publish(t *testing.T, b *bus, changes ...table.Change) (int, error) {
	t.Helper()
	return relay.New(app.Deps{Bus: b, Table: tabletest.Broken()}).Changes(t.Context(), changes)
}

// A document too large for the stream is read from the table.
func TestRelayReadsLargeDocuments(t *testing.T) {
	t.Parallel()
	k := testkit.New(t)
	c := change(1, seed("a"))
	if _, err := k.Deps.Table.Write(t.Context(), table.Put{Item: *c.New}); err != nil {
		t.Fatal(err)
	}
	c.New = &table.Item{Key: c.Key, Outbox: c.New.Outbox}
	b := &bus{}
	done, err := relay.New(app.Deps{Bus: b, Table: k.Deps.Table}).Changes(t.Context(), []table.Change{c})
	if err != nil || done != 1 || len(b.sent) != 1 || b.last.RecordID != "book-1" {
		t.Errorf("got %d, %v, sent %v of %q", done, err, b.sent, b.last.RecordID)
	}
	if done, err := publish(t, &bus{}, c); err == nil || done != 0 {
		t.Errorf("with the table down: got %d, %v", done, err)
	}
}

func TestRelayPublishesInTheOrderOfTheWrites(t *testing.T) {
	t.Parallel()
	b := &bus{}
	done, err := publish(t, b, change(1, seed("a")), change(2, ""), change(3, seed("b")))
	if err != nil || done != 3 {
		t.Fatalf("got %d, %v", done, err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, b.sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A write that changes an announced item without announcing anything itself
// leaves the outbox as it was; it is not announced again.
func TestRelayDoesNotRepeatAnOldOutbox(t *testing.T) {
	t.Parallel()
	b := &bus{}
	c := change(1, seed("a"))
	c.Old = c.New
	if done, err := publish(t, b, c); err != nil || done != 1 || len(b.sent) != 0 {
		t.Errorf("got %d, %v, sent %v", done, err, b.sent)
	}
}

// When the bus refuses, the stream starts again exactly at the change that is
// not announced.
func TestRelayStopsAtTheFirstRefusedChange(t *testing.T) {
	t.Parallel()
	b := &bus{refuse: "b"}
	done, err := publish(t, b, change(1, seed("a")), change(2, ""), change(3, seed("b")), change(4, seed("c")))
	if err == nil || done != 2 {
		t.Errorf("got %d, %v, want to stop at the third change", done, err)
	}
	if diff := cmp.Diff([]string{"a"}, b.sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRelayReportsAnUnreadableOutbox(t *testing.T) {
	t.Parallel()
	b := &bus{}
	done, err := publish(t, b, change(1, seed("a")), change(2, `{"no":"list"}`), change(3, seed("b")))
	if err == nil || done != 1 || len(b.sent) != 1 {
		t.Errorf("got %d, %v, sent %v", done, err, b.sent)
	}
}
