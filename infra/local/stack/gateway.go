package stack

import (
	"net/http"
	"strings"
	"time"

	"github.com/appmint/appengine/infra/local/httpapi"
	"github.com/appmint/appengine/infra/local/mailbox"
	"github.com/appmint/appengine/infra/local/template"
)

func (s *Stack) openMailbox() (err error) {
	path := ""
	if s.options.DataDir != "" {
		path = s.path("mail.jsonl")
	}
	s.mailbox, err = mailbox.Open(path)
	if err == nil {
		s.closers = append(s.closers, s.mailbox.Close)
	}
	return err
}

// buildGateway puts the HTTP API in front, and the developer's windows beside it.
func (s *Stack) buildGateway() error {
	api := s.template.HTTPAPIs[0]
	config := httpapi.Config{
		APIID: "local", AccountID: account, Region: region, Domain: strings.TrimPrefix(s.options.URL, "http://"),
		Stage: api.Stage, CORS: corsOf(api.CORS), Now: time.Now, Fail: s.failed,
	}
	for _, r := range api.Routes {
		f := s.functions[r.Function]
		route := httpapi.Route{Key: r.Key, Invoker: f.invoker, Timeout: r.Timeout, Lambda: f.Timeout}
		if a, ok := api.Authorizers[r.Authorizer]; ok {
			route.Authorizer = &httpapi.Authorizer{Invoker: s.functions[a.Function].invoker, IdentitySource: a.IdentitySource}
		}
		config.Routes = append(config.Routes, route)
	}
	gateway, err := httpapi.New(config)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/_local/mail", s.mailbox)
	mux.Handle("/_local/mail/", s.mailbox)
	mux.Handle("/_local/events", s.tail)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/discover/docs", http.StatusFound) })
	s.handler = prefixed("/_local/", mux, gateway)
	return nil
}

// prefixed sends the developer's paths to one handler and all others, exactly as
// they came, to the other: http.ServeMux would clean them first.
func prefixed(prefix string, local, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix) || r.URL.Path == "/" {
			local.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

func (s *Stack) failed(r *http.Request, err error) {
	s.options.Log.ErrorContext(r.Context(), "gateway answered 5xx", "method", r.Method, "path", r.URL.Path, "error", err.Error())
}

func corsOf(c *template.CORS) *httpapi.CORS {
	if c == nil {
		return nil
	}
	return &httpapi.CORS{
		AllowOrigins: c.AllowOrigins, AllowMethods: c.AllowMethods, AllowHeaders: c.AllowHeaders,
		ExposeHeaders: c.ExposeHeaders, MaxAgeSeconds: c.MaxAgeSeconds, AllowCredentials: c.AllowCredentials,
	}
}
