// Package account is how identity is kept in records: persons, applications,
// API keys, organisations, and the roles and groups that make verbs. The
// authorizer reads it on every call, the users module writes it.
package account

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
)

// The collections of identity.
const (
	Users     = "user"
	Customers = "customer"
	Groups    = "usergroup"
	Roles     = "userrole"
	Apps      = "application"
	Keys      = "apikey"
	Companies = "company"
)

// Names is a list of names that clients also write as one string.
type Names []string

// UnmarshalJSON accepts an array, one string, or null.
func (n *Names) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*n = nil
		if one != "" {
			*n = Names{one}
		}
		return nil
	}
	var many []string
	if err := json.Unmarshal(text, &many); err != nil {
		return err //nolint:wrapcheck // encoding/json adds the path
	}
	*n = many
	return nil
}

// Person is as much of a user or customer record as identity needs.
type Person struct {
	Email     string `json:"email"`
	Username  string `json:"username"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	FullName  string `json:"name"`
	Roles     Names  `json:"roles"`
	Groups    Names  `json:"groups"`
	Status    string `json:"status"`
	Guest     bool   `json:"guestUser"`
}

// Name is how the person is shown.
func (p Person) Name() string {
	if p.FullName != "" {
		return p.FullName
	}
	if name := strings.TrimSpace(p.FirstName + " " + p.LastName); name != "" {
		return name
	}
	return p.Email
}

// Usable says whether the account may sign in: status is free text, and some of
// it means no.
func (p Person) Usable() bool {
	stopped := []string{"inactive", "disabled", "blocked", "suspended", "banned", "deleted", "closed"}
	return !slices.Contains(stopped, strings.ToLower(strings.TrimSpace(p.Status)))
}

// Datatype returns the collection of a kind of person; "" for other kinds.
func Datatype(kind auth.Kind) string {
	switch kind {
	case auth.User:
		return Users
	case auth.Customer, auth.Guest:
		return Customers
	default:
		return ""
	}
}

// Fields are the payload of a record, member by member, so that what this
// package does not know survives a change.
type Fields map[string]json.RawMessage

// Record is a person's record with its whole payload.
type Record = record.Record[Fields]

// Text returns a text member, "" when it is missing or something else.
func (f Fields) Text(name string) string {
	var text string
	_ = json.Unmarshal(f[name], &text) // anything else is no text
	return text
}

// Set puts a value that JSON can encode.
func (f Fields) Set(name string, value any) {
	text, err := json.Marshal(value)
	if err == nil {
		f[name] = text
	}
}

// Person decodes what identity needs.
func (f Fields) Person() Person {
	var p Person
	for name, into := range map[string]any{
		"email": &p.Email, "username": &p.Username, "firstName": &p.FirstName, "lastName": &p.LastName, "name": &p.FullName,
		"roles": &p.Roles, "groups": &p.Groups, "status": &p.Status, "guestUser": &p.Guest,
	} {
		_ = json.Unmarshal(f[name], into) // a member of another type counts as missing
	}
	return p
}

// Email is the form in which e-mail addresses are compared: trimmed, lower case.
func Email(text string) string { return strings.ToLower(strings.TrimSpace(text)) }
