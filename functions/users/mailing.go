package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// eventMail asks this module to mail a token or a code.
const eventMail = "identity.mail_requested"

// mailRequest is what somebody who may not have an account asks to be mailed.
// The route writes it down and answers; whether there is such an account is
// found out when the event arrives, so neither the answer nor the time it takes
// can tell.
type mailRequest struct {
	Purpose  purpose   `json:"purpose"`
	Kind     auth.Kind `json:"kind"`
	Login    string    `json:"login"` // an e-mail address, or a customer's username
	Code     bool      `json:"code,omitempty"`
	Redirect string    `json:"redirect,omitempty"`
	Host     string    `json:"host,omitempty"`
}

// requestFor is how long a request is kept: its event has long left by then.
const requestFor = 24 * time.Hour

// request stores a request with the event that announces it.
func (s *service) request(ctx context.Context, id org.ID, r mailRequest) error {
	r.Host = api.MetaFrom(ctx).Host
	doc, err := table.NewDoc(r)
	if err != nil {
		return err
	}
	now := s.deps.Now()
	outbox, err := event.Outbox(event.Seed{ID: s.deps.NewID("event"), Name: eventMail, At: record.At(now), Actor: event.ActorOf(auth.Nobody(id))})
	if err != nil {
		return err
	}
	_, err = table.Of(s.deps.Table, id).Write(ctx, table.Put{Item: table.Item{
		Key: table.Key{Part: "mailrequest", Sort: s.deps.NewID("mailrequest")}, Doc: doc, Outbox: outbox, Expires: now.Add(requestFor),
	}})
	if err != nil {
		return fmt.Errorf("ask for mail: %w", err)
	}
	return nil
}

