package users_test

import (
	"encoding/base64"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
)

const security = "/profile/security/"

// totp is the code that an authenticator shows now.
func (k kit) totp(secret string) string {
	k.T.Helper()
	code, err := totp.GenerateCode(secret, k.Clock.Now())
	if err != nil {
		k.T.Fatal(err)
	}
	return code
}

// protect sets an authenticator up and turns the second factor on.
func (k kit) protect(p person) (secret string, backup []string) {
	k.T.Helper()
	secret = p.Call("POST", security+"2fa/setup/totp", nil).Want(200).String("secret")
	p.Call("POST", security+"2fa/verify-setup", m{"method": "totp", "code": k.totp(secret)}).Want(200)
	list, _ := p.Call("POST", security+"2fa/enable", m{"method": "totp"}).Want(200).Map()["backupCodes"].([]any)
	for _, one := range list {
		backup = append(backup, one.(string))
	}
	k.Clock.Advance(time.Minute) // a code is good once
	return secret, backup
}

func (k kit) challenged(p person) string {
	k.T.Helper()
	r := k.Anonymous("acme").Call("POST", "/profile/customer/signin", m{"email": p.email, "password": password}).Want(200)
	body := r.Map()
	if _, has := body["token"]; has || body["requiresTwoFactor"] != true {
		k.T.Fatalf("answer = %s, want a challenge", r.Body)
	}
	return r.String("challengeToken")
}

func TestSecondFactorFromSetupToSignin(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	cy := k.customer("Cy", "cy@x.example")
	setup := cy.Call("POST", security+"2fa/setup/authenticator", nil).Want(200)
	picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.TrimPrefix(setup.String("qrCode"), "data:image/png;base64,"))))
	if err != nil || picture.Bounds().Dx() < 100 || !strings.HasPrefix(setup.String("otpauthUrl"), "otpauth://totp/") || setup.String("method") != "totp" {
		t.Errorf("setup = %s, %v", setup.Body, err)
	}
	cy.Call("POST", security+"2fa/enable", m{"method": "totp"}).Refused(409, "method_not_verified")
	secret, backup := k.protect(cy)
	if len(backup) != 10 || backup[0] == backup[1] {
		t.Errorf("backup codes = %v", backup)
	}
	token := k.challenged(cy)
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": "000000"}).Refused(400, "invalid_code")
	k.ignore()
	r := k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": k.totp(secret), "trustDevice": true}).Want(200)
	k.announces("user.login")
	k.secretless(r)
	if k.as(r).id != cy.id || r.String("customer", "sk") != cy.id {
		t.Errorf("session = %s", r.Body)
	}
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": backup[0]}).Refused(400, "challenge_expired")
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": k.challenged(cy), "code": k.totp(secret)}).Refused(400, "invalid_code") // used
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": k.challenged(cy), "code": strings.ToUpper(backup[0])}).Want(200)
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": k.challenged(cy), "code": backup[0]}).Refused(400, "invalid_code")
	link := k.secret(mailedToken, cy.email, func() { k.Anonymous("acme").Call("GET", "/profile/magic-link?email="+cy.email, nil).Want(200) })
	if r := k.Anonymous("acme").Call("POST", "/profile/magic-link/redirect", m{"token": link}).Want(200); r.Map()["requiresTwoFactor"] != true || r.Map()["token"] != nil {
		t.Errorf("a link answers %s, want a challenge", r.Body)
	}
	status := cy.Call("GET", security+"2fa/status", nil).Want(200)
	if body := status.Map(); body["enabled"] != true || body["backupCodesRemaining"] != 9.0 || strings.Contains(string(status.Body), secret) {
		t.Errorf("status = %s", status.Body)
	}
}

func TestChallengesEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tries int
		wait  time.Duration
		want  string
	}{"four wrong codes": {4, 0, ""}, "five wrong codes": {5, 0, "challenge_expired"}, "time": {0, 10 * time.Minute, "challenge_expired"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t)
			k.found("acme")
			k.found("acme-corp")
			cy := k.customer("Cy", "cy@x.example")
			_, backup := k.protect(cy)
			token := k.challenged(cy)
			k.Anonymous("acme-corp").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": backup[0]}).Refused(400, "challenge_expired")
			for range c.tries {
				k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": "wrong"}).Refused(400, "invalid_code")
			}
			k.Clock.Advance(c.wait)
			r := k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": backup[0]})
			if c.want == "" {
				r.Want(200)
			} else {
				r.Refused(400, c.want)
			}
		})
	}
}

// With the password in hand, the second factor cannot be guessed for long.
func TestGuessingTheSecondFactorLocks(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	cy := k.customer("Cy", "cy@x.example")
	k.protect(cy)
	for range 5 {
		k.challenged(cy)
	}
	k.Anonymous("acme").Call("POST", "/profile/customer/signin", m{"email": cy.email, "password": password}).Refused(403, "account_locked")
}

