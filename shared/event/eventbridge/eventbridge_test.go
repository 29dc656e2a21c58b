package eventbridge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/event/eventbridge"
)

// service keeps the limits of PutEvents and refuses entries on request.
type service struct {
	calls  []int    // entries of each call
	kept   []string // detail types, in order
	refuse map[int]int
	down   bool
}

func (s *service) PutEvents(_ context.Context, in *sdk.PutEventsInput, _ ...func(*sdk.Options)) (*sdk.PutEventsOutput, error) {
	size := 0
	for _, e := range in.Entries {
		size += len(*e.Detail) + len(*e.DetailType) + len(*e.Source)
	}
	if s.down || len(in.Entries) > 10 || size > 256<<10 {
		return nil, errors.New("refused as a whole")
	}
	s.calls = append(s.calls, len(in.Entries))
	out := &sdk.PutEventsOutput{}
	for _, e := range in.Entries {
		if n := len(s.kept); s.refuse[n] > 0 {
			s.refuse[n]--
			for len(out.Entries) < len(in.Entries) {
				out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: aws.String("ThrottlingException")})
			}
			break
		}
		s.kept = append(s.kept, *e.DetailType)
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("1")})
	}
	return out, nil
}

func envelopes(n, size int) (list []event.Envelope, names []string) {
	for i := range n {
		name := fmt.Sprintf("thing-%02d", i)
		names = append(names, name)
		list = append(list, event.Envelope{ID: name, Name: name, Org: "acme", Data: []byte(`"` + strings.Repeat("x", size) + `"`)})
	}
	return list, names
}

func TestPublishKeepsOrderAndLimits(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, 100 << 10} {
		s := &service{}
		list, names := envelopes(23, size)
		if err := eventbridge.New(s, "bus").Publish(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(names, s.kept); diff != "" {
			t.Errorf("events of %d bytes (-want +got):\n%s", size, diff)
		}
	}
}

// What the bus refuses is sent again with all that follows it, so the order of
// one record's events stays.
func TestPublishRepeatsRefusedEntriesInOrder(t *testing.T) {
	t.Parallel()
	s := &service{refuse: map[int]int{3: 1, 7: 2}}
	list, names := envelopes(10, 10)
	if err := eventbridge.New(s, "bus").Publish(t.Context(), list); err == nil {
		t.Fatal("three refusals within one call were not reported")
	}
	s = &service{refuse: map[int]int{3: 1, 7: 1}}
	if err := eventbridge.New(s, "bus").Publish(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(names, s.kept); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPublishReportsAnUnreachableBus(t *testing.T) {
	t.Parallel()
	list, _ := envelopes(1, 10)
	if err := eventbridge.New(&service{down: true}, "bus").Publish(t.Context(), list); err == nil {
		t.Error("no error")
	}
	if err := eventbridge.New(&service{down: true}, "bus").Publish(t.Context(), nil); err != nil {
		t.Errorf("nothing to publish: %v", err)
	}
}
