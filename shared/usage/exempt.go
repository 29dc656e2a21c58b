package usage

import "strings"

// Exempt says whether a call is neither counted nor limited: preflights, health
// probes, discovery and documentation, public keys and static files.
func Exempt(method, path string) bool {
	if method == "OPTIONS" {
		return true
	}
	path = strings.TrimPrefix(path, "/api")
	switch path {
	case "/health", "/monitoring/health", "/favicon.ico", "/robots.txt", "/openapi.json":
		return true
	}
	for _, begin := range []string{"/discover", "/documentation", "/.well-known", "/static"} {
		rest, ok := strings.CutPrefix(path, begin)
		if ok && (rest == "" || rest[0] == '/' || rest[0] == '.') {
			return true
		}
	}
	return false
}
