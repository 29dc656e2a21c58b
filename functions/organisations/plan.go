package organisations

import (
	"context"
	"encoding/json"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/usage"
)

// planOut is a plan as the catalogue shows it; null where there is no limit.
type planOut struct {
	Name      string       `json:"name"`
	Allowance usage.Micros `json:"allowance"` // dollars of charges a month
	Currency  string       `json:"currency"`
	MaxUsers  *int         `json:"maxUsers"`
	Limits    planLimits   `json:"limits"`
}

// planLimits are calls per clock window.
type planLimits struct {
	Org    usage.Windows `json:"org"`
	App    usage.Windows `json:"app"`
	Person usage.Windows `json:"person"`
	IP     usage.Windows `json:"ip"`
}

func (s *service) plans(context.Context, auth.Principal, nothing) ([]planOut, error) {
	names := usage.PlanNames()
	list := make([]planOut, 0, len(names))
	for _, name := range names {
		p := usage.PlanOf(name)
		out := planOut{
			Name: p.Name, Allowance: usage.Micros(p.Allowance), Currency: "USD",
			Limits: planLimits{Org: p.Limits.Org, App: p.App, Person: p.Person, IP: p.IP},
		}
		if p.MaxUsers > 0 {
			out.MaxUsers = &p.MaxUsers
		}
		list = append(list, out)
	}
	return list, nil
}

// subscriptionOut is an org's plan, and the entry of its history that is yet to
// take effect.
type subscriptionOut struct {
	Plan            string            `json:"plan"`
	Status          string            `json:"status"`
	NextRenewalDate record.Time       `json:"nextRenewalDate"`
	PlanHistory     []json.RawMessage `json:"planHistory"`
	ScheduledChange json.RawMessage   `json:"scheduledChange"`
}

func (s *service) subscription(ctx context.Context, who auth.Principal, _ nothing) (subscriptionOut, error) {
	rec, err := s.company(ctx, who.Org)
	if err != nil {
		return subscriptionOut{}, err
	}
	out := subscriptionOut{
		Plan: usage.PlanOf(rec.Data.Text("plan")).Name, Status: first(rec.Data.Text("status"), statusActive),
		NextRenewalDate: into[record.Time](rec.Data, "nextRenewalDate"),
		PlanHistory:     []json.RawMessage{}, ScheduledChange: json.RawMessage("null"),
	}
	for _, entry := range into[[]json.RawMessage](rec.Data, "planHistory") {
		out.PlanHistory = append(out.PlanHistory, entry)
		var f account.Fields
		if json.Unmarshal(entry, &f) == nil && f.Text("status") == "future" {
			out.ScheduledChange = entry
		}
	}
	return out, nil
}
