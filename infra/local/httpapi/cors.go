package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is an API's CorsConfiguration. With one, the gateway answers
// preflights itself and the functions' own CORS headers are dropped.
type CORS struct {
	AllowOrigins     []string // exact, "*", or with a scheme and a wildcard: "https://*", "https://*.example.com"
	AllowMethods     []string
	AllowHeaders     []string
	ExposeHeaders    []string
	MaxAgeSeconds    int
	AllowCredentials bool
}

// cors is a CORS configuration with its header values joined.
type cors struct {
	any         bool
	origins     []string
	methods     []string
	headers     []string
	expose      []string
	maxAge      []string
	credentials bool
}

func newCORS(config *CORS) (*cors, error) {
	if config == nil {
		return nil, nil //nolint:nilnil // no configuration, no CORS
	}
	c := &cors{
		any: slices.Contains(config.AllowOrigins, "*"), origins: config.AllowOrigins, credentials: config.AllowCredentials,
		methods: joined(config.AllowMethods), headers: joined(config.AllowHeaders), expose: joined(config.ExposeHeaders),
	}
	if config.MaxAgeSeconds > 0 {
		c.maxAge = []string{strconv.Itoa(config.MaxAgeSeconds)}
	}
	if c.any && c.credentials {
		return nil, errors.New("CORS: credentials cannot be allowed for the origin *")
	}
	return c, nil
}

func joined(values []string) []string {
	if len(values) == 0 {
		return nil
	}
	return []string{strings.Join(values, ",")}
}

// isPreflight recognises what a browser asks before a cross-origin call.
func (c *cors) isPreflight(r *http.Request) bool {
	return c != nil && r.Method == http.MethodOptions && r.Header["Origin"] != nil && r.Header["Access-Control-Request-Method"] != nil
}

// decorate sets the headers of every answer to a cross-origin call.
func (c *cors) decorate(header http.Header, r *http.Request) {
	if c == nil {
		return
	}
	origin, ok := c.allowed(r)
	if !ok {
		return
	}
	header["Access-Control-Allow-Origin"] = []string{origin}
	if !c.any {
		header["Vary"] = []string{"Origin"}
	}
	if c.credentials {
		header["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	if c.expose != nil {
		header["Access-Control-Expose-Headers"] = c.expose
	}
}

// allowed returns what to answer to the request's origin.
func (c *cors) allowed(r *http.Request) (string, bool) {
	values := r.Header["Origin"]
	if len(values) == 0 {
		return "", false
	}
	if c.any {
		return "*", true
	}
	for _, pattern := range c.origins {
		if matchesOrigin(pattern, values[0]) {
			return values[0], true
		}
	}
	return "", false
}

func matchesOrigin(pattern, origin string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == origin
	}
	return len(origin) > len(before)+len(after) && strings.HasPrefix(origin, before) && strings.HasSuffix(origin, after)
}

// answer is the gateway's own answer to a preflight: 204, with the headers
// when the origin is allowed.
func (c *cors) answer(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if _, ok := c.allowed(r); ok {
		setIf(header, "Access-Control-Allow-Methods", c.methods)
		setIf(header, "Access-Control-Allow-Headers", c.headers)
		setIf(header, "Access-Control-Max-Age", c.maxAge)
	}
	w.WriteHeader(http.StatusNoContent)
}

func setIf(header http.Header, name string, value []string) {
	if value != nil {
		header[name] = value
	}
}
