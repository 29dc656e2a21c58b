package account

import (
	"net/mail"
	"regexp"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
)

var (
	// ErrWeakPassword refuses a password that the policy does not allow.
	ErrWeakPassword = fault.New(fault.Invalid, "weak_password", "The password must have at least 8 characters, with at least one letter and one digit.")
	// ErrEmail refuses what cannot be an e-mail address.
	ErrEmail = fault.New(fault.Invalid, "invalid_email", "That is not a valid e-mail address.")
)

var (
	hasLetter = regexp.MustCompile(`[A-Za-z]`)
	hasDigit  = regexp.MustCompile(`[0-9]`)
)

// CheckPassword is the policy where no other is set; ErrWeakPassword otherwise.
func CheckPassword(password string) error {
	if len([]rune(password)) < 8 || len(password) > auth.PasswordMax || !hasLetter.MatchString(password) || !hasDigit.MatchString(password) {
		return ErrWeakPassword
	}
	return nil
}

// CheckEmail returns the address as it is compared and stored, or ErrEmail.
func CheckEmail(text string) (string, error) {
	email := Email(text)
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > 150 || !strings.Contains(email[strings.LastIndexByte(email, '@'):], ".") {
		return "", ErrEmail
	}
	return email, nil
}
