package usage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/cache"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

const (
	pricePart = "usage_endpoint"
	// pricesFor is how long a process uses the catalogue it has read.
	pricesFor  = 5 * time.Second
	pricePages = 50
)

// The faults of the catalogue.
var (
	// ErrNoPrice answers for an endpoint that is not in the catalogue.
	ErrNoPrice = fault.New(fault.NotFound, "unknown_endpoint", "That endpoint has no price.")
	// ErrEndpoint refuses what cannot be an endpoint.
	ErrEndpoint = fault.New(fault.Invalid, "invalid_endpoint", "The endpoint must be a path that begins with a slash.")
)

// Price is what a successful call of an endpoint costs.
type Price struct {
	// Endpoint is a path; {name} stands for a segment, {name...} for the rest.
	Endpoint string `json:"endpoint"`
	// Method limits the price to one method; "" means any.
	Method string `json:"method,omitempty"`
	Cost   Tokens `json:"cost"`
	Active bool   `json:"active"`
}

// Catalogue is the platform's price list of endpoints. It lives in the root org
// and is read at most every few seconds; a change made through it takes effect
// at once in the same process.
type Catalogue struct {
	tenant table.Tenant
	prices *cache.Cache[struct{}, []Price]
}

// NewCatalogue builds a catalogue.
func NewCatalogue(t table.Table, now func() time.Time) *Catalogue {
	return &Catalogue{tenant: table.Of(t, org.Root), prices: cache.New[struct{}, []Price](1, pricesFor, now)}
}

// defaults are the prices a new deployment begins with: calls that make vendors
// or long-running work cost money. A stored price for the same endpoint wins.
func defaults() []Price {
	return []Price{
		{Endpoint: "/automation/flows/execute", Method: "POST", Cost: TokenMicros, Active: true},
		{Endpoint: "/storefront/checkout-buy-now", Method: "POST", Cost: TokenMicros, Active: true},
		{Endpoint: "/storefront/checkout-cart", Method: "POST", Cost: TokenMicros, Active: true},
		{Endpoint: "/upstream/call/{integration}/{operation}", Cost: TokenMicros, Active: true},
	}
}

// List returns every price, by endpoint.
func (c *Catalogue) List(ctx context.Context) ([]Price, error) {
	return c.prices.Load(ctx, struct{}{}, c.read)
}

func (c *Catalogue) read(ctx context.Context) ([]Price, error) {
	prices := defaults()
	query := table.Query{Part: pricePart, Consistent: true}
	for range pricePages {
		page, err := c.tenant.Query(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("read prices: %w", err)
		}
		for _, item := range page.Items {
			var p Price
			if err := item.Doc.Decode(&p); err != nil {
				return nil, err
			}
			prices = slices.DeleteFunc(prices, func(q Price) bool { return q.id() == p.id() })
			prices = append(prices, p)
		}
		if page.Cursor == "" {
			break
		}
		query.Cursor = page.Cursor
	}
	slices.SortFunc(prices, func(a, b Price) int { return cmp.Compare(a.id(), b.id()) })
	return prices, nil
}

func (p Price) id() string { return p.Endpoint + " " + p.Method }

func (p Price) key() table.Key {
	return table.Key{Part: pricePart, Sort: url.PathEscape(p.id())}
}

// Put stores prices, replacing those of the same endpoint and method.
func (c *Catalogue) Put(ctx context.Context, prices ...Price) ([]Price, error) {
	for i := range prices {
		p := &prices[i]
		p.Method = strings.ToUpper(p.Method)
		if p.Cost < 0 {
			return nil, ErrCost
		}
		if !strings.HasPrefix(p.Endpoint, "/") || len(p.Endpoint) > 300 || len(p.Method) > 10 {
			return nil, ErrEndpoint
		}
	}
	for _, p := range prices {
		if err := c.write(ctx, p); err != nil {
			return nil, err
		}
	}
	return prices, nil
}

func (c *Catalogue) write(ctx context.Context, p Price) error {
	defer c.prices.Drop(struct{}{})
	doc, err := table.NewDoc(p)
	if err != nil {
		return err
	}
	if _, err := c.tenant.Write(ctx, table.Put{Item: table.Item{Key: p.key(), Doc: doc}}); err != nil {
		return fmt.Errorf("store price: %w", err)
	}
	return nil
}

// Remove makes an endpoint free, for every method when method is "". A price
// that a new deployment begins with stays in the list as inactive, since it
// would come back otherwise.
func (c *Catalogue) Remove(ctx context.Context, endpoint, method string) error {
	c.prices.Drop(struct{}{})
	prices, err := c.List(ctx)
	if err != nil {
		return err
	}
	found := false
	for _, p := range prices {
		if p.Endpoint != endpoint || method != "" && !strings.EqualFold(method, p.Method) || !p.Active {
			continue
		}
		found = true
		if err := c.remove(ctx, p); err != nil {
			return err
		}
	}
	if !found {
		return ErrNoPrice
	}
	return nil
}

func (c *Catalogue) remove(ctx context.Context, p Price) error {
	if slices.ContainsFunc(defaults(), func(d Price) bool { return d.id() == p.id() }) {
		p.Active = false
		return c.write(ctx, p)
	}
	defer c.prices.Drop(struct{}{})
	_, err := c.tenant.Write(ctx, table.Delete{Key: p.key(), If: table.ItemExists{}})
	var refused *table.Refused
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("remove price: %w", err)
	}
	return nil
}

// Cost returns what a successful call costs in micro-dollars: the price of the
// exact path, or else of the longest pattern that covers it; a price for the
// method wins over one for any.
func (c *Catalogue) Cost(ctx context.Context, method, path string) (Micros, error) {
	prices, err := c.List(ctx)
	if err != nil {
		return 0, err
	}
	segments := patternOf(path)
	best, cost := -1, Micros(0)
	for _, p := range prices {
		pattern := patternOf(p.Endpoint)
		if !p.Active || p.Method != "" && p.Method != method || !pattern.matches(segments) {
			continue
		}
		weight := pattern.weight() << 1
		if p.Method != "" {
			weight++
		}
		if weight > best {
			best, cost = weight, Micros(p.Cost)
		}
	}
	return cost, nil
}
