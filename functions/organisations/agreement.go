package organisations

import (
	"context"
	"errors"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrUnknownService answers for a service that the platform does not offer.
	ErrUnknownService = fault.New(fault.NotFound, "unknown_service", "There is no such service.")
	// ErrNotAccepted refuses an acceptance that does not say so.
	ErrNotAccepted = fault.New(fault.Invalid, "not_accepted", "Send accepted: true to accept the agreement.")
	// ErrNoAgreement refuses to revoke what is not active.
	ErrNoAgreement = fault.New(fault.Conflict, "no_agreement", "There is no active agreement for that service.")
)

const (
	pricing = "service_pricing"
	active  = "active"
	revoked = "revoked"
)

// agreement is an entry of a company's serviceAgreements.
type agreement struct {
	Service    string      `json:"service"`
	Status     string      `json:"status"`
	Accepted   bool        `json:"accepted"`
	AcceptedAt record.Time `json:"acceptedAt,omitzero"`
	AcceptedBy string      `json:"acceptedBy,omitempty"`
	RevokedAt  record.Time `json:"revokedAt,omitzero"`
}

// offer is a service of the platform's catalogue with the org's agreement.
type offer struct {
	agreement
	Title             string         `json:"title,omitempty"`
	Provider          string         `json:"provider,omitempty"`
	RequiresAgreement bool           `json:"requiresAgreement"`
	AgreementText     string         `json:"agreementText"`
	Pricing           account.Fields `json:"pricing"`
}

// priced are the members of a price that orgs are shown; the platform's markup
// is not among them.
func priced() []string {
	return []string{
		"billingModel", "billingInterval", "price", "currency", "pricingDisplay", "unitName", "unitPrice", "unitSize",
		"tierPeriod", "tiers",
	}
}

// agreements lists the services of the catalogue, those first that the org has
// to agree to.
func (s *service) agreements(ctx context.Context, who auth.Principal, _ nothing) ([]offer, error) {
	company, err := s.company(ctx, who.Org)
	if err != nil {
		return nil, err
	}
	found, err := s.deps.Records.Tenant(org.Root).Find(ctx, pricing, repository.Find{
		Where: filter.Equal("data.status", active), Options: repository.ListOptions{PageSize: repository.PageSizeMax, Sort: "name"},
	})
	if err != nil {
		return nil, err
	}
	held := into[[]agreement](company.Data, "serviceAgreements")
	offers := make([]offer, 0, len(found.Data))
	for _, raw := range found.Data {
		rec, err := record.Typed[account.Fields](raw)
		if err != nil {
			return nil, err
		}
		offers = append(offers, offerOf(rec, held))
	}
	slices.SortStableFunc(offers, func(a, b offer) int {
		switch {
		case a.RequiresAgreement == b.RequiresAgreement:
			return 0
		case a.RequiresAgreement:
			return -1
		}
		return 1
	})
	return offers, nil
}

func offerOf(rec account.Record, held []agreement) offer {
	name := first(rec.Data.Text("name"), rec.Name)
	o := offer{
		agreement: agreement{Service: name, Status: account.Pending}, Title: rec.Data.Text("title"), Provider: rec.Data.Text("provider"),
		RequiresAgreement: string(rec.Data["requiresAgreement"]) != "false", AgreementText: rec.Data.Text("agreementText"),
		Pricing: only(rec.Data, priced()),
	}
	if i := indexOf(held, name); i >= 0 {
		o.agreement = held[i]
	}
	return o
}

func indexOf(held []agreement, service string) int {
	return slices.IndexFunc(held, func(a agreement) bool { return a.Service == service })
}

type agreeIn struct {
	Service  string `path:"service" maxLen:"100"`
	Accepted bool   `json:"accepted" doc:"true"`
}

func (s *service) acceptAgreement(ctx context.Context, who auth.Principal, in agreeIn) (*offer, error) {
	if !in.Accepted {
		return nil, ErrNotAccepted
	}
	fresh := agreement{
		Service: in.Service, Status: active, Accepted: true, AcceptedAt: record.At(s.deps.Now()), AcceptedBy: who.Label(),
	}
	return s.agree(ctx, who, in.Service, "agreement-accept", func(held *agreement) error {
		if held.Status != active { // a repeat keeps when and by whom it was accepted
			*held = fresh
		}
		return nil
	})
}

type serviceIn struct {
	Service string `path:"service" maxLen:"100"`
}

func (s *service) revokeAgreement(ctx context.Context, who auth.Principal, in serviceIn) (*offer, error) {
	return s.agree(ctx, who, in.Service, "agreement-revoke", func(held *agreement) error {
		if held.Status != active {
			return ErrNoAgreement
		}
		held.Status, held.Accepted, held.RevokedAt = revoked, false, record.At(s.deps.Now())
		return nil
	})
}

// agree changes the org's agreement for a service of the catalogue.
func (s *service) agree(ctx context.Context, who auth.Principal, name, kind string, change func(*agreement) error) (*offer, error) {
	price, err := repository.Lookup[account.Fields](ctx, s.deps.Records.Tenant(org.Root), pricing, "name", name)
	if errors.Is(err, table.ErrNotFound) || err == nil && price.Data.Text("status") == "inactive" {
		return nil, ErrUnknownService
	}
	if err != nil {
		return nil, err
	}
	name = first(price.Data.Text("name"), price.Name)
	var held []agreement
	_, err = s.amend(ctx, who, who.Org, amendment{kind: kind, edit: func(f account.Fields) error {
		held = into[[]agreement](f, "serviceAgreements")
		i := indexOf(held, name)
		if i < 0 {
			held, i = append(held, agreement{Service: name, Status: account.Pending}), len(held)
		}
		if err := change(&held[i]); err != nil {
			return err
		}
		held[i].Service = name
		f.Set("serviceAgreements", held)
		return nil
	}})
	if err != nil {
		return nil, err
	}
	o := offerOf(price, held)
	return &o, nil
}
