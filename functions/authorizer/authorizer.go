// Package authorizer decides, for every call before its module sees it, who is
// calling, in which org, whether a presented credential holds, and whether the
// call is within its limits. It counts the call with the same write. It refuses
// nothing by itself: it says what it found, and the module's entry renders it.
package authorizer

import (
	"github.com/appmint/appengine/shared/app"
)

// New builds the module.
func New(deps app.Deps) app.Module {
	return app.Module{
		Name:      "authorizer",
		Summary:   "Says who is calling and whether the call is within its limits.",
		Authorize: newService(deps).authorize,
	}
}
