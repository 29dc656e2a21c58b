package queue

import (
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// MaxBodyBytes is the quota for one message: 1 MiB.
const MaxBodyBytes = 1 << 20

// dedupeWindow is how long a FIFO queue remembers a deduplication id.
const dedupeWindow = 5 * time.Minute

// The conditions under which a queue refuses a call.
var (
	ErrTooLarge     = errors.New("message is larger than 1 MiB or empty")
	ErrGroup        = errors.New("a FIFO queue wants a group and a deduplication id; a standard queue takes no group")
	ErrStaleReceipt = errors.New("receipt is not the current one of any message")
)

// Message is what a producer sends. A zero Delay means the queue's own;
// GroupID and DedupID are for FIFO queues, where DedupID may be left out when
// the queue deduplicates by content.
type Message struct {
	Body       string
	GroupID    string
	DedupID    string
	Delay      time.Duration
	Attributes map[string]events.SQSMessageAttribute
}

// Stored is a message as the queue keeps it; it is all of its state.
type Stored struct {
	ID              string                                `json:"id"`
	Sequence        uint64                                `json:"sequence"` // order within the queue
	Body            string                                `json:"body"`
	GroupID         string                                `json:"groupId,omitempty"`
	DedupID         string                                `json:"dedupId,omitempty"`
	Attributes      map[string]events.SQSMessageAttribute `json:"attributes,omitempty"`
	SentAt          time.Time                             `json:"sentAt"`
	VisibleAt       time.Time                             `json:"visibleAt"` // not received before
	FirstReceivedAt time.Time                             `json:"firstReceivedAt,omitzero"`
	Receives        int                                   `json:"receives,omitempty"`
	DeadLetterOf    string                                `json:"deadLetterOf,omitempty"` // ARN of the queue that gave it up
}

// Received is a message in a consumer's hands until its visibility timeout;
// Receipt proves it.
type Received struct {
	Stored
	Receipt string
}

// receipt differs for each receive, so that a consumer that was too slow
// cannot delete what another one is working on.
func (s *Stored) receipt() string { return s.ID + "#" + strconv.Itoa(s.Receives) }

// sequenceNumber has SQS's width, 20 digits.
func (s *Stored) sequenceNumber() string {
	digits := strconv.FormatUint(s.Sequence, 10)
	return "00000000000000000000"[len(digits):] + digits
}
