// Package organisations administers tenants: founding them, their profile and
// addresses, prepaid credit, lifecycle, members and invitations, ownership,
// agreements and feature flags.
package organisations

import (
	"context"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := &service{deps: deps, accounts: account.NewAccounts(deps)}
	return app.Module{
		Name:      "organisations",
		Summary:   "An organisation's profile, credit, lifecycle, members, invitations, ownership and agreements.",
		Routes:    s.routes(),
		Emits:     emits(),
		Consumers: s.consumers(),
	}
}

// The events of this module, beside those of the records it writes (org-create,
// org-update, org-delete, user-update, user-delete).
const (
	eventCredited    = "billing.credited"
	eventInvited     = "user.invited"
	eventTransferred = "org.transferred"
)

func emits() []event.Declaration {
	return []event.Declaration{
		event.Emits(eventCredited, "an organisation was credited"),
		event.Emits(eventInvited, "somebody was invited to an organisation, or reminded of it"),
		event.Emits(eventTransferred, "an organisation has another owner"),
	}
}

type service struct {
	deps     app.Deps
	accounts *account.Accounts
}

type nothing struct{}

// done is the answer of actions that return nothing else.
type done struct {
	Success bool   `json:"success"`
	Message string `json:"message,omitempty"`
}

// implementation is what a route calls.
type implementation[In, Out any] func(context.Context, auth.Principal, In) (Out, error)

// whileOpen refuses a call for an org whose account is closed. The authorizer
// lets such an org reach this module, for its profile and its billing; what is
// neither asks here.
func whileOpen[In, Out any](s *service, f implementation[In, Out]) implementation[In, Out] {
	return func(ctx context.Context, who auth.Principal, in In) (Out, error) {
		c, ok, err := s.accounts.Directory().Company(ctx, who.Org)
		if err == nil && ok && !c.Open() && !who.IsPlatformAdmin() {
			err = api.ErrOrgInactive
		}
		if err != nil {
			var none Out
			return none, err
		}
		return f(ctx, who, in)
	}
}
