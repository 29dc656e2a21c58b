package clientdata

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// errWishlistFull refuses more products than a wishlist holds.
var errWishlistFull = fault.New(fault.Invalid, "wishlist_full", "The wishlist is full.")

// wishesMax bounds a wishlist, in products.
const wishesMax = 200

const wishlist = "sf_wishlist"

// wishlistData is the payload of a wishlist.
type wishlistData struct {
	Products []wished `json:"products"`
}

// wished is a product as it was when it was put on the list.
type wished struct {
	SKU   string          `json:"sku"`
	Name  string          `json:"name,omitempty"`
	Price json.RawMessage `json:"price,omitempty"`
}

type wishlistRecord = record.Record[wishlistData]

// wishlistID is the id of a customer's wishlist. It follows from the customer's,
// so that there is one, however many calls come at once.
func wishlistID(who auth.Principal) string { return wishlist + "-" + auth.HashSecret(who.ID) }

// wishlist is empty, and nowhere stored, before the first product.
func (s service) wishlist(ctx context.Context, who auth.Principal, _ nothing) (wishlistRecord, error) {
	rec, err := repository.Get[wishlistData](ctx, s.records.Tenant(who.Org), wishlist, wishlistID(who))
	if errors.Is(err, table.ErrNotFound) {
		return wishlistRecord{Datatype: wishlist, Data: wishlistData{Products: []wished{}}}, nil
	}
	return rec, err
}

type wishIn struct {
	SKU      string   `json:"sku" maxLen:"200"`
	Products []wished `json:"products" doc:"several at once; only the sku is read"`
}

// Validate implements api.Validator.
func (in wishIn) Validate() []fault.Detail {
	if in.SKU == "" && len(in.Products) == 0 {
		return []fault.Detail{{Field: "sku", Message: "sku is required.", Code: "required"}}
	}
	return nil
}

func (s service) wish(ctx context.Context, who auth.Principal, in wishIn) (wishlistRecord, error) {
	var skus []string
	if in.SKU != "" {
		skus = append(skus, in.SKU)
	}
	for _, p := range in.Products {
		skus = append(skus, p.SKU)
	}
	if len(skus) > wishesMax {
		return wishlistRecord{}, errWishlistFull
	}
	products, err := s.products(ctx, who, skus)
	if err != nil {
		return wishlistRecord{}, err
	}
	return s.changeWishlist(ctx, who, func(data *wishlistData) error { return data.add(products) })
}

// products finds what is to be wished for; it must be visible to the customer.
func (s service) products(ctx context.Context, who auth.Principal, skus []string) ([]wished, error) {
	page, err := s.as(who).Find(ctx, "sf_product", repository.Find{
		Where: filter.OneOf("data.sku", skus...), Options: repository.ListOptions{PageSize: repository.PageSizeMax},
	})
	if err != nil {
		return nil, err
	}
	list := make([]wished, 0, len(skus))
	for _, sku := range skus {
		i := slices.IndexFunc(page.Docs, func(doc table.Doc) bool { return filter.Text(doc, "data", "sku") == sku })
		if i < 0 {
			return nil, table.ErrNotFound.WithMessage("There is no product " + sku + ".")
		}
		doc := page.Docs[i]
		list = append(list, wished{SKU: sku, Name: filter.Text(doc, "data", "name"), Price: filter.Get(doc, "data", "price")})
	}
	return list, nil
}

func (d *wishlistData) add(products []wished) error {
	for _, p := range products {
		if !slices.ContainsFunc(d.Products, func(w wished) bool { return w.SKU == p.SKU }) {
			d.Products = append(d.Products, p)
		}
	}
	if len(d.Products) > wishesMax {
		return errWishlistFull
	}
	return nil
}

// changeWishlist changes the list, which it makes when there is none.
func (s service) changeWishlist(ctx context.Context, who auth.Principal, change func(*wishlistData) error) (wishlistRecord, error) {
	tenant := s.records.Tenant(who.Org)
	changed := func() (wishlistRecord, error) {
		return repository.Change(ctx, tenant, who, wishlist, wishlistID(who), func(rec *wishlistRecord, _ *repository.Tx) error {
			return change(&rec.Data)
		})
	}
	rec, err := changed()
	if !errors.Is(err, table.ErrNotFound) {
		return rec, err
	}
	fresh := wishlistRecord{Datatype: wishlist, SK: wishlistID(who), Data: wishlistData{Products: []wished{}}}
	if err := change(&fresh.Data); err != nil {
		return fresh, err
	}
	rec, err = repository.Create(ctx, tenant, who, fresh)
	if errors.Is(err, repository.ErrTaken) {
		return changed() // another call made it meanwhile
	}
	return rec, err
}

type skuIn struct {
	SKU string `path:"sku"`
}

func (s service) unwish(ctx context.Context, who auth.Principal, in skuIn) (wishlistRecord, error) {
	errMissing := table.ErrNotFound.WithMessage("That product is not on the wishlist.")
	return s.changeWishlist(ctx, who, func(data *wishlistData) error {
		before := len(data.Products)
		data.Products = slices.DeleteFunc(data.Products, func(w wished) bool { return w.SKU == in.SKU })
		if len(data.Products) == before {
			return errMissing
		}
		return nil
	})
}
