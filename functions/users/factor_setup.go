package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrNoSMS refuses SMS as long as nothing sends any.
	ErrNoSMS = fault.New(fault.Invalid, "sms_unavailable", "Codes by SMS are not available. Please choose e-mail or an authenticator app.")
	// ErrNotProven refuses a method whose setup was not finished.
	ErrNotProven = fault.New(fault.Conflict, "method_not_verified", "Please finish the setup of this method first.")
	// ErrProof asks for the password or a code before something that weakens an account.
	ErrProof = fault.New(fault.Invalid, "proof_required", "Please confirm this with your password or a code.")
)

// methodState is one method in the status.
type methodState struct {
	Type       string      `json:"type"`
	Enabled    bool        `json:"enabled"`
	VerifiedAt record.Time `json:"verifiedAt"`
}

type factorStatus struct {
	Enabled   bool          `json:"enabled"`
	Preferred string        `json:"preferredMethod,omitempty"`
	Methods   []methodState `json:"methods"`
	Backup    int           `json:"backupCodesRemaining"`
}

func (s *service) factorStatus(ctx context.Context, who auth.Principal, _ struct{}) (factorStatus, error) {
	f, err := readFactors(ctx, table.Of(s.deps.Table, who.Home), who.ID)
	out := factorStatus{Enabled: f.Enabled, Preferred: f.Preferred, Backup: len(f.Backup), Methods: []methodState{}}
	if f.Email != nil {
		out.Methods = append(out.Methods, methodState{Type: methodEmail, Enabled: f.Enabled, VerifiedAt: f.Email.At})
	}
	if f.Authenticator != nil {
		out.Methods = append(out.Methods, methodState{Type: methodAuthenticator, Enabled: f.Enabled, VerifiedAt: f.Authenticator.At})
	}
	return out, err
}

// proofIn confirms something with a code of the authenticator, a backup code,
// the code of a setup by e-mail, or the password.
type proofIn struct {
	Code     string `json:"code" maxLen:"40"`
	Password string `json:"password" maxLen:"1024"`
}

type setupIn struct {
	Method string `path:"method" maxLen:"20" doc:"totp (the same as authenticator), email or sms"`
	proofIn
}

type setupOut struct {
	Method string `json:"method"`
	SentTo string `json:"sentTo,omitempty"`
	Secret string `json:"secret,omitempty"` // base32
	QRCode string `json:"qrCode,omitempty"` // data URL of a PNG
	URL    string `json:"otpauthUrl,omitempty"`
}

// setupFactor begins the setup of a method. A new authenticator for an account
// that is protected already takes a proof: a stolen session must not suffice.
func (s *service) setupFactor(ctx context.Context, who auth.Principal, in setupIn) (setupOut, error) {
	method := named(in.Method)
	if method == methodSMS {
		return setupOut{}, ErrNoSMS
	}
	rules, err := s.policyOf(ctx, who.Home)
	if err != nil {
		return setupOut{}, err
	}
	if method != methodEmail && method != methodAuthenticator || !rules.allows(method) {
		return setupOut{}, ErrMethod
	}
	t := table.Of(s.deps.Table, who.Home)
	f, err := readFactors(ctx, t, who.ID)
	if err != nil {
		return setupOut{}, err
	}
	if f.Enabled && method == methodAuthenticator {
		if err := s.prove(ctx, t, who.ID, &f, in.proofIn); err != nil {
			return setupOut{}, err
		}
	}
	where, err := s.placeOf(ctx, who.Home, "")
	if err != nil {
		return setupOut{}, err
	}
	f.Pending = &pending{Method: method, Until: s.deps.Now().Add(codeFor).Unix()}
	if method == methodAuthenticator {
		app, err := newAuthenticator(s.deps.Random, where.name, who.Email)
		if err != nil {
			return setupOut{}, err
		}
		f.Pending.Secret = app.secret
		return setupOut{Method: methodTOTP, Secret: app.secret, QRCode: app.qr, URL: app.url}, s.saveFactors(ctx, t, who.ID, f)
	}
	code := newCode(s.deps.Random)
	f.Pending.Hash = auth.HashSecret(codeSecret(who.ID, code))
	if err := s.saveFactors(ctx, t, who.ID, f); err != nil {
		return setupOut{}, err
	}
	return setupOut{Method: methodEmail, SentTo: masked(who.Email)}, s.mailCode(ctx, who.Home, who.Email, where, code)
}

func (s *service) mailCode(ctx context.Context, id org.ID, to string, where place, code string) error {
	err := s.deps.Mail.Send(ctx, mail.Message{
		Org: id, To: to, From: s.deps.Settings.MailFrom, Token: s.deps.NewID("mail"), Subject: code + " is your code for " + where.name,
		Text: "Hello,\n\nyour security code for " + where.name + " is\n\n    " + code + "\n\nIt is good for 10 minutes.\n\n" +
			"If you did not just sign in or change your security settings, please change your password.\n",
	})
	if err != nil {
		return fmt.Errorf("send code: %w", err)
	}
	return nil
}

type provenIn struct {
	Method string `json:"method" required:"true" maxLen:"20"`
	Code   string `json:"code" required:"true" maxLen:"20"`
}

type provenOut struct {
	Verified bool `json:"verified"`
}

