package backend

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/appmint/appengine/infra/local/eventbus"
	"github.com/appmint/appengine/infra/local/mailbox"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/usage"
)

// buildDeps gives modules what shared/host gives them in AWS.
func (b *Backend) buildDeps() error {
	seed, err := b.signingSeed()
	if err != nil {
		return err
	}
	key, err := auth.KeyFromSeed(seed)
	if err != nil {
		return err
	}
	random := func(p []byte) { _, _ = rand.Read(p) } // crypto/rand never fails since Go 1.24
	ids := app.NewIDs(time.Now, rand.Reader)
	meter := usage.NewMeter(usage.MeterOptions{Table: b.table, Now: time.Now, Plan: b.options.Plan})
	recorder := usage.NewRecorder(b.table, meter.Catalogue(), 0)
	b.ledger = newLedger(recorder, b.options.Log)
	b.closers = append(b.closers, b.ledger.close)
	b.deps = app.Deps{
		Now: time.Now, NewID: ids, Random: random, Table: b.table, Log: b.options.Log,
		Records: repository.New(repository.Options{Table: b.table, Now: time.Now, NewID: ids, Random: random}),
		Tokens:  auth.NewTokens(auth.TokenOptions{Issuer: b.options.URL, Keys: auth.FixedKeys{key}, Now: time.Now, Random: random}),
		Meter:   meter, Recorder: recorder, Mail: postman{b.mailbox}, Bus: publisher{b},
		Settings: app.Settings{PublicURL: b.options.URL, Version: "local", MailFrom: "appengine@localhost"},
		Health: map[string]func(context.Context) error{
			"queue": func(context.Context) error { return nil }, // in this very process
		},
	}
	return nil
}

// signingSeed is made once and kept, so that tokens survive a restart.
func (b *Backend) signingSeed() (string, error) {
	fresh := make([]byte, 48)
	_, _ = rand.Read(fresh)
	seed := base64.RawURLEncoding.EncodeToString(fresh)
	path := b.path("signing-seed")
	if path == "" {
		return seed, nil
	}
	kept, err := os.ReadFile(path) // #nosec G304 -- in the data folder
	if err == nil {
		return string(kept), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read signing seed: %w", err)
	}
	if err := os.WriteFile(path, []byte(seed), 0o600); err != nil {
		return "", fmt.Errorf("keep signing seed: %w", err)
	}
	return seed, nil
}

// publisher is the relay's way to the local bus.
type publisher struct{ backend *Backend }

// Publish implements event.Bus.
func (p publisher) Publish(ctx context.Context, events []event.Envelope) error {
	for len(events) > 0 {
		n := min(len(events), eventbus.MaxEntries)
		entries := make([]eventbus.Entry, 0, n)
		for _, e := range events[:n] {
			detail, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("encode event %s: %w", e.ID, err)
			}
			entries = append(entries, eventbus.Entry{Source: event.Source, DetailType: e.Name, Detail: detail, Time: e.OccurredAt.Time})
		}
		if err := p.put(ctx, entries); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// put offers entries to the template's bus; one by one when they are too large
// together.
func (p publisher) put(ctx context.Context, entries []eventbus.Entry) error {
	results, err := p.backend.stack.Bus("Bus").Put(ctx, entries)
	if results == nil && err != nil && len(entries) > 1 {
		return errors.Join(p.put(ctx, entries[:1]), p.put(ctx, entries[1:]))
	}
	for _, r := range results {
		if r.ErrorCode != "" {
			err = errors.Join(err, fmt.Errorf("entry refused: %s: %s", r.ErrorCode, r.ErrorMessage))
		}
	}
	return err
}

// postman keeps mail where a developer can look at it.
type postman struct{ box *mailbox.Box }

// Send implements mail.Sender.
func (p postman) Send(ctx context.Context, m mail.Message) error {
	_, err := p.box.Put(ctx, mailbox.Message{
		Channel: "email", OrgID: m.Org.String(), To: []string{m.To}, From: m.From, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
	})
	return err
}
