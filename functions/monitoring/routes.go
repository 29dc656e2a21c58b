package monitoring

import (
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
)

func (s service) routes() []api.Route {
	operators := auth.PlatformAdmins()
	if s.public {
		operators = auth.Public()
	}
	return []api.Route{
		api.On("GET /health", auth.Public(), s.alive, "Liveness; touches nothing.", api.NoOrg(), api.Uncounted()),
		api.On("GET /monitoring/health", auth.Public(), s.components, "State of the core components; 503 when one is down.", api.NoOrg(), api.Uncounted(), api.Fails(errUnhealthy)),
		api.On("GET /monitoring/user-activity", operators, s.userActivity, "Sign-ins and new customers over time.", api.NoOrg(), api.Fails(errRange)),
		api.On("GET /monitoring/company-creation", operators, s.companyCreation, "New organisations over time.", api.NoOrg(), api.Fails(errRange)),
	}
}
