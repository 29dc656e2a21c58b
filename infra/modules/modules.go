// Package modules is the one list of all modules. Everything that needs to know
// them all (the local run, the generated contract, the repository-wide tests)
// reads it.
package modules

import (
	"github.com/appmint/appengine/functions/authorizer"
	"github.com/appmint/appengine/functions/discovery"
	"github.com/appmint/appengine/functions/monitoring"
	"github.com/appmint/appengine/functions/organisations"
	"github.com/appmint/appengine/functions/query"
	"github.com/appmint/appengine/functions/relay"
	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/functions/usage"
	"github.com/appmint/appengine/functions/users"
	"github.com/appmint/appengine/shared/app"
)

// Entry is one module with its name in template.yaml and its document.
type Entry struct {
	Name     string // of the folder; the function is <Name>Function, capitalised
	Document string // number of its page in /discover, "" for functions without routes
	New      app.New
}

// All returns every module.
func All() []Entry {
	return []Entry{
		{"authorizer", "", authorizer.New},
		{"users", "01-auth", users.New},
		{"repository", "02-data", repository.New},
		{"organisations", "03-organisations", organisations.New},
		{"query", "04-query", query.New},
		{"usage", "12-usage", usage.New},
		{"monitoring", "13-monitoring", monitoring.New},
		{"discovery", "14-discovery", discovery.New},
		{"relay", "", relay.New},
	}
}

// Builds returns the constructors alone.
func Builds() []app.New {
	all := All()
	builds := make([]app.New, 0, len(all))
	for _, e := range all {
		builds = append(builds, e.New)
	}
	return builds
}