// verifySetup finishes the setup of a method. Each try is counted before the
// code is looked at; five of them end the setup.
func (s *service) verifySetup(ctx context.Context, who auth.Principal, in provenIn) (provenOut, error) {
	t := table.Of(s.deps.Table, who.Home)
	f, err := readFactors(ctx, t, who.ID)
	if err != nil {
		return provenOut{}, err
	}
	p, now := f.Pending, s.deps.Now()
	if p == nil || p.Method != named(in.Method) || p.Tries >= ticketTries || now.Unix() >= p.Until {
		return provenOut{}, ErrCode
	}
	p.Tries++
	step, right := int64(0), p.Hash != "" && auth.SecretMatches(codeSecret(who.ID, in.Code), p.Hash)
	if p.Secret != "" {
		step, right = matchTOTP(p.Secret, in.Code, now, 0)
	}
	if right {
		f.Pending = nil
		e := &enrolled{At: record.At(now), Secret: p.Secret, Step: step}
		if p.Method == methodEmail {
			f.Email = e
		} else {
			f.Authenticator = e
		}
	}
	if err := s.saveFactors(ctx, t, who.ID, f); err != nil {
		return provenOut{}, err
	}
	if !right {
		return provenOut{}, ErrCode
	}
	return provenOut{Verified: true}, nil
}

type enableIn struct {
	Method string `json:"method" required:"true" maxLen:"20"`
}

type factorOut struct {
	Enabled bool     `json:"enabled"`
	Backup  []string `json:"backupCodes,omitempty"`
}

// enableFactor asks for the method at every sign-in from now on. The backup
// codes are shown here and never again; for an account that is protected
// already only the preferred method changes.
func (s *service) enableFactor(ctx context.Context, who auth.Principal, in enableIn) (factorOut, error) {
	t, method := table.Of(s.deps.Table, who.Home), named(in.Method)
	f, err := readFactors(ctx, t, who.ID)
	if err != nil {
		return factorOut{}, err
	}
	if !f.has(method) {
		return factorOut{}, ErrNotProven
	}
	out := factorOut{Enabled: true}
	if !f.Enabled {
		out.Backup = f.renew(who.ID, s.deps.Random)
	}
	f.Enabled, f.Preferred = true, method
	return out, s.saveFactors(ctx, t, who.ID, f)
}

// disableFactor forgets all methods and backup codes. When the org asks for a
// second factor, sign-ins go on to take a code by e-mail.
func (s *service) disableFactor(ctx context.Context, who auth.Principal, in proofIn) (factorOut, error) {
	t := table.Of(s.deps.Table, who.Home)
	f, err := readFactors(ctx, t, who.ID)
	if err != nil {
		return factorOut{}, err
	}
	if err := s.prove(ctx, t, who.ID, &f, in); err != nil {
		return factorOut{}, err
	}
	return factorOut{}, s.saveFactors(ctx, t, who.ID, factors{Rev: f.Rev})
}

type backupOut struct {
	Codes []string `json:"backupCodes"`
}

// renewBackup replaces the backup codes.
func (s *service) renewBackup(ctx context.Context, who auth.Principal, in proofIn) (backupOut, error) {
	t := table.Of(s.deps.Table, who.Home)
	f, err := readFactors(ctx, t, who.ID)
	if err != nil {
		return backupOut{}, err
	}
	if !f.Enabled {
		return backupOut{}, ErrNotProven
	}
	if err := s.prove(ctx, t, who.ID, &f, in); err != nil {
		return backupOut{}, err
	}
	codes := f.renew(who.ID, s.deps.Random)
	return backupOut{Codes: codes}, s.saveFactors(ctx, t, who.ID, f)
}

// prove checks the password or a code of somebody who is signed in. It counts
// like an attempt to sign in, so guessing locks the account.
func (s *service) prove(ctx context.Context, t table.Tenant, sk string, f *factors, in proofIn) error {
	if in.Password != "" {
		forget, err := s.verify(ctx, t, sk, in.Password)
		if err == nil {
			_, err = t.Write(ctx, forget)
		}
		return err
	}
	if in.Code == "" {
		return ErrProof
	}
	c, err := s.attempt(ctx, t, sk)
	if errors.Is(err, table.ErrNotFound) {
		c, err = s.firstAttempt(ctx, t, sk)
	}
	if err != nil {
		return err
	}
	p, now := f.Pending, s.deps.Now()
	mailed := p != nil && p.Hash != "" && now.Unix() < p.Until && auth.SecretMatches(codeSecret(sk, in.Code), p.Hash)
	if mailed || f.use(sk, in.Code, now) {
		_, err = t.Write(ctx, cleared(sk, ""))
		return err
	}
	if c.Attempts >= account.FailuresMax {
		if err := s.lock(ctx, t, sk); !errors.Is(err, ErrLocked) {
			return err
		}
	}
	return ErrCode
}

// firstAttempt is attempt for an account that was made without a credential, by
// an import for example: it gets one without a password.
func (s *service) firstAttempt(ctx context.Context, t table.Tenant, sk string) (credential, error) {
	doc, err := table.NewDoc(credential{})
	if err != nil {
		return credential{}, err
	}
	_, err = t.Write(ctx, table.Put{Item: table.Item{Key: credentialKey(sk), Doc: doc}, If: table.ItemMissing{}})
	var refused *table.Refused
	if err != nil && !errors.As(err, &refused) {
		return credential{}, fmt.Errorf("store credential: %w", err)
	}
	return s.attempt(ctx, t, sk)
}