func TestFactorByMail(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	cy := k.customer("Cy", "cy@x.example")
	code := k.secret(mailedCode, cy.email, func() {
		if r := cy.Call("POST", security+"2fa/setup/email", nil).Want(200); r.String("sentTo") != "c***@x.example" {
			t.Errorf("setup = %s", r.Body)
		}
	})
	cy.Call("POST", security+"2fa/verify-setup", m{"method": "email", "code": "x"}).Refused(400, "invalid_code")
	cy.Call("POST", security+"2fa/verify-setup", m{"method": "email", "code": code}).Want(200)
	cy.Call("POST", security+"2fa/enable", m{"method": "email"}).Want(200)
	token := ""
	first := k.secret(mailedCode, cy.email, func() { token = k.challenged(cy) })
	second := k.secret(mailedCode, cy.email, func() {
		k.Anonymous("acme").Call("POST", security+"challenge/send", m{"challengeToken": token, "method": "email"}).Want(200)
	})
	if first != second {
		k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": first}).Refused(400, "invalid_code")
	}
	for method, want := range map[string]string{"sms": "sms_unavailable", "totp": "code_not_sendable"} {
		k.Anonymous("acme").Call("POST", security+"challenge/send", m{"challengeToken": token, "method": method}).Refused(400, want)
	}
	k.Anonymous("acme").Call("POST", security+"challenge/send", m{"challengeToken": "x.y"}).Refused(400, "challenge_expired")
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": second}).Want(200)
}

func TestFactorRefusals(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	cy := k.customer("Cy", "cy@x.example")
	cy.Call("POST", security+"2fa/setup/sms", m{"phone": "+15550100"}).Refused(400, "sms_unavailable")
	cy.Call("POST", security+"2fa/setup/carrier-pigeon", nil).Refused(400, "method_unavailable")
	cy.Call("POST", security+"2fa/backup-codes", m{"code": "x"}).Refused(409, "method_not_verified")
	secret, backup := k.protect(cy)
	k.Anonymous("acme").Call("POST", security+"challenge/send", m{"challengeToken": k.challenged(cy)}).Refused(400, "code_not_sendable")
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": k.challenged(cy), "code": backup[0]}).Want(200)
	cy.Call("POST", security+"2fa/setup/totp", nil).Refused(400, "proof_required") // a stolen session does not suffice
	cy.Call("POST", security+"2fa/disable", m{"password": "Wrong1234"}).Refused(400, "invalid_credentials")
	cy.Call("POST", security+"2fa/disable", m{"code": "000000"}).Refused(400, "invalid_code")
	r := cy.Call("POST", security+"2fa/backup-codes", m{"code": k.totp(secret)}).Want(200)
	if strings.Contains(string(r.Body), backup[1]) {
		t.Errorf("codes = %s", r.Body)
	}
	cy.Call("POST", security+"2fa/disable", m{"code": backup[1]}).Refused(400, "invalid_code")
	cy.Call("POST", security+"2fa/disable", m{"password": password}).Want(200)
	if r := k.Anonymous("acme").Call("POST", "/profile/customer/signin", m{"email": cy.email, "password": password}).Want(200); r.Map()["token"] == nil {
		t.Errorf("after it was turned off: %s", r.Body)
	}
	for range 5 {
		cy.Call("POST", security+"2fa/disable", m{"password": "Wrong1234"})
	}
	cy.Call("POST", security+"2fa/disable", m{"password": password}).Refused(403, "account_locked")
}

func TestOrgsDemandASecondFactor(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	cy := k.customer("Cy", "cy@x.example")
	tenant := k.Deps.Records.Tenant("acme")
	rec, err := repository.Lookup[m](t.Context(), tenant, "setting", "name", "acme")
	if err != nil {
		t.Fatal(err)
	}
	_, err = repository.Change(t.Context(), tenant, auth.Platform("acme"), "setting", rec.SK, func(rec *record.Record[m], _ *repository.Tx) error {
		rec.Data["securitySettings"] = m{"enableTwoFactorForCustomers": true, "twoFactorMethods": []string{"email"}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	token := ""
	code := k.secret(mailedCode, cy.email, func() { token = k.challenged(cy) })
	k.Anonymous("acme").Call("POST", security+"challenge/verify", m{"challengeToken": token, "code": code}).Want(200)
	if got := k.redeem(cy.email, k.code(cy.email)); got != 200 {
		t.Errorf("a code by mail is proof of the mailbox already: %d", got)
	}
	cy.Call("POST", security+"2fa/setup/totp", nil).Refused(400, "method_unavailable")
	k.as(k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": owner.email, "password": password}).Want(200))
}
