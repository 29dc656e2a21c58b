package users

import (
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
)

// securityRoutes are how people look after their own account.
func (s *service) securityRoutes() []api.Route {
	return []api.Route{
		api.On("GET /profile/security/sessions", auth.Persons(), s.listSessions, "List the own sessions."),
		api.On("DELETE /profile/security/sessions/{sessionId}", auth.Persons(), s.endSession, "End one of the own sessions.", api.Fails(ErrUnknownSession)),
		api.On("DELETE /profile/security/sessions", auth.Persons(), s.endOthers, "End all own sessions but this one."),
		api.On("GET /profile/security/login-history", auth.Persons(), s.loginHistory, "List the own latest sign-ins and attempts."),
	}
}
