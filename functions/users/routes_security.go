package users

import (
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/repository"
)

// securityRoutes are how people look after their own account.
func (s *service) securityRoutes() []api.Route {
	guard := api.Fails(ErrCredentials, ErrCode, ErrProof, ErrLocked, ErrBusy)
	return []api.Route{
		api.On("POST /profile/security/challenge/verify", auth.Public(), s.answerChallenge, "Finish a sign-in with its second factor.",
			api.Fails(ErrCode, ErrChallenge, ErrInactive, ErrLocked, repository.ErrVersion)),
		api.On("POST /profile/security/challenge/send", auth.Public(), s.sendChallenge, "Send the code of a sign-in again.", api.Fails(ErrChallenge, ErrNotSendable, ErrNoSMS)),
		api.On("GET /profile/security/2fa/status", auth.Persons(), s.factorStatus, "Say which second factors the account has."),
		api.On("POST /profile/security/2fa/setup/{method}", auth.Persons(), s.setupFactor, "Begin the setup of a second factor.", guard, api.Fails(ErrMethod, ErrNoSMS)),
		api.On("POST /profile/security/2fa/verify-setup", auth.Persons(), s.verifySetup, "Finish the setup of a second factor.", api.Fails(ErrCode, ErrBusy)),
		api.On("POST /profile/security/2fa/enable", auth.Persons(), s.enableFactor, "Ask for a second factor at sign-in; the backup codes are shown once.", api.Fails(ErrNotProven, ErrBusy)),
		api.On("POST /profile/security/2fa/disable", auth.Persons(), s.disableFactor, "Forget all second factors.", guard),
		api.On("POST /profile/security/2fa/backup-codes", auth.Persons(), s.renewBackup, "Replace the backup codes; they are shown once.", guard, api.Fails(ErrNotProven)),
		api.On("GET /profile/security/sessions", auth.Persons(), s.listSessions, "List the own sessions."),
		api.On("DELETE /profile/security/sessions/{sessionId}", auth.Persons(), s.endSession, "End one of the own sessions.", api.Fails(ErrUnknownSession)),
		api.On("DELETE /profile/security/sessions", auth.Persons(), s.endOthers, "End all own sessions but this one."),
		api.On("GET /profile/security/login-history", auth.Persons(), s.loginHistory, "List the own latest sign-ins and attempts."),
	}
}
