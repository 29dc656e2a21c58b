package organisations

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

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
	// ErrUnknownAddress answers for an address that is not the org's.
	ErrUnknownAddress = fault.New(fault.NotFound, "unknown_address", "There is no such address.")
	// ErrAddresses refuses a body with no address in it, or with too many.
	ErrAddresses = fault.New(fault.Invalid, "invalid_addresses", "Send between 1 and 20 addresses.")
)

const (
	addressType = "address"
	// addressesMax is how many addresses one call saves; an org has few.
	addressesMax = 20
)

// addressesOf are the addresses that belong to a company record.
func (s *service) addressesOf(ctx context.Context, id org.ID, company string) ([]account.Record, error) {
	found, err := s.deps.Records.Tenant(id).Find(ctx, addressType, repository.Find{
		Where:   filter.Equal("owner.id", company),
		Options: repository.ListOptions{PageSize: repository.PageSizeMax, Sort: "sk"},
	})
	if err != nil {
		return nil, err
	}
	list := make([]account.Record, len(found.Data))
	for i, raw := range found.Data {
		if list[i], err = record.Typed[account.Fields](raw); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// mainAddress is the primary one, or else the billing one, or else the first.
func mainAddress(list []account.Record) *account.Record {
	best, weight := -1, -1
	for i, rec := range list {
		w := 0
		switch {
		case into[bool](rec.Data, "primary"):
			w = 2
		case rec.Data.Text("type") == "billing":
			w = 1
		}
		if w > weight {
			best, weight = i, w
		}
	}
	if best < 0 {
		return nil
	}
	return account.Presented(list[best])
}

func (s *service) addresses(ctx context.Context, who auth.Principal, _ nothing) ([]*account.Record, error) {
	rec, err := s.company(ctx, who.Org)
	if err != nil {
		return nil, err
	}
	list, err := s.addressesOf(ctx, who.Org, rec.SK)
	return presented(list), err
}

func presented(list []account.Record) []*account.Record {
	out := make([]*account.Record, len(list))
	for i, rec := range list {
		out[i] = account.Presented(rec)
	}
	return out
}

// saveAddresses adds addresses, or changes those with the same sk or, without
// one, of the same type; in one transaction.
func (s *service) saveAddresses(ctx context.Context, who auth.Principal, in bodyIn) ([]*account.Record, error) {
	given, err := givenAddresses(in.Body)
	if err != nil {
		return nil, err
	}
	rec, err := s.company(ctx, who.Org)
	if err != nil {
		return nil, err
	}
	list, err := s.addressesOf(ctx, who.Org, rec.SK)
	if err != nil {
		return nil, err
	}
	tx := s.deps.Records.Tenant(who.Org).Begin(who)
	owner := ownerOf(rec)
	for _, fields := range given {
		if err := upsert(tx, list, fields, owner); err != nil {
			return nil, err
		}
	}
	if err := audit(tx, "update", owner, presented(list), given); err != nil {
		return nil, err
	}
	if _, err := tx.Commit(ctx); err != nil {
		return nil, account.Lost(err)
	}
	return s.addresses(ctx, who, nothing{})
}

func givenAddresses(body account.Fields) ([]account.Fields, error) {
	given := []account.Fields{body}
	if text, ok := body["addresses"]; ok {
		given = nil
		if err := json.Unmarshal(text, &given); err != nil {
			return nil, ErrAddresses
		}
	}
	if len(given) == 0 || len(given) > addressesMax || len(body) == 0 {
		return nil, ErrAddresses
	}
	for i := range given {
		if nested := into[account.Fields](given[i], "data"); nested != nil {
			nested["sk"] = given[i]["sk"]
			given[i] = nested
		}
	}
	return given, nil
}

// upsert adds the write of one address. Types are written in lower case; the
// two that the collection has always had keep their capital.
func upsert(tx *repository.Tx, list []account.Record, given account.Fields, owner record.Owner) error {
	sk := first(given.Text("sk"), given.Text("id"))
	kind := strings.ToLower(given.Text("type"))
	if kind == "home" || kind == "work" {
		kind = strings.ToUpper(kind[:1]) + kind[1:]
	}
	fields := account.Fields{}
	for name, value := range given {
		if !slices.Contains([]string{"sk", "id", "pk", "_id", "datatype", "version"}, name) {
			fields[name] = value
		}
	}
	if kind != "" {
		fields.Set("type", kind)
	}
	i := slices.IndexFunc(list, func(rec account.Record) bool {
		return rec.SK == sk || sk == "" && kind != "" && rec.Data.Text("type") == kind
	})
	switch {
	case i >= 0:
		list[i].Data = merged(list[i].Data, fields)
		raw, err := record.Untyped(list[i])
		tx.Update(raw)
		return err
	case sk != "":
		return ErrUnknownAddress
	}
	raw, err := record.Untyped(account.Record{Datatype: addressType, Owner: &owner, Data: fields})
	tx.Create(raw)
	return err
}

type idIn struct {
	ID string `path:"id" maxLen:"200"`
}

func (s *service) deleteAddress(ctx context.Context, who auth.Principal, in idIn) (done, error) {
	rec, err := s.company(ctx, who.Org)
	if err != nil {
		return done{}, err
	}
	tenant := s.deps.Records.Tenant(who.Org)
	raw, err := tenant.Get(ctx, addressType, in.ID)
	if errors.Is(err, table.ErrNotFound) || err == nil && (raw.Owner == nil || raw.Owner.ID != rec.SK) {
		return done{}, ErrUnknownAddress
	}
	if err != nil {
		return done{}, err
	}
	tx := tenant.Begin(who)
	tx.Delete(raw)
	if err := audit(tx, "delete", ownerOf(rec), raw.Data, nil); err != nil {
		return done{}, err
	}
	_, err = tx.Commit(ctx)
	if errors.Is(err, table.ErrNotFound) {
		err = ErrUnknownAddress
	}
	return done{Success: err == nil}, account.Lost(err)
}
