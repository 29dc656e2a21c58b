package users

import (
	"encoding/json"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
)

// The faults of this module. Wrong credentials are never a 401: clients answer
// that by renewing tokens and sending the attempt again.
var (
	// ErrCredentials refuses a sign-in; the same for an unknown account.
	ErrCredentials = fault.New(fault.Invalid, "invalid_credentials", "The e-mail address or the password is not right.")
	// ErrLocked refuses sign-ins after too many failures.
	ErrLocked = fault.New(fault.Forbidden, "account_locked", "Too many failed attempts. This account is locked for a while; please try again later.")
	// ErrInactive refuses an account that was switched off.
	ErrInactive = fault.New(fault.Forbidden, "account_inactive", "This account is not active. Please ask your administrator.")
	// ErrEmailTaken refuses a second account with the same e-mail address.
	ErrEmailTaken = fault.New(fault.Conflict, "email_taken", "There is already an account with that e-mail address.")
	// ErrOrgTaken refuses an organisation id that somebody has.
	ErrOrgTaken = fault.New(fault.Conflict, "org_taken", "There is already an organisation with that id.")
	// ErrWeakPassword refuses a password that the policy does not allow.
	ErrWeakPassword = fault.New(fault.Invalid, "weak_password", "The password must have at least 8 characters, with at least one letter and one digit.")
	// ErrEmail refuses what cannot be an e-mail address.
	ErrEmail = fault.New(fault.Invalid, "invalid_email", "That is not a valid e-mail address.")
	// ErrNotInvited refuses staff sign-up without an invitation.
	ErrNotInvited = fault.New(fault.Forbidden, "not_invited", "You need an invitation to join this organisation.")
	// ErrMissingRefresh asks for the refresh token.
	ErrMissingRefresh = fault.New(fault.Invalid, "missing_refresh_token", "The refresh token is missing.")
	// ErrUnknownUser answers on administrators' routes only.
	ErrUnknownUser = fault.New(fault.NotFound, "user_not_found", "There is no such user.")
	// ErrRank refuses to hand out, or to touch, what is above the caller.
	ErrRank = fault.New(fault.Forbidden, "insufficient_rank", "You cannot do that to somebody, or hand out roles, above your own.")
	// ErrUnknownRole refuses a role or group that nobody defined.
	ErrUnknownRole = fault.New(fault.Invalid, "unknown_role", "There is no such role or group.")
	// ErrLastAdmin keeps an organisation from losing its last administrator.
	ErrLastAdmin = fault.New(fault.Conflict, "last_admin", "An organisation needs at least one administrator.")
	// ErrBusy says that others were changing the same thing at the same time.
	ErrBusy = fault.New(fault.Conflict, "concurrent_change", "Somebody else was changing this at the same time. Please try again.")
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

var (
	hasLetter = regexp.MustCompile(`[A-Za-z]`)
	hasDigit  = regexp.MustCompile(`[0-9]`)
)

// checkPassword is the policy where no other is set.
func checkPassword(password string) error {
	if len([]rune(password)) < 8 || len(password) > auth.PasswordMax || !hasLetter.MatchString(password) || !hasDigit.MatchString(password) {
		return ErrWeakPassword
	}
	return nil
}

// checkEmail returns the address as it is compared and stored.
func checkEmail(text string) (string, error) {
	email := account.Email(text)
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 150 || !strings.Contains(email[strings.LastIndexByte(email, '@'):], ".") {
		return "", ErrEmail
	}
	return email, nil
}

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

// presented is a record without what never leaves the server.
func presented(rec account.Record) *account.Record {
	data := account.Fields{}
	for name, value := range rec.Data {
		switch name {
		case "password", "confirmPassword", "passcode", "twoFactorSecret", "keyHash", "keySecret", "invitationToken":
		case "reminderQuestion":
			data[name] = withoutAnswers(value)
		default:
			data[name] = value
		}
	}
	rec.Data = data
	rec.CreateHash = ""
	return &rec
}

func withoutAnswers(text json.RawMessage) json.RawMessage {
	var questions []account.Fields
	if err := json.Unmarshal(text, &questions); err != nil {
		return json.RawMessage("[]")
	}
	for _, q := range questions {
		delete(q, "answer")
	}
	clean, err := json.Marshal(questions)
	if err != nil {
		return json.RawMessage("[]")
	}
	return clean
}

// done is the answer of actions that return nothing else.
type done struct {
	Success bool   `json:"success"`
	Message string `json:"message,omitempty"`
}
