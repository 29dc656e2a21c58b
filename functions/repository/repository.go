// Package repository is the module with which every collection, built-in or
// defined at run time, is created, read, found, changed and deleted over HTTP.
// What a caller sees and may change is decided by shared/repository.
package repository

import (
	"context"
	"errors"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/repository"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := service{records: deps.Records, deps: deps, passwords: deps.Passwords, replays: api.NewReplays(deps.Table, deps.Now)}
	if s.passwords == nil {
		s.passwords = auth.NewPasswords(auth.Argon2{}, deps.Random, 0)
	}
	return app.Module{
		Name:    "repository",
		Summary: "Create, read, find, change and delete records of every collection.",
		Routes:  s.routes(),
		Emits:   emits(),
		Consumers: []event.Consumer{
			event.On("reindex", repository.EventIndexRequested, "indexes the records of a collection whose indexes changed", s.reindex),
		},
	}
}

type service struct {
	records   *repository.Repository
	deps      app.Deps
	passwords *auth.Passwords
	replays   *api.Replays
}

func (s service) as(who auth.Principal) repository.Guarded { return s.records.As(who) }

// reindex follows a change of a run-time definition. It is idempotent: once
// nothing is pending, it does nothing.
func (s service) reindex(ctx context.Context, e event.Envelope) error {
	tenant := s.records.Tenant(e.Org)
	for {
		wait, err := tenant.Reindex(ctx, e.RecordID)
		if errors.Is(err, collection.ErrUnknown) {
			return nil // dropped meanwhile
		}
		if err != nil || wait <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func emits() []event.Declaration {
	return []event.Declaration{
		event.Emits("collection-create", "a record of any collection was created"),
		event.Emits("collection-update", "a record was changed, restored or unpublished"),
		event.Emits("collection-delete", "a record was moved to the trash or removed"),
		event.Emits("collection-publish", "a record was published"),
		event.Emits("collection-approve", "a record was approved"),
		event.Emits(repository.EventIndexRequested, "fields of a collection in use were indexed or made unique"),
		event.Emits("user-create", "a staff user was created"),
		event.Emits("user-update", "a staff user was changed"),
		event.Emits("user-delete", "a staff user was deleted"),
		event.Emits("org-create", "an organisation was created"),
		event.Emits("org-update", "an organisation was changed"),
		event.Emits("org-delete", "an organisation was deleted"),
		event.Emits("site-create", "a site was created"),
		event.Emits("site-update", "a site was changed"),
		event.Emits("site-delete", "a site was deleted"),
	}
}
