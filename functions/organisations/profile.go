package organisations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// ErrNothing refuses a change that changes nothing that can be changed.
var ErrNothing = fault.New(fault.Invalid, "nothing_to_change", "There is nothing to change in that request.")

// profileOut is an org with its owner as a customer of the platform's own org,
// and its main address; null for what there is not.
type profileOut struct {
	Company  *account.Record `json:"company"`
	Customer *account.Record `json:"customer"`
	Address  *account.Record `json:"address"`
}

func (s *service) profile(ctx context.Context, who auth.Principal, _ nothing) (profileOut, error) {
	return s.profileOf(ctx, who.Org)
}

// profileBy answers for another org to platform administrators only; others get
// their own.
func (s *service) profileBy(ctx context.Context, who auth.Principal, in orgIn) (profileOut, error) {
	id := who.Org
	if who.IsPlatformAdmin() {
		var err error
		if id, err = orgOf(who, strings.ToLower(in.ID)); err != nil {
			return profileOut{}, err
		}
	}
	return s.profileOf(ctx, id)
}

func (s *service) profileOf(ctx context.Context, id org.ID) (profileOut, error) {
	rec, err := s.company(ctx, id)
	if err != nil {
		return profileOut{}, err
	}
	var out profileOut
	if out.Company, err = s.shown(ctx, id, rec); err != nil {
		return profileOut{}, err
	}
	customer, err := s.customer(ctx, id)
	if err == nil {
		out.Customer = account.Presented(customer)
	} else if !errors.Is(err, table.ErrNotFound) {
		return profileOut{}, err
	}
	addresses, err := s.addressesOf(ctx, id, rec.SK)
	if err != nil {
		return profileOut{}, err
	}
	out.Address = mainAddress(addresses)
	return out, nil
}

// customerID is the id of an org's owner as a customer of the root org.
func customerID(id org.ID) string { return account.Customers + "-" + string(id) }

func (s *service) customer(ctx context.Context, id org.ID) (account.Record, error) {
	return repository.Get[account.Fields](ctx, s.deps.Records.Tenant(org.Root), account.Customers, customerID(id))
}

type bodyIn struct {
	Body account.Fields `body:"json"`
}

// modifiable are the members of a company record that its administrators set.
func modifiable() []string {
	return []string{"displayName", "interest", "logo", "businessProfile", "email"}
}

// updateProfile changes the modifiable members; others are ignored. The members
// of a business profile are changed one by one.
func (s *service) updateProfile(ctx context.Context, who auth.Principal, in bodyIn) (*account.Record, error) {
	changes := only(in.Body, modifiable())
	if len(changes) == 0 {
		return nil, ErrNothing
	}
	if _, ok := changes["email"]; ok {
		email, err := account.CheckEmail(changes.Text("email"))
		if err != nil {
			return nil, err
		}
		changes.Set("email", email)
	}
	rec, err := s.amend(ctx, who, who.Org, amendment{kind: "update", edit: func(f account.Fields) error {
		if email := changes.Text("email"); email != "" {
			s.changeEmail(f, email, who.Label(), "profile")
		}
		for name, value := range changes {
			if name == "businessProfile" {
				f.Set(name, merged(into[account.Fields](f, name), into[account.Fields](changes, name)))
				continue
			}
			f[name] = value
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, who.Org, rec)
}

// only returns the members with one of the names, of a body that has them flat
// or under data.
func only(body account.Fields, names []string) account.Fields {
	kept := account.Fields{}
	nested := into[account.Fields](body, "data")
	for _, from := range []account.Fields{body, nested} {
		for name, value := range from {
			if slices.Contains(names, name) {
				kept[name] = value
			}
		}
	}
	return kept
}

func merged(old, changes account.Fields) account.Fields {
	out := account.Fields{}
	maps.Copy(out, old)
	maps.Copy(out, changes)
	return out
}

// formerEmail is an entry of a company's emailHistory.
type formerEmail struct {
	Email     string      `json:"email"`
	ChangedAt record.Time `json:"changedAt"`
	ChangedBy string      `json:"changedBy"`
	Reason    string      `json:"reason"`
}

// changeEmail sets a company's address and keeps the old one in its history.
func (s *service) changeEmail(f account.Fields, email, by, reason string) {
	old := f.Text("email")
	if old == email {
		return
	}
	if old != "" {
		history := into[[]json.RawMessage](f, "emailHistory")
		text, err := json.Marshal(formerEmail{Email: old, ChangedAt: record.At(s.deps.Now()), ChangedBy: by, Reason: reason})
		if err == nil {
			f.Set("emailHistory", append(history, text))
		}
	}
	f.Set("email", email)
}

// personal are the members that an owner sets of the own customer record.
func personal() []string {
	return []string{
		"firstName", "middleName", "lastName", "prefix", "suffix", "title", "sex", "birthday", "phone", "language",
		"timezone", "greeting", "company", "jobTitle", "jobClass", "address",
	}
}

// updateCustomer changes the owner's record in the root org, which the first
// change creates.
func (s *service) updateCustomer(ctx context.Context, who auth.Principal, in bodyIn) (*account.Record, error) {
	changes := only(in.Body, personal())
	if len(changes) == 0 {
		return nil, ErrNothing
	}
	rec, err := s.company(ctx, who.Org)
	if err != nil {
		return nil, err
	}
	tenant := s.deps.Records.Tenant(org.Root)
	for range amendTries {
		_, err := repository.Change(ctx, tenant, who, account.Customers, customerID(who.Org), func(rec *account.Record, tx *repository.Tx) error {
			before := only(rec.Data, slices.Collect(maps.Keys(changes)))
			maps.Copy(rec.Data, changes)
			return audit(tx, "update", ownerOf(*rec), before, changes)
		})
		if err == nil {
			stored, err := s.customer(ctx, who.Org)
			return account.Presented(stored), err
		}
		if !errors.Is(err, table.ErrNotFound) {
			return nil, fmt.Errorf("change customer: %w", err)
		}
		if err := s.createCustomer(ctx, who, rec); err != nil {
			return nil, err
		}
	}
	return nil, account.ErrBusy
}

// createCustomer makes the owner a customer of the root org: with the address
// of the org, unless somebody else there has it.
func (s *service) createCustomer(ctx context.Context, who auth.Principal, company account.Record) error {
	fields := account.Fields{}
	fields.Set("accountType", "customer")
	fields.Set("company", first(company.Data.Text("displayName"), string(who.Org)))
	fields.Set("email", company.Data.Text("email"))
	rec := account.Record{
		SK: customerID(who.Org), Datatype: account.Customers, Data: fields,
		Owner: &record.Owner{Datatype: account.Companies, ID: company.SK, Name: string(who.Org)},
	}
	for range 2 {
		_, err := repository.Create(ctx, s.deps.Records.Tenant(org.Root), who, rec)
		if err == nil {
			return nil
		}
		if !errors.Is(account.Taken(err), account.ErrEmailTaken) {
			if errors.Is(err, repository.ErrTaken) {
				return nil // another call created it
			}
			return fmt.Errorf("create customer: %w", err)
		}
		delete(fields, "email")
	}
	return account.ErrBusy
}
