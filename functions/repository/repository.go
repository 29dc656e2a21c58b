// Package repository is the module with which every collection, built-in or
// defined at run time, is created, read, found, changed and deleted over HTTP.
// What a caller sees and may change is decided by shared/repository.
package repository

import (
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/repository"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := service{records: deps.Records}
	return app.Module{
		Name:    "repository",
		Summary: "Create, read, find, change and delete records of every collection.",
		Routes:  s.routes(),
		Emits:   emits(),
	}
}

type service struct{ records *repository.Repository }

func (s service) as(who auth.Principal) repository.Guarded { return s.records.As(who) }

func emits() []event.Declaration {
	return []event.Declaration{
		event.Emits("collection-create", "a record of any collection was created"),
		event.Emits("collection-update", "a record was changed, restored or unpublished"),
		event.Emits("collection-delete", "a record was moved to the trash or removed"),
		event.Emits("collection-publish", "a record was published"),
		event.Emits("collection-approve", "a record was approved"),
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
