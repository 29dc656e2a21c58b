// Package ses sends mail through Amazon SES.
package ses

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/appmint/appengine/shared/mail"
)

// Sender sends from one verified address unless a message names another.
type Sender struct {
	client *sesv2.Client
	from   string
}

// New builds a sender.
func New(client *sesv2.Client, from string) *Sender { return &Sender{client: client, from: from} }

// Send implements mail.Sender. Without a sender's address nothing is sent, which
// is how a deployment says that it has no verified domain yet.
func (s *Sender) Send(ctx context.Context, m mail.Message) error {
	from := m.From
	if from == "" {
		from = s.from
	}
	if from == "" {
		return nil
	}
	body := &types.Body{Text: content(m.Text)}
	if m.HTML != "" {
		body.Html = content(m.HTML)
	}
	_, err := s.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(from),
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content:          &types.EmailContent{Simple: &types.Message{Subject: content(m.Subject), Body: body}},
		EmailTags:        []types.MessageTag{{Name: aws.String("org"), Value: aws.String(m.Org.String())}},
	})
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

func content(text string) *types.Content {
	return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
}
