package usage

// Unlimited is the plan without limits, for laptops and benchmarks.
const Unlimited = "unlimited"

// Free is the plan of an org that has none.
const Free = "free"

// Plan is what an org has subscribed to. Money is in micro-dollars.
type Plan struct {
	Name   string
	Limits Limits
	App    Windows // of each application
	Person Windows // of each person who calls without an application
	IP     Windows // of each address that calls anonymously
	Guess  Windows // of each address that presents passwords or codes
	// Allowance is what of a month's charges the subscription covers.
	Allowance int64
	// MaxUsers is how many active staff accounts there may be; 0 means no limit.
	MaxUsers int
}

// PlanNames lists the plans that can be had, smallest first.
func PlanNames() []string { return []string{Free, "basic", "pro", "team", "enterprise"} }

// KeyWindows are the limits of an API key that sets none of its own.
func KeyWindows() Windows { return Windows{Minute: 100, Hour: 1_000, Day: 10_000} }

// PlanOf returns a plan by name; an unknown name is the free plan.
func PlanOf(name string) Plan {
	plan := Plan{
		Name: Free, Limits: Limits{Org: Windows{Minute: 1_200, Day: 100_000}},
		App: Windows{Minute: 600}, Person: Windows{Minute: 600}, IP: Windows{Minute: 100}, Guess: Windows{Minute: 10},
		MaxUsers: 5,
	}
	switch name {
	case "basic":
		plan.Name, plan.Allowance, plan.MaxUsers = name, 10*dollar, 10
		plan.Limits.Org, plan.App = Windows{Minute: 6_000, Day: 1_000_000}, Windows{Minute: 3_000}
	case "pro":
		plan.Name, plan.Allowance, plan.MaxUsers = name, 100*dollar, 50
		plan.Limits.Org, plan.App = Windows{Minute: 24_000, Day: 5_000_000}, Windows{Minute: 12_000}
	case "team":
		plan.Name, plan.Allowance, plan.MaxUsers = name, 300*dollar, 200
		plan.Limits = Limits{Org: Windows{Minute: 60_000, Day: 20_000_000}, Shards: 4}
		plan.App = Windows{Minute: 30_000}
	case "enterprise":
		plan.Name, plan.Allowance, plan.MaxUsers = name, 1_000*dollar, 0
		plan.Limits = Limits{Org: Windows{Minute: 240_000}, Shards: 16}
		plan.App = Windows{Minute: 120_000}
	case Unlimited:
		plan = Plan{Name: name}
	}
	return plan
}
