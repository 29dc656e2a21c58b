// Package usage answers what an organisation has used, what that cost and what
// it may still use, and keeps the platform's price list of endpoints.
package usage

import (
	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	metering "github.com/appmint/appengine/shared/usage"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := &service{
		deps: deps,
		// The numbers shown must be those of now: nothing is remembered.
		directory: account.NewDirectory(deps.Records, deps.Table, deps.Now, 0),
	}
	return app.Module{
		Name:    "usage",
		Summary: "What an organisation has used, what it cost, and what it may still use.",
		Routes:  s.routes(),
	}
}

type service struct {
	deps      app.Deps
	directory *account.Directory
}

func (s *service) routes() []api.Route {
	ranged := api.Fails(metering.ErrRange, errDate)
	return []api.Route{
		api.On("GET /usage/endpoints", auth.Staff(0), s.endpoints, "List the prices of endpoints."),
		api.On("POST /usage/endpoints", auth.PlatformAdmins(), s.putEndpoints, "Set prices of endpoints.", api.Fails(metering.ErrCost, metering.ErrEndpoint)),
		api.On("DELETE /usage/endpoints/{endpoint...}", auth.PlatformAdmins(), s.deleteEndpoint, "Make an endpoint free.", api.Fails(metering.ErrNoPrice)),
		api.On("GET /usage/stats", auth.Staff(0), s.stats, "Sum up a range of days.", ranged),
		api.On("GET /usage/balance", auth.Staff(0), s.balance, "Read balance, plan and allowance."),
		api.On("GET /usage/limits", auth.Staff(0), s.limits, "Read rate limits and how much of them is used."),
		api.On("GET /usage/history", auth.Staff(0), s.history, "List calls, newest first.", ranged, api.Fails(metering.ErrTooFar)),
		api.On("GET /usage/history/{type}", auth.Staff(0), s.historyOf, "List what was used of one type, newest first.", ranged, api.Fails(metering.ErrTooFar)),
		api.On("GET /usage/{orgId}/current", auth.Staff(0), s.current, "Read this month's counters.", api.Fails(auth.ErrOrgMismatch)),
		api.On("GET /usage/{orgId}/current/{type}", auth.Staff(0), s.currentType, "Read this month's counter of one type.", api.Fails(auth.ErrOrgMismatch)),
	}
}
