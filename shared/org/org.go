// Package org names a tenant. Every key, event and token begins with an
// org.ID, so the rule for what may be one lives here and nowhere else.
package org

import (
	"regexp"

	"github.com/appmint/appengine/shared/fault"
)

// Root is the platform's own org. Only its RootAdmins reach across tenants.
const Root ID = "appengine"

// ErrInvalid refuses a value that cannot name an org.
var ErrInvalid = fault.New(fault.Invalid, "invalid_org", "That is not a valid organisation id.")

// Lower case letters, digits and inner hyphens, 3 to 40 of them. Neither '#'
// (which ends the org in storage keys) nor '/' (which ends it in object keys)
// can occur, so no org's prefix can be the beginning of another's.
var pattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$`)

// reserved are ids that literal path segments of /usage/{orgId}/… and friends
// would hide.
var reserved = regexp.MustCompile(`^(ai|balance|current|endpoints|export|gift|history|limits|service-pricing|stats|org|user|null|undefined)$`)

// ID is the id of an org: what clients send as the orgid header.
type ID string

// Parse accepts what [a-z0-9-]{3,40} describes, except reserved words.
func Parse(text string) (ID, error) {
	if !pattern.MatchString(text) || reserved.MatchString(text) {
		return "", ErrInvalid
	}
	return ID(text), nil
}

// String returns the id as clients write it.
func (id ID) String() string { return string(id) }
