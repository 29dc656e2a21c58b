package clientdata

import (
	"context"
	"encoding/json"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

const customer = "customer"

type nothing struct{}

// all is keyed by datatype; of very many records the thousand changed last.
func (s service) all(ctx context.Context, who auth.Principal, _ nothing) (map[string][]table.Doc, error) {
	page, err := s.as(who).Across(ctx, func(d *collection.Definition) []*filter.Filter {
		if d.Name == customer {
			return []*filter.Filter{filter.Equal("sk", who.ID)}
		}
		return []*filter.Filter{own(who)}
	}, repository.ListOptions{PageSize: repository.PageSizeMax})
	if err != nil {
		return nil, err
	}
	out := map[string][]table.Doc{}
	for _, doc := range page.Docs {
		datatype := filter.Text(doc, "datatype")
		out[datatype] = append(out[datatype], doc)
	}
	return out, nil
}

func (s service) profile(ctx context.Context, who auth.Principal, _ nothing) (table.Doc, error) {
	return s.as(who).Get(ctx, customer, who.ID)
}

// profileIn is what a customer may change of the account; what is left out
// stays, and an empty text removes.
type profileIn struct {
	FirstName  *string `json:"firstName" maxLen:"100"`
	MiddleName *string `json:"middleName" maxLen:"100"`
	LastName   *string `json:"lastName" maxLen:"100"`
	Prefix     *string `json:"prefix" maxLen:"50"`
	Suffix     *string `json:"suffix" maxLen:"50"`
	Phone      *string `json:"phone" maxLen:"50"`
	Language   *string `json:"language" maxLen:"35"`
	Timezone   *string `json:"timezone" maxLen:"64"`
	About      *string `json:"about" maxLen:"5000"`
}

func (in profileIn) members() map[string]*string {
	return map[string]*string{
		"firstName": in.FirstName, "middleName": in.MiddleName, "lastName": in.LastName, "prefix": in.Prefix,
		"suffix": in.Suffix, "phone": in.Phone, "language": in.Language, "timezone": in.Timezone, "about": in.About,
	}
}

func (s service) putProfile(ctx context.Context, who auth.Principal, in profileIn) (table.Doc, error) {
	tenant := s.records.Tenant(who.Org)
	_, err := repository.Change(ctx, tenant, who, customer, who.ID, func(rec *record.Record[map[string]json.RawMessage], _ *repository.Tx) error {
		return in.apply(rec.Data)
	})
	if err != nil {
		return nil, err
	}
	return s.as(who).Get(ctx, customer, who.ID)
}

func (in profileIn) apply(data map[string]json.RawMessage) error {
	for name, value := range in.members() {
		switch {
		case value == nil:
		case *value == "":
			delete(data, name)
		default:
			text, err := json.Marshal(*value)
			if err != nil {
				return err
			}
			if name == "phone" && string(data[name]) != string(text) {
				delete(data, "phoneVerified") // that was another number
			}
			data[name] = text
		}
	}
	return nil
}

type verified struct {
	Verified bool `json:"verified"`
}

type verificationOut struct {
	Email verified `json:"email"`
	Phone verified `json:"phone"`
}

func (s service) verification(ctx context.Context, who auth.Principal, _ nothing) (verificationOut, error) {
	doc, err := s.as(who).Get(ctx, customer, who.ID)
	if err != nil {
		return verificationOut{}, err
	}
	is := func(name string) verified { return verified{string(filter.Get(doc, "data", name)) == "true"} }
	return verificationOut{Email: is("emailVerified"), Phone: is("phoneVerified")}, nil
}

type ordersIn struct {
	listIn
	Status string `query:"status"`
}

const order = "sf_order"

func (s service) orders(ctx context.Context, who auth.Principal, in ordersIn) (listOut, error) {
	var where *filter.Filter
	if in.Status != "" {
		where = filter.Equal("data.status", in.Status)
	}
	return s.list(ctx, who, order, in.listIn, where)
}

type orderIn struct {
	ID string `path:"orderId"`
}

func (s service) order(ctx context.Context, who auth.Principal, in orderIn) (table.Doc, error) {
	return s.one(ctx, who, order, in.ID)
}
