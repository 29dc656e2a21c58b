package authorizer

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

const (
	// remember is how long organisations, groups, custom roles, and the scopes
	// and limits of keys are used as they were read. Sessions, accounts, apps and
	// the secrets of keys are read each time.
	remember = 3 * time.Second
)

// Reasons of a call that may not run.
const (
	invalidOrg  = "invalid_org"
	unknownOrg  = "unknown_org"
	orgInactive = "org_inactive"
	rateLimited = "rate_limited"
)

type service struct {
	now       func() time.Time
	table     table.Table
	tokens    *auth.Tokens
	meter     *usage.Meter
	directory *account.Directory
	fresh     *account.Directory // remembers nothing
}

func newService(d app.Deps) *service {
	return &service{
		now: d.Now, table: d.Table, tokens: d.Tokens, meter: d.Meter,
		directory: account.NewDirectory(d.Records, d.Table, d.Now, remember),
		fresh:     account.NewDirectory(d.Records, d.Table, d.Now, 0),
	}
}

// authorize resolves one call. Reading who calls and counting the call happen
// side by side: one write, and reads that are mostly remembered.
func (s *service) authorize(ctx context.Context, call auth.Call) (auth.Verdict, error) {
	presented := credentialsOf(call)
	var id org.ID
	if presented.org != "" {
		parsed, err := org.Parse(presented.org)
		if err != nil {
			return auth.Verdict{Principal: auth.Nobody(""), Refused: invalidOrg}, nil //nolint:nilerr // the verdict says it
		}
		id = parsed
	}
	company, ok, err := s.company(ctx, id)
	switch {
	case err != nil:
		return auth.Verdict{}, err
	case !ok || company.Status == "deleted":
		return auth.Verdict{Principal: auth.Nobody(""), Refused: unknownOrg}, nil
	}
	plan := s.meter.Plan(company.Plan)
	b, err := s.believe(ctx, presented, id)
	if err != nil {
		return auth.Verdict{}, err
	}
	key, err := s.key(ctx, presented, &b)
	if err != nil {
		return auth.Verdict{}, err
	}
	v, err := s.decide(ctx, call, b, key, plan)
	v.Plan = plan.Name
	if err == nil && v.Refused == "" && !company.Open() && !alwaysOpen.MatchString(call.Path) && !v.Principal.IsPlatformAdmin() {
		v.Refused = orgInactive
	}
	return v, err
}

// alwaysOpen are the routes that an org needs to come back from suspension:
// sign-in, profile, billing and usage.
var alwaysOpen = regexp.MustCompile(`^(/api)?/(profile|user|customer|whoami|org-management|usage|\.well-known)(/|$)`)

// company is the org's record; a call of no org is the platform's.
func (s *service) company(ctx context.Context, id org.ID) (account.Company, bool, error) {
	if id == "" {
		id = org.Root
	}
	return s.directory.Company(ctx, id)
}

// key resolves an API key, unless a token was presented: the key header may
// then be anything.
func (s *service) key(ctx context.Context, presented credentials, b *believed) (*account.Entry[account.Key], error) {
	if presented.key == "" || presented.token != "" || presented.person != "" || b.org == "" {
		return nil, nil //nolint:nilnil // no key, nothing wrong
	}
	key, ok, err := s.directory.Key(ctx, b.org, presented.key, s.now())
	if err != nil {
		return nil, err
	}
	if !ok {
		b.spoil(auth.ErrInvalidToken.Reason)
		return nil, nil //nolint:nilnil // the reason is in b
	}
	return &key, nil
}

// decide counts the call and resolves the principal, side by side.
func (s *service) decide(ctx context.Context, call auth.Call, b believed, key *account.Entry[account.Key], plan usage.Plan) (auth.Verdict, error) {
	var d usage.Decision
	var counting error
	var group sync.WaitGroup
	if !usage.Exempt(call.Method, call.Path) {
		group.Go(func() { d, counting = s.count(ctx, call, b, key, plan) })
	}
	v, err := s.principal(ctx, b, key, area(call.Path))
	group.Wait()
	if err = errors.Join(err, counting); err != nil {
		return auth.Verdict{}, err
	}
	if d.Limit > 0 {
		v.Limit, v.Remaining, v.Reset = d.Limit, d.Remaining, d.Reset.Unix()
	}
	if d.RetryAfter > 0 {
		v.Refused = rateLimited
		v.RetryAfter = int64((d.RetryAfter + time.Second - 1) / time.Second)
	}
	return v, nil
}

// count meters the call to its org; a call of no org to the platform's own, by
// address only.
func (s *service) count(ctx context.Context, call auth.Call, b believed, key *account.Entry[account.Key], plan usage.Plan) (usage.Decision, error) {
	limits, tenant := plan.Limits, table.Of(s.table, b.org)
	if b.org == "" {
		limits, tenant = usage.Limits{Shards: plan.Limits.Shards}, table.Of(s.table, org.Root)
	}
	return s.meter.Take(ctx, tenant, limits, subjects(call, b, key, plan)...)
}

// subjects are what is counted beside the org. A presented app or person is
// counted only when its signature holds: nobody can use up another's limits.
func subjects(call auth.Call, b believed, key *account.Entry[account.Key], plan usage.Plan) []usage.Subject {
	var list []usage.Subject
	if key != nil {
		return []usage.Subject{{Kind: usage.ByKey, ID: key.ID, Limit: keyLimit(key.Data, plan)}}
	}
	if b.app != nil {
		list = append(list, usage.Subject{Kind: usage.ByApp, ID: b.app.Subject, Limit: plan.App})
	}
	if b.person != nil {
		list = append(list, usage.Subject{Kind: usage.ByPerson, ID: b.person.Subject, Limit: plan.Person})
	}
	if len(list) > 0 {
		return list
	}
	list = append(list, usage.Subject{Kind: usage.ByIP, ID: call.IP, Limit: plan.IP})
	if guessing.MatchString(call.Path) {
		list = append(list, usage.Subject{Kind: usage.ByGuess, ID: call.IP, Limit: plan.Guess})
	}
	return list
}

// keyLimit are the key's own limits, the defaults where it has none, and none
// at all where nothing is limited.
func keyLimit(k account.Key, plan usage.Plan) usage.Windows {
	own := k.RateLimit.Windows()
	if plan.Name == usage.Unlimited && own == usage.KeyWindows() {
		return usage.Windows{}
	}
	return own
}
