package users

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrDomain refuses a sign-up from a domain that the org does not want.
	ErrDomain = fault.New(fault.Forbidden, "domain_blocked", "Addresses of that domain cannot sign up here.")
	// ErrBadDomain refuses what is no domain.
	ErrBadDomain = fault.New(fault.Invalid, "invalid_domain", "That is not a valid domain.")
	// ErrUnknownDomain answers for a domain that is not on the list.
	ErrUnknownDomain = fault.New(fault.NotFound, "domain_not_found", "That domain is not on the list.")
)

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`)

// blacklistPart holds the domains that may not sign up: sort = the domain.
const blacklistPart = "blacklist"

// blacklistMost is how many domains are shown.
const blacklistMost = 1000

// blocked is one entry of the list.
type blocked struct {
	Domain string `json:"domain"`
	Reason string `json:"reason"`
}

type blockIn struct {
	Domain string `json:"domain" required:"true" maxLen:"255"`
	Reason string `json:"reason" maxLen:"500"`
}

type blockPathIn struct {
	Domain string `path:"domain" maxLen:"300"`
	Reason string `json:"reason" maxLen:"500"`
}

type unblockIn struct {
	Domain string `path:"domain" maxLen:"300"`
}

type blockedOut struct {
	Blacklist []blocked `json:"blacklist"`
}

func (s *service) blacklistRoutes() []api.Route {
	config := auth.Roles(auth.RoleConfigAdmin, auth.RoleRootAdmin, auth.RoleOwner)
	const add = "Keep addresses of a domain from signing up."
	return append(
		aliased(api.On("GET /profile/blacklist/get", config, s.listBlocked, "List the domains that may not sign up."), "GET /blacklist/get"),
		api.On("POST /profile/blacklist/add", config, s.block, add, api.Fails(ErrBadDomain)),
		api.On("POST /profile/blacklist/add/{domain}", config, s.blockByPath, add, api.Fails(ErrBadDomain)),
		api.On("DELETE /profile/blacklist/delete/{domain}", config, s.unblock, "Let addresses of a domain sign up again.", api.Fails(ErrBadDomain, ErrUnknownDomain)),
	)
}

// domainOf brings a domain into the form in which it is kept.
func domainOf(text string) (string, error) {
	if decoded, err := url.PathUnescape(text); err == nil {
		text = decoded
	}
	text = strings.Trim(strings.ToLower(strings.TrimSpace(text)), "@.")
	if !domainName.MatchString(text) || len(text) > 253 {
		return "", ErrBadDomain
	}
	return text, nil
}

func blockedKey(domain string) table.Key { return table.Key{Part: blacklistPart, Sort: domain} }

func (s *service) listBlocked(ctx context.Context, who auth.Principal, _ struct{}) (blockedOut, error) {
	out := blockedOut{Blacklist: []blocked{}}
	query := table.Query{Part: blacklistPart, Consistent: true}
	for len(out.Blacklist) < blacklistMost {
		page, err := table.Of(s.deps.Table, who.Org).Query(ctx, query)
		if err != nil {
			return out, fmt.Errorf("list blacklist: %w", err)
		}
		for _, item := range page.Items {
			var one blocked
			if err := item.Doc.Decode(&one); err != nil {
				return out, fmt.Errorf("read blacklist: %w", err)
			}
			out.Blacklist = append(out.Blacklist, one)
		}
		if query.Cursor = page.Cursor; page.Cursor == "" {
			break
		}
	}
	return out, nil
}

// block adds a domain; one that is there gets the new reason.
func (s *service) block(ctx context.Context, who auth.Principal, in blockIn) (done, error) {
	domain, err := domainOf(in.Domain)
	if err != nil {
		return done{}, err
	}
	doc, err := table.NewDoc(blocked{Domain: domain, Reason: in.Reason})
	if err != nil {
		return done{}, err
	}
	if _, err := table.Of(s.deps.Table, who.Org).Write(ctx, table.Put{Item: table.Item{Key: blockedKey(domain), Doc: doc}}); err != nil {
		return done{}, fmt.Errorf("store blacklist: %w", err)
	}
	return done{Success: true, Message: "Addresses of " + domain + " cannot sign up any more."}, nil
}

func (s *service) blockByPath(ctx context.Context, who auth.Principal, in blockPathIn) (done, error) {
	return s.block(ctx, who, blockIn(in))
}

func (s *service) unblock(ctx context.Context, who auth.Principal, in unblockIn) (done, error) {
	domain, err := domainOf(in.Domain)
	if err != nil {
		return done{}, err
	}
	_, err = table.Of(s.deps.Table, who.Org).Write(ctx, table.Delete{Key: blockedKey(domain), If: table.ItemExists{}})
	if err != nil {
		return done{}, lostTicket(err, ErrUnknownDomain)
	}
	return done{Success: true, Message: "Addresses of " + domain + " can sign up again."}, nil
}

// welcomed refuses an address whose domain, or one above it, is on the list.
// Founding an organisation goes by the platform's list.
func (s *service) welcomed(ctx context.Context, id org.ID, email string) error {
	if id == "" {
		id = org.Root
	}
	_, domain, _ := strings.Cut(email, "@")
	var keys []table.Key
	for strings.Contains(domain, ".") && len(keys) < table.BatchGetMax {
		keys = append(keys, blockedKey(domain))
		_, domain, _ = strings.Cut(domain, ".")
	}
	if len(keys) == 0 {
		return nil
	}
	items, err := table.Of(s.deps.Table, id).BatchGet(ctx, keys)
	if err != nil {
		return fmt.Errorf("read blacklist: %w", err)
	}
	if len(items) > 0 {
		return ErrDomain
	}
	return nil
}
