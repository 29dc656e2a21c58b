package users

import (
	"encoding/json"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/fault"
)

// The faults of this module. Wrong credentials are never a 401: clients answer
// that by renewing tokens and sending the attempt again.
var (
	// ErrCredentials refuses a sign-in; the same for an unknown account.
	ErrCredentials = account.ErrCredentials
	// ErrLocked refuses sign-ins after too many failures.
	ErrLocked = account.ErrLocked
	// ErrInactive refuses an account that was switched off.
	ErrInactive = fault.New(fault.Forbidden, "account_inactive", "This account is not active. Please ask your administrator.")
	// ErrEmailTaken refuses a second account with the same e-mail address.
	ErrEmailTaken = account.ErrEmailTaken
	// ErrOrgTaken refuses an organisation id that somebody has.
	ErrOrgTaken = account.ErrOrgTaken
	// ErrWeakPassword refuses a password that the policy does not allow.
	ErrWeakPassword = account.ErrWeakPassword
	// ErrEmail refuses what cannot be an e-mail address.
	ErrEmail = account.ErrEmail
	// ErrNotInvited refuses staff sign-up without an invitation.
	ErrNotInvited = account.ErrNotInvited
	// ErrMissingRefresh asks for the refresh token.
	ErrMissingRefresh = fault.New(fault.Invalid, "missing_refresh_token", "The refresh token is missing.")
	// ErrUnknownUser answers on administrators' routes only.
	ErrUnknownUser = fault.New(fault.NotFound, "user_not_found", "There is no such user.")
	// ErrRank refuses to hand out, or to touch, what is above the caller.
	ErrRank = account.ErrRank
	// ErrUnknownRole refuses a role or group that nobody defined.
	ErrUnknownRole = account.ErrUnknownRole
	// ErrLastAdmin keeps an organisation from losing its last administrator.
	ErrLastAdmin = account.ErrLastAdmin
	// ErrBusy says that others were changing the same thing at the same time.
	ErrBusy = account.ErrBusy
	// ErrApp refuses an application's credentials; clients read a 401 as "app
	// not recognised".
	ErrApp = fault.New(fault.Unauthenticated, "invalid_app", "The application's credentials are not right.")
	// ErrUnknownApp answers for an application that is not there.
	ErrUnknownApp = fault.New(fault.NotFound, "app_not_found", "There is no such application.")
	// ErrUnknownKey answers for an API key that is not there.
	ErrUnknownKey = fault.New(fault.NotFound, "key_not_found", "There is no such API key.")
	// ErrKeyRevoked refuses to change a key that was revoked.
	ErrKeyRevoked = fault.New(fault.Conflict, "key_revoked", "That API key has been revoked for good.")
	// ErrRateLimit refuses limits outside of what is possible.
	ErrRateLimit = fault.New(fault.Invalid, "invalid_rate_limit", "The limits must be between 1 and 10,000 a minute, 100,000 an hour and 1,000,000 a day.")
)

func checkPassword(password string) error { return account.CheckPassword(password) }

func checkEmail(text string) (string, error) { return account.CheckEmail(text) }

// serverOnly are members of a person's payload that no caller can set.
func serverOnly() []string {
	return []string{
		"password", "confirmPassword", "newPassword", "passcode", "clientQuery", "twoFactorSecret", "guestUser",
		"lockoutDate", "failedLoginAttempts", "lastFailedLoginDate", "lastLoginDate", "lastLoginIp", "audit",
		"facebook", "google", "github", "apple", "ldap", "openId", "emailVerified", "verifiedEmail",
	}
}

// adminOnly are members that administrators may set and persons may not.
func adminOnly() []string {
	return []string{
		"roles", "groups", "status", "lockout", "balance", "accountType", "benefits", "parent", "passwordPolicy",
		"employeeId", "email", "emails", "username",
	}
}

// without returns the fields but those named, and those that name the record
// itself or its envelope.
func without(f account.Fields, names ...[]string) account.Fields {
	envelope := []string{"id", "sk", "pk", "_id", "data", "datatype", "version", "isNew", "orgid", "orgId", "orgName", "invitationToken", "userId"}
	dropped := append(slices.Concat(names...), envelope...)
	kept := account.Fields{}
	for name, value := range f {
		if !slices.Contains(dropped, name) {
			kept[name] = value
		}
	}
	return kept
}

// changesOf returns a body's changed fields, which come flat or under data.
func changesOf(body account.Fields) account.Fields {
	merged := account.Fields{}
	for name, value := range body {
		merged[name] = value
	}
	var nested account.Fields
	if json.Unmarshal(body["data"], &nested) == nil {
		for name, value := range nested {
			merged[name] = value
		}
	}
	return merged
}

// done is the answer of actions that return nothing else.
type done struct {
	Success bool   `json:"success"`
	Message string `json:"message,omitempty"`
}
