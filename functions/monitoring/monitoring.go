// Package monitoring shows whether the platform works and what happens on it:
// health of the core components for load balancers and uptime checks, and
// platform-wide roll-ups of sign-ins, customers and new organisations.
package monitoring

import (
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	s := service{
		now:    deps.Now,
		health: newHealth(deps),
		rollup: table.Of(deps.Table, org.Root),
		public: deps.Settings.MonitoringPublic,
	}
	return app.Module{
		Name:      "monitoring",
		Summary:   "Health of the deployment, and platform-wide activity for operators.",
		Routes:    s.routes(),
		Consumers: s.consumers(),
	}
}
