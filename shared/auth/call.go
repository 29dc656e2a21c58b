package auth

// Call is one HTTP call as the authorizer sees it, before anybody is known.
// Header names are lower case.
type Call struct {
	Method    string
	Path      string // decoded, without query
	Headers   map[string]string
	Query     map[string]string
	IP        string
	RequestID string
}
