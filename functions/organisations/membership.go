package organisations

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/event"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// Which organisations an address has accounts in is kept in the root org, by
// this module's consumers: partition "member" says under which address a user
// is listed, partition "memberof" lists the orgs of an address.
const (
	memberPart   = "member"
	memberOfPart = "memberof"
	// listedTries bounds how often a consumer loses against another.
	listedTries = 8
	// orgsMax is how many organisations of one address are looked at.
	orgsMax = 200
)

// listed is the item of the partition "member".
type listed struct {
	Email string `json:"email"` // "" when the user is in no list
	N     int64  `json:"n"`     // changes so far
}

func (s *service) consumers() []event.Consumer {
	const what = "keeps which organisations an e-mail address has accounts in"
	return []event.Consumer{
		event.On("member-created", "user-create", what, s.relist),
		event.On("member-changed", "user-update", what, s.relist),
		event.On("member-gone", "user-delete", what, s.relist),
	}
}

// relist brings the lists into agreement with the user's record as it is now,
// so that it matters neither how often nor in what order events arrive: an
// attempt counts only when nobody has changed the lists since before it read
// the record.
func (s *service) relist(ctx context.Context, e event.Envelope) error {
	root := table.Of(s.deps.Table, org.Root)
	key := table.Key{Part: memberPart, Sort: string(e.Org) + "/" + e.RecordID}
	for range listedTries {
		before, unchanged, err := s.listedAt(ctx, key)
		if err != nil {
			return err
		}
		email, err := s.emailNow(ctx, e)
		if err != nil || email == before.Email {
			return err
		}
		ops, err := moves(e.Org, key, before, email, unchanged)
		if err != nil {
			return err
		}
		err = root.Transact(ctx, "", ops...)
		var refused *table.Refused
		if !errors.As(err, &refused) {
			return err
		}
	}
	return table.ErrBusy
}

func (s *service) listedAt(ctx context.Context, key table.Key) (before listed, unchanged table.Cond, err error) {
	item, err := table.Of(s.deps.Table, org.Root).Get(ctx, key)
	if errors.Is(err, table.ErrNotFound) {
		return before, table.ItemMissing{}, nil
	}
	if err != nil {
		return before, nil, fmt.Errorf("read membership: %w", err)
	}
	err = item.Doc.Decode(&before)
	return before, table.Compare{Path: table.At("n"), Op: table.Equal, Value: before.N}, err
}

// emailNow is the address of the user as stored, "" when there is none.
func (s *service) emailNow(ctx context.Context, e event.Envelope) (string, error) {
	rec, err := repository.Get[account.Person](ctx, s.deps.Records.Tenant(e.Org), account.Users, e.RecordID)
	if errors.Is(err, table.ErrNotFound) {
		return "", nil
	}
	return account.Email(rec.Data.Email), err
}

func moves(id org.ID, key table.Key, before listed, email string, unchanged table.Cond) ([]table.Op, error) {
	doc, err := table.NewDoc(listed{Email: email, N: before.N + 1})
	ops := []table.Op{table.Put{Item: table.Item{Key: key, Doc: doc}, If: unchanged}}
	if before.Email != "" {
		ops = append(ops, table.Delete{Key: memberOfKey(before.Email, id)})
	}
	if email != "" {
		ops = append(ops, table.Put{Item: table.Item{Key: memberOfKey(email, id), Doc: table.Doc(`{}`)}})
	}
	return ops, err
}

// An address has no '#' before its last '@' in lists, since it is escaped.
func memberOfKey(email string, id org.ID) table.Key {
	return table.Key{Part: memberOfPart, Sort: url.QueryEscape(email) + "#" + string(id)}
}

// orgCard is what of an org everybody may know.
type orgCard struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Logo        any    `json:"logo,omitempty"`
}

// card returns the card of an org in which an address has an account that may
// sign in; ok is false for any other org.
func (s *service) card(ctx context.Context, id org.ID, email string) (c orgCard, ok bool, err error) {
	user, err := repository.Lookup[account.Person](ctx, s.deps.Records.Tenant(id), account.Users, "email", email)
	if errors.Is(err, table.ErrNotFound) || err == nil && !user.Data.Usable() {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("read member: %w", err)
	}
	rec, err := s.company(ctx, id)
	if errors.Is(err, ErrUnknownOrg) {
		return c, false, nil
	}
	return orgCard{
		Name: string(id), DisplayName: first(rec.Data.Text("displayName"), string(id)), Logo: into[any](rec.Data, "logo"),
	}, err == nil, err
}

// orgsOf lists the orgs of an address; also are orgs that are known without the
// list, which lags behind a new account by as long as its event takes.
func (s *service) orgsOf(ctx context.Context, email string, also ...org.ID) ([]orgCard, error) {
	cards := []orgCard{}
	if email == "" {
		return cards, nil
	}
	found, err := table.Of(s.deps.Table, org.Root).Query(ctx, table.Query{
		Part: memberOfPart, Prefix: url.QueryEscape(email) + "#", Limit: orgsMax, Consistent: true,
	})
	if err != nil {
		return nil, fmt.Errorf("list memberships: %w", err)
	}
	ids := also
	for _, item := range found.Items {
		_, name, _ := strings.Cut(item.Sort, "#")
		ids = append(ids, org.ID(name))
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		c, ok, err := s.card(ctx, id, email)
		if err != nil {
			return nil, err
		}
		if ok {
			cards = append(cards, c)
		}
	}
	return cards, nil
}

func (s *service) myOrgs(ctx context.Context, who auth.Principal, _ nothing) ([]orgCard, error) {
	return s.orgsOf(ctx, who.Email, who.Home)
}

type emailIn struct {
	Email string `path:"email" maxLen:"300"`
}

// address is an e-mail address of a path, which may arrive encoded twice.
func address(text string) string {
	if decoded, err := url.PathUnescape(text); err == nil {
		text = decoded
	}
	return account.Email(text)
}

// publicOrgs answers the sign-in page's "which site?"; it must stay a bare list.
func (s *service) publicOrgs(ctx context.Context, _ auth.Principal, in emailIn) ([]orgCard, error) {
	cards, err := s.orgsOf(ctx, address(in.Email))
	s.deps.Log.InfoContext(ctx, "organisations of an address looked up", "found", len(cards))
	return cards, err
}
