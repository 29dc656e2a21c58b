// Package mail is the port through which modules send messages to people: SES
// in AWS, a local outbox on a laptop.
package mail

import (
	"context"

	"github.com/appmint/appengine/shared/org"
)

// Message is one mail. HTML may be empty.
type Message struct {
	Org     org.ID `json:"orgid"`
	To      string `json:"to"`
	From    string `json:"from,omitempty"` // empty means the platform's sender
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
	// Token makes a repeat of the same message recognisable; senders that can
	// drop duplicates do.
	Token string `json:"token,omitempty"`
}

// Sender hands a message over. An accepted message is somebody else's to lose.
type Sender interface {
	Send(ctx context.Context, m Message) error
}
