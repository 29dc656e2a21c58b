package usage

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	metering "github.com/appmint/appengine/shared/usage"
)

func (s *service) endpoints(ctx context.Context, _ auth.Principal, _ struct{}) ([]metering.Price, error) {
	return s.deps.Meter.Catalogue().List(ctx)
}

type pricesIn struct {
	Body json.RawMessage `body:"json" doc:"{endpoint, cost in tokens, method?, active?}, or a list of those"`
}

type priceIn struct {
	Endpoint string           `json:"endpoint"`
	Method   string           `json:"method"`
	Cost     *metering.Tokens `json:"cost"`
	Active   *bool            `json:"active"`
}

// putEndpoints sets one price or several; calls cost them from now on.
func (s *service) putEndpoints(ctx context.Context, _ auth.Principal, in pricesIn) (any, error) {
	list, single, err := readPrices(in.Body)
	if err != nil {
		return nil, err
	}
	stored, err := s.deps.Meter.Catalogue().Put(ctx, list...)
	if err != nil {
		return nil, err
	}
	if single {
		return stored[0], nil
	}
	return stored, nil
}

// pricesMax bounds how many prices one call sets.
const pricesMax = 500

func readPrices(body json.RawMessage) (list []metering.Price, single bool, err error) {
	body = bytes.TrimSpace(body)
	single = len(body) > 0 && body[0] == '{'
	if single {
		body = append(append([]byte{'['}, body...), ']')
	}
	var in []priceIn
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, false, metering.ErrCost
	}
	if len(in) == 0 || len(in) > pricesMax {
		return nil, false, metering.ErrEndpoint.WithMessage("Send between 1 and 500 prices.")
	}
	for _, p := range in {
		if p.Cost == nil {
			return nil, false, metering.ErrCost
		}
		list = append(list, metering.Price{
			Endpoint: strings.TrimSpace(p.Endpoint), Method: p.Method, Cost: *p.Cost, Active: p.Active == nil || *p.Active,
		})
	}
	return list, single, nil
}

type endpointIn struct {
	Endpoint string `path:"endpoint"`
	Method   string `query:"method" doc:"only the price of this method"`
}

type done struct {
	Success bool `json:"success"`
}

// deleteEndpoint takes the path as it stands behind the route's own, encoded or
// not, with or without its first slash.
func (s *service) deleteEndpoint(ctx context.Context, _ auth.Principal, in endpointIn) (done, error) {
	endpoint := in.Endpoint
	if decoded, err := url.PathUnescape(endpoint); err == nil {
		endpoint = decoded
	}
	endpoint = "/" + strings.TrimLeft(endpoint, "/")
	err := s.deps.Meter.Catalogue().Remove(ctx, endpoint, in.Method)
	return done{Success: err == nil}, err
}
