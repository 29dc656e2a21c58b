// Package users is identity: who may sign in to an org, as staff, customer,
// guest or application, and with which keys, roles and groups.
package users

import (
	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := newService(deps)
	return app.Module{
		Name:    "users",
		Summary: "Sign-in, sign-up, profiles, roles, applications and API keys of an organisation.",
		Routes:  s.routes(),
		Emits: []event.Declaration{
			event.Emits(eventLogin, "a person signed in"),
			event.Emits(eventLogout, "a person signed out"),
			event.Emits(eventCreated, "a customer came into being by signing up"),
			event.Emits(eventRegistered, "a customer signed up"),
			event.Emits(eventMail, "somebody asked for a token or code by mail, for an address that may have no account"),
		},
		Consumers: []event.Consumer{
			event.On("mail", eventMail, "mails the token or code, if there is such an account", s.sendRequested),
		},
	}
}

// The events that ride on what this module writes, beside the generic ones of
// every record.
const (
	eventLogin      = account.EventLogin
	eventLogout     = "user.logout"
	eventCreated    = "contact.created"
	eventRegistered = "contact.registered"
)

type service struct {
	deps      app.Deps
	sessions  auth.Sessions
	passwords *auth.Passwords
	directory *account.Directory
	accounts  *account.Accounts
}

func newService(d app.Deps) *service {
	accounts := account.NewAccounts(d)
	return &service{
		deps: d, accounts: accounts, passwords: accounts.Passwords(), sessions: accounts.Sessions(), directory: accounts.Directory(),
	}
}