// sendRequested mails what was asked for, if there is somebody to mail it to.
func (s *service) sendRequested(ctx context.Context, e event.Envelope) error {
	var r mailRequest
	if err := table.Doc(e.Data).Decode(&r); err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	rec, err := s.lookup(ctx, e.Org, account.Datatype(r.Kind), r.Login)
	if errors.Is(err, table.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p := rec.Data.Person()
	if !p.Usable() || p.Guest || p.Email == "" || r.Purpose == forVerify && isTrue(rec.Data, emailVerified) {
		return nil
	}
	return s.sendTicket(ctx, e, r, rec)
}

// sendTicket makes a ticket, mails its secret, and notes that it has left. When
// the mail cannot be handed over, the event comes again and makes another.
func (s *service) sendTicket(ctx context.Context, e event.Envelope, r mailRequest, rec account.Record) error {
	t := table.Of(s.deps.Table, e.Org)
	old, err := readTicket(ctx, t, r.Purpose, rec.SK)
	if err != nil {
		return err
	}
	k, ok := s.nextTicket(old, e)
	if !ok {
		return nil
	}
	where, err := s.placeOf(ctx, e.Org, r.Host)
	if err != nil {
		return err
	}
	secret := s.secretOf(&k, r, rec.SK)
	k.Redirect, k.Email = where.allowed(r.Redirect), account.Email(rec.Data.Person().Email)
	if err := s.storeTicket(ctx, t, r.Purpose, rec.SK, old, k); err != nil {
		return err
	}
	message := where.message(r, secret, k.Redirect)
	message.Org, message.To, message.From, message.Token = e.Org, k.Email, s.deps.Settings.MailFrom, e.ID
	if err := s.deps.Mail.Send(ctx, message); err != nil {
		return fmt.Errorf("send %s mail: %w", r.Purpose, err)
	}
	_, err = t.Write(ctx, table.Modify{
		Key: ticketKey(r.Purpose, rec.SK), Set: []table.Assign{{Path: table.At("sent"), Value: true}},
		If: table.Compare{Path: table.At("hash"), Op: table.Equal, Value: k.Hash},
	})
	var refused *table.Refused
	if err != nil && !errors.As(err, &refused) { // a newer one is no harm
		return fmt.Errorf("note mail: %w", err)
	}
	return nil
}

// nextTicket is the ticket that follows on an event; ok is false for an event
// that was served already or is overtaken by a later one, and for one too many.
func (s *service) nextTicket(old ticket, e event.Envelope) (k ticket, ok bool) {
	asked, now := e.OccurredAt.UnixMilli(), s.deps.Now()
	if old.Request == e.ID && old.Sent || old.Request != e.ID && (old.Asked > asked || old.Asked == asked && old.Request > e.ID) {
		return k, false
	}
	k = ticket{Request: e.ID, Asked: asked, Since: old.Since, Mails: old.Mails + 1}
	if now.Sub(time.Unix(old.Since, 0)) >= mailWindow {
		k.Since, k.Mails = now.Unix(), 1
	}
	return k, k.Mails <= ticketMails
}

// secretOf fills in the ticket's secret and time, and returns what is mailed.
func (s *service) secretOf(k *ticket, r mailRequest, sk string) string {
	now := s.deps.Now()
	if r.Code {
		code := newCode(s.deps.Random)
		k.Code, k.Hash, k.Until = true, auth.HashSecret(codeSecret(sk, code)), now.Add(codeFor).Unix()
		return code
	}
	secret := auth.NewSecret(s.deps.Random)
	k.Hash, k.Until = auth.HashSecret(secret), now.Add(lifetimeOf(r.Purpose)).Unix()
	return tokenOf(sk, secret)
}

func lifetimeOf(p purpose) time.Duration {
	switch p {
	case forReset:
		return resetFor
	case forVerify:
		return verifyFor
	default:
		return linkFor
	}
}

// storeTicket replaces the ticket that was read; it fails, and the event comes
// again, when another was stored meanwhile.
func (s *service) storeTicket(ctx context.Context, t table.Tenant, p purpose, sk string, old, k ticket) error {
	doc, err := table.NewDoc(k)
	if err != nil {
		return err
	}
	put := table.Put{Item: table.Item{Key: ticketKey(p, sk), Doc: doc, Expires: time.Unix(k.Until, 0).Add(mailWindow)}, If: table.ItemMissing{}}
	if old.Request != "" {
		put.If = table.Compare{Path: table.At("hash"), Op: table.Equal, Value: old.Hash}
	}
	if _, err := t.Write(ctx, put); err != nil {
		return fmt.Errorf("store ticket: %w", err)
	}
	return nil
}

// message words a mail. It does not call people by the name in their record:
// whoever signs up with somebody else's address could have it say anything.
func (w place) message(r mailRequest, secret, redirect string) mail.Message {
	const greeting = "Hello,\n\n"
	ignore := "\n\nIf you did not ask for this, you can ignore this message.\n"
	switch {
	case r.Code:
		return mail.Message{
			Subject: secret + " is your code for " + w.name,
			Text:    greeting + "your code to sign in to " + w.name + " is\n\n    " + secret + "\n\nIt is good for 10 minutes." + ignore,
		}
	case r.Purpose == forReset:
		return mail.Message{
			Subject: "A new password for " + w.name,
			Text: greeting + "choose a new password for " + w.name + " here:\n\n    " + w.link("/auth/reset-password", r.Kind, secret, redirect) +
				"\n\nThe link is good for one hour and works once. Its token is\n\n    " + secret + ignore,
		}
	case r.Purpose == forVerify:
		return mail.Message{
			Subject: "Please confirm your address for " + w.name,
			Text:    greeting + "please confirm your e-mail address for " + w.name + ":\n\n    " + w.verifyLink(secret) + "\n\nThe link is good for one day." + ignore,
		}
	default:
		return mail.Message{
			Subject: "Sign in to " + w.name,
			Text:    greeting + "sign in to " + w.name + " here:\n\n    " + w.link("/auth/magic-link", r.Kind, secret, redirect) + "\n\nThe link is good for 15 minutes and works once." + ignore,
		}
	}
}

// isTrue reads a yes or no.
func isTrue(f account.Fields, name string) bool { return strings.TrimSpace(string(f[name])) == "true" }
