package api

import (
	"context"
	"net"
	"net/http"
	"strings"
)

// Meta is what a call says about itself, apart from its input. None of it may
// decide what the caller is allowed to do.
type Meta struct {
	RequestID string
	Method    string
	Path      string
	IP        string
	UserAgent string
	Host      string // of the site the visitor is on (x-client-host), "" when not sent
	Protocol  string // of that site
	Timezone  string // IANA zone of the visitor
	Info      string // x-client-info, JSON
}

// requestIDHeader carries the gateway's request id from the Lambda event to the
// mux; the entry of the function sets it and drops what clients sent.
const requestIDHeader = "X-Request-Id"

func metaOf(r *http.Request) Meta {
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = r.RemoteAddr
	}
	return Meta{
		RequestID: r.Header.Get(requestIDHeader), Method: r.Method, Path: r.URL.Path, IP: ip,
		UserAgent: r.UserAgent(), Host: r.Header.Get("X-Client-Host"), Protocol: r.Header.Get("X-Client-Protocol"),
		Timezone: r.Header.Get("X-Client-Timezone"), Info: r.Header.Get("X-Client-Info"),
	}
}

type metaKey struct{}

func withMeta(ctx context.Context, m Meta) context.Context {
	return context.WithValue(ctx, metaKey{}, m)
}

// MetaFrom returns what the call said about itself.
func MetaFrom(ctx context.Context) Meta {
	m, _ := ctx.Value(metaKey{}).(Meta)
	return m
}

func paramNames(path string) []string {
	var names []string
	for _, s := range segments(path) {
		if name, ok := strings.CutPrefix(s, "{"); ok {
			names = append(names, strings.TrimSuffix(strings.TrimSuffix(name, "}"), "..."))
		}
	}
	return names
}
