package invoke

import (
	"context"
	"net/http"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/usage"
)

// EntryOf is the usage entry of a finished call; ok is false for calls that are
// not metered: those without an org, and the exempt ones.
func EntryOf(ctx context.Context, o api.Outcome) (e usage.Entry, ok bool) {
	verdict := auth.VerdictFrom(ctx)
	who := verdict.Principal
	unmetered := who.Org == "" || verdict.Refused == api.ErrUnknownOrg.Reason || o.Meta.RequestID == ""
	if unmetered || usage.Exempt(o.Meta.Method, o.Meta.Path) {
		return usage.Entry{}, false
	}
	e = usage.Entry{
		Org: who.Org, RequestID: o.Meta.RequestID, At: o.Began, Email: who.Email, AppID: who.Client,
		Method: o.Meta.Method, Path: o.Meta.Path, Route: "none", Failed: o.Status >= http.StatusBadRequest,
		Duration: o.Duration, BytesIn: o.BytesIn, BytesOut: o.BytesOut,
		Meta: map[string]any{
			"status": o.Status, "tableCalls": o.Consumed.Calls(),
			"readUnits": o.Consumed.ReadUnits(), "writeUnits": o.Consumed.WriteUnits(),
		},
	}
	if o.Matched {
		e.Route = o.Route.Pattern()
	}
	switch who.Kind {
	case auth.App:
		e.AppID = who.ID
	case auth.APIKey:
		e.KeyID = who.ID
	default:
		e.UserID = who.ID
	}
	return e, true
}
