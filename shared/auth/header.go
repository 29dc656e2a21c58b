package auth

import "strings"

// Names of the headers that carry credentials and the org, in lower case.
const (
	HeaderOrg        = "orgid"
	HeaderToken      = "authorization"
	HeaderClientAuth = "x-client-authorization"
	HeaderKey        = "x-api-key"
)

// Bearer returns the token of an Authorization-like header: with or without
// "Bearer", in any case; "" when nothing usable is there. Clients that hold no
// token yet send "Bearer " with nothing, "undefined" or "null" behind it.
func Bearer(header string) string {
	text := strings.TrimSpace(header)
	const scheme = "bearer"
	if len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
		rest := text[len(scheme):]
		if rest == "" || rest[0] == ' ' || rest[0] == '\t' {
			text = strings.TrimSpace(rest)
		}
	}
	return Given(text)
}

// Given returns a header's or parameter's value without surrounding space, and
// "" for the words by which clients send nothing.
func Given(value string) string {
	value = strings.TrimSpace(value)
	switch value {
	case "undefined", "null", "NaN":
		return ""
	}
	return value
}
