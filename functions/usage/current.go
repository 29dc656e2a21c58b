package usage

import (
	"context"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
	metering "github.com/appmint/appengine/shared/usage"
)

// types are the types of usage; others read as nothing used.
func types() []string {
	return []string{metering.APICalls, "ai-tokens", "sms", "email", "voice", "storage", "bandwidth", "domains", "shipping"}
}

type period struct {
	Start record.Time `json:"start"`
	End   record.Time `json:"end"`
}

// used is how much of one type was used this month. Limit is null where there
// is none.
type used struct {
	Used  int64           `json:"used"`
	Limit *int64          `json:"limit"`
	Cost  metering.Micros `json:"cost"`
	// Refused is how many calls were refused by a limit; they are not in Used.
	Refused int64 `json:"refused,omitempty"`
}

type currentOut struct {
	OrgID  org.ID          `json:"orgId"`
	Period period          `json:"period"`
	Types  map[string]used `json:"types"`
}

type orgIn struct {
	Org string `path:"orgId"`
}

// current counts every call of the month up to and including the one that asks.
func (s *service) current(ctx context.Context, who auth.Principal, in orgIn) (currentOut, error) {
	id, err := s.orgOf(who, in.Org)
	if err != nil {
		return currentOut{}, err
	}
	now := s.deps.Now()
	start, end := metering.MonthOf(now)
	out := currentOut{OrgID: id, Period: period{record.At(start), record.At(end)}, Types: map[string]used{}}
	tenant := table.Of(s.deps.Table, id)
	calls, err := s.deps.Meter.Calls(ctx, tenant)
	if err != nil {
		return out, err
	}
	report, err := metering.ReportsOf(tenant).Report(ctx, start, now)
	if err != nil {
		return out, err
	}
	for _, name := range types() {
		unit := report.Units[name]
		out.Types[name] = used{Used: unit.Used, Cost: unit.Cost}
	}
	cost := report.Totals.Cost
	for _, unit := range report.Units {
		cost -= unit.Cost
	}
	out.Types[metering.APICalls] = used{Used: calls.Month, Cost: cost, Refused: calls.Refused}
	out.Types["bandwidth"] = used{Used: report.Totals.BytesIn + report.Totals.BytesOut, Cost: report.Units["bandwidth"].Cost}
	return out, nil
}

// orgOf is the org of the path, which must be the caller's.
func (s *service) orgOf(who auth.Principal, text string) (org.ID, error) {
	id, err := org.Parse(text)
	if err != nil {
		return "", auth.ErrOrgMismatch
	}
	if id != who.Org && !who.IsPlatformAdmin() {
		return "", auth.ErrOrgMismatch
	}
	return id, nil
}

type typeIn struct {
	Org  string `path:"orgId"`
	Type string `path:"type"`
}

type typeOut struct {
	Type string `json:"type"`
	used
	OrgID  org.ID `json:"orgId"`
	Period period `json:"period"`
}

func (s *service) currentType(ctx context.Context, who auth.Principal, in typeIn) (typeOut, error) {
	all, err := s.current(ctx, who, orgIn{Org: in.Org})
	return typeOut{Type: in.Type, used: all.Types[in.Type], OrgID: all.OrgID, Period: all.Period}, err
}

// balance reads what the org has and what of this month's allowance is gone.
func (s *service) balance(ctx context.Context, who auth.Principal, _ struct{}) (account.Balance, error) {
	return account.BalanceOf(ctx, s.deps, who.Org)
}

// window is one limit and how much of it is used; Limit null means none.
type window struct {
	Limit *int64      `json:"limit"`
	Used  *int64      `json:"used,omitempty"`
	Reset record.Time `json:"reset,omitzero"`
}

type windowsOut struct {
	Minute window `json:"minute"`
	Hour   window `json:"hour"`
	Day    window `json:"day"`
}

type limitsOut struct {
	Plan   string     `json:"plan"`
	Org    windowsOut `json:"org"`
	App    windowsOut `json:"app"`
	Key    windowsOut `json:"key"`
	Person windowsOut `json:"person"`
	IP     windowsOut `json:"ip"`
}

// limits shows the limits in force, and what the org has used of its own.
func (s *service) limits(ctx context.Context, who auth.Principal, _ struct{}) (limitsOut, error) {
	c, _, err := s.directory.Company(ctx, who.Org)
	if err != nil {
		return limitsOut{}, err
	}
	plan := s.deps.Meter.Plan(c.Plan)
	calls, err := s.deps.Meter.Calls(ctx, table.Of(s.deps.Table, who.Org))
	if err != nil {
		return limitsOut{}, err
	}
	own := windowsOf(plan.Limits.Org)
	now := s.deps.Now().UTC()
	own.Minute.Used, own.Minute.Reset = &calls.Minute, record.At(now.Truncate(time.Minute).Add(time.Minute))
	own.Hour.Used, own.Hour.Reset = &calls.Hour, record.At(now.Truncate(time.Hour).Add(time.Hour))
	own.Day.Used, own.Day.Reset = &calls.Day, record.At(now.Truncate(24*time.Hour).Add(24*time.Hour))
	return limitsOut{
		Plan: plan.Name, Org: own, App: windowsOf(plan.App), Key: windowsOf(metering.KeyWindows()),
		Person: windowsOf(plan.Person), IP: windowsOf(plan.IP),
	}, nil
}

func windowsOf(w metering.Windows) windowsOut {
	one := func(limit int64) window {
		if limit == 0 {
			return window{}
		}
		return window{Limit: &limit}
	}
	return windowsOut{Minute: one(w.Minute), Hour: one(w.Hour), Day: one(w.Day)}
}
