package httpapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxKeptBytes keeps one large request from pinning its buffers for ever.
const maxKeptBytes = 64 << 10

// scratch is what serving one request needs; it is reused for the next.
type scratch struct {
	requestID string
	values    []string // of the path variables
	pairs     []pair
	body      []byte

	event   []byte // from "routeKey" to the end of "queryStringParameters"
	context []byte // the members of requestContext
	params  []byte // ,"pathParameters":{…} or nothing
	payload []byte // what the function is sent

	routeARN string
	sources  []string // the values of the identity sources
	lambda   []byte   // the authorizer's context, inside answer of the authorizer
	textBody bool
	answer   answer
	leaked   bool // a function may still read payload
}

func (s *scratch) reset() {
	if cap(s.payload)+cap(s.body)+cap(s.answer.body) > maxKeptBytes {
		s.payload, s.body, s.answer.body = nil, nil, nil
	}
	clear(s.pairs[:cap(s.pairs)])
	s.body, s.event, s.context, s.params = s.body[:0], s.event[:0], s.context[:0], s.params[:0]
	s.sources, s.lambda, s.textBody, s.leaked = s.sources[:0], nil, false, false
}

// prepare encodes what the authorizer's and the integration's event share.
func (s *scratch) prepare(g *Gateway, r *http.Request, to *route) {
	now := g.config.Now().UTC()
	ip := sourceIP(r)
	s.event = appendMember(s.event, "routeKey", to.key)
	s.event = appendMember(s.event, "rawPath", r.URL.Path)
	s.event = appendMember(s.event, "rawQueryString", r.URL.RawQuery)
	s.event = appendCookies(s.event, r.Header["Cookie"])
	s.event = appendName(s.event, "headers")
	s.pairs = appendHeaders(s.pairs[:0], r, ip, now)
	s.event = appendPairs(s.event, s.pairs)
	if r.URL.RawQuery != "" {
		s.pairs = appendQuery(s.pairs[:0], r.URL.RawQuery)
		s.event = appendPairs(appendName(s.event, "queryStringParameters"), s.pairs)
	}
	s.appendContext(g, r, to, ip, now)
	if len(to.names) > 0 {
		s.params = append(s.params, `,"pathParameters":{`...)
		for i, name := range to.names {
			if i > 0 {
				s.params = append(s.params, ',')
			}
			s.params = append(appendString(s.params, name), ':')
			s.params = appendString(s.params, s.values[i])
		}
		s.params = append(s.params, '}')
	}
	s.textBody = isText(r.Header, s.body)
	if to.authorizer != nil {
		s.routeARN = g.prefix + r.Method + r.URL.Path
	}
}

// appendContext writes the members of requestContext without the authorizer's,
// which goes between them and is known later.
func (s *scratch) appendContext(g *Gateway, r *http.Request, to *route, ip string, now time.Time) {
	b := append(s.context, `"accountId":`...)
	b = appendString(b, g.config.AccountID)
	b = appendMember(b, "apiId", g.config.APIID)
	b = appendMember(b, "domainName", g.config.Domain)
	prefix, _, _ := strings.Cut(g.config.Domain, ".")
	b = appendMember(b, "domainPrefix", prefix)
	b = append(b, `,"http":{"method":`...)
	b = appendString(b, r.Method)
	b = appendMember(b, "path", r.URL.Path)
	b = appendMember(b, "protocol", r.Proto)
	b = appendMember(b, "sourceIp", ip)
	b = appendMember(b, "userAgent", r.UserAgent())
	b = append(b, '}')
	b = appendMember(b, "requestId", s.requestID)
	b = appendMember(b, "routeKey", to.key)
	b = appendMember(b, "stage", g.config.Stage)
	b = append(b, `,"time":"`...)
	b = now.AppendFormat(b, "02/Jan/2006:15:04:05 +0000")
	b = append(b, '"')
	s.context = appendNumber(b, "timeEpoch", now.UnixMilli())
}

// integrationEvent is what the route's function receives.
func (s *scratch) integrationEvent() []byte {
	b := append(s.payload[:0], `{"version":"2.0"`...)
	b = append(b, s.event...)
	b = append(b, `,"requestContext":{`...)
	b = append(b, s.context...)
	if s.lambda != nil {
		b = append(b, `,"authorizer":{"lambda":`...)
		b = append(b, s.lambda...)
		b = append(b, '}')
	}
	b = append(b, '}')
	b = append(b, s.params...)
	if len(s.body) > 0 {
		b = appendName(b, "body")
		if s.textBody {
			b = appendString(b, string(s.body))
		} else {
			b = append(b, '"')
			b = base64.StdEncoding.AppendEncode(b, s.body)
			b = append(b, '"')
		}
	}
	b = append(b, `,"isBase64Encoded":`...)
	b = strconv.AppendBool(b, len(s.body) > 0 && !s.textBody)
	s.payload = append(b, '}')
	return s.payload
}

// authorizerEvent is what the authorizer receives: no body.
func (s *scratch) authorizerEvent() []byte {
	b := append(s.payload[:0], `{"version":"2.0","type":"REQUEST"`...)
	b = appendMember(b, "routeArn", s.routeARN)
	b = append(b, `,"identitySource":`...)
	if len(s.sources) == 0 {
		b = append(b, "null"...)
	} else {
		b = appendList(b, s.sources)
	}
	b = append(b, s.event...)
	b = append(b, `,"requestContext":{`...)
	b = append(b, s.context...)
	b = append(b, '}')
	b = append(b, s.params...)
	s.payload = append(b, '}')
	return s.payload
}

func appendList(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, text)
	}
	return append(b, ']')
}
