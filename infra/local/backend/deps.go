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
	"github.com/appmint/appengine/infra/local/tail"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/usage"
)

// buildDeps gives modules what shared/host gives them in AWS.
func (s *Stack) buildDeps() error {
	seed, err := s.signingSeed()
	if err != nil {
		return err
	}
	key, err := auth.KeyFromSeed(seed)
	if err != nil {
		return err
	}
	s.tail = tail.New(tail.DefaultSize)
	s.bus = eventbus.New(eventbus.Config{Account: account, Region: region, Now: time.Now, NewID: newID, Watch: s.tail.Add})
	random := func(b []byte) { _, _ = rand.Read(b) } // crypto/rand never fails since Go 1.24
	ids := app.NewIDs(time.Now, rand.Reader)
	meter := usage.NewMeter(usage.MeterOptions{Table: s.table, Now: time.Now, Plan: s.options.Plan})
	recorder := usage.NewRecorder(s.table, meter.Catalogue(), 0)
	s.ledger = newLedger(recorder, s.options.Log)
	s.closers = append(s.closers, s.ledger.close)
	s.deps = app.Deps{
		Now: time.Now, NewID: ids, Random: random, Table: s.table, Log: s.options.Log,
		Records: repository.New(repository.Options{Table: s.table, Now: time.Now, NewID: ids, Random: random}),
		Tokens:  auth.NewTokens(auth.TokenOptions{Issuer: s.options.URL, Keys: auth.FixedKeys{key}, Now: time.Now, Random: random}),
		Meter:   meter, Recorder: recorder, Mail: s.mailbox, Bus: publisher{s.bus},
		Settings: app.Settings{PublicURL: s.options.URL, Version: "local", MailFrom: "appengine@localhost"},
		Health: map[string]func(context.Context) error{
			"queue": func(context.Context) error { return nil }, // in this very process
		},
	}
	return nil
}

// signingSeed is made once and kept, so that tokens survive a restart.
func (s *Stack) signingSeed() (string, error) {
	fresh := make([]byte, 48)
	_, _ = rand.Read(fresh)
	seed := base64.RawURLEncoding.EncodeToString(fresh)
	if s.options.DataDir == "" {
		return seed, nil
	}
	kept, err := os.ReadFile(s.path("signing-seed"))
	if err == nil {
		return string(kept), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read signing seed: %w", err)
	}
	if err := os.WriteFile(s.path("signing-seed"), []byte(seed), 0o600); err != nil {
		return "", fmt.Errorf("keep signing seed: %w", err)
	}
	return seed, nil
}

// publisher is the relay's way to the local bus.
type publisher struct{ bus *eventbus.Bus }

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

func (p publisher) put(ctx context.Context, entries []eventbus.Entry) error {
	results, err := p.bus.Put(ctx, entries)
	for _, r := range results {
		if r.ErrorCode != "" {
			err = errors.Join(err, fmt.Errorf("entry refused: %s: %s", r.ErrorCode, r.ErrorMessage))
		}
	}
	return err
}
