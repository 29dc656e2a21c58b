package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrChallenge says that a sign-in has to begin again.
	ErrChallenge = fault.New(fault.Invalid, "challenge_expired", "This sign-in has expired. Please sign in again.")
	// ErrNotSendable refuses to send a code of a method that sends none, or too many.
	ErrNotSendable = fault.New(fault.Invalid, "code_not_sendable", "No code can be sent in this way.")
)

const (
	challengeFor   = 10 * time.Minute
	challengeSends = 5 // codes mailed for one challenge
)

// challenge is a sign-in that waits for its second factor: partition
// "challenge", sort = the first part of its token. Wrong codes leave it alive,
// five of them end it.
type challenge struct {
	Hash    string    `json:"hash"` // of the token's secret
	Subject string    `json:"subject"`
	Kind    auth.Kind `json:"kind"`
	Method  string    `json:"method"`
	// Password says that a password began the sign-in: its count of attempts is
	// cleared in the end.
	Password bool   `json:"password"`
	Mailing  bool   `json:"mailing"`        // a code may be mailed
	Code     string `json:"code,omitempty"` // hash of the mailed code
	Until    int64  `json:"until"`          // epoch seconds
	Tries    int64  `json:"tries"`
	Sends    int64  `json:"sends"`
	Done     bool   `json:"done"`
}

func challengeKey(id string) table.Key { return table.Key{Part: "challenge", Sort: id} }

// challenged is the answer of a sign-in that is not over: it has no token.
type challenged struct {
	Requires bool   `json:"requiresTwoFactor"`
	Token    string `json:"challengeToken"`
	Method   string `json:"twoFactorMethod"`
	Message  string `json:"message"`
	Email    string `json:"email"` // masked
	New      bool   `json:"isNewDevice"`
}

// signedIn is a session, or else a challenge.
type signedIn struct {
	*account.Session
	*challenged
}

// methodFor is the second factor a sign-in takes; "" for none. What the org
// demands counts for passwords only: a link or code by mail is the mailbox's
// proof already.
func methodFor(f factors, rules policy, kind auth.Kind, method string) string {
	switch {
	case f.Enabled && f.has(f.Preferred):
		return f.Preferred
	case method == byPassword && rules.demands(kind):
		return methodEmail
	default:
		return ""
	}
}

// challenge holds a sign-in back until its second factor has come.
func (s *service) challenge(ctx context.Context, id org.ID, rec account.Record, c challenge, used []table.Op) (signedIn, error) {
	name, secret := auth.NewSecret(s.deps.Random)[:22], auth.NewSecret(s.deps.Random)
	now := s.deps.Now()
	c.Subject, c.Hash, c.Until = rec.SK, auth.HashSecret(secret), now.Add(challengeFor).Unix()
	code := ""
	if c.Method == methodEmail {
		code = newCode(s.deps.Random)
		c.Code, c.Sends = auth.HashSecret(codeSecret(name, code)), 1
	}
	doc, err := table.NewDoc(c)
	if err != nil {
		return signedIn{}, err
	}
	put := table.Put{Item: table.Item{Key: challengeKey(name), Doc: doc, Expires: time.Unix(c.Until, 0)}, If: table.ItemMissing{}}
	if err := table.Of(s.deps.Table, id).Transact(ctx, "", append(used, put)...); err != nil {
		return signedIn{}, fmt.Errorf("store challenge: %w", err)
	}
	out := challenged{Requires: true, Token: tokenOf(name, secret), Method: c.Method, Message: "Enter the code of your authenticator app."}
	email := account.Email(rec.Data.Person().Email)
	out.Email = masked(email)
	if code != "" {
		out.Message = "Verification code sent to your email"
		err = s.sendCode(ctx, id, email, code)
	}
	return signedIn{challenged: &out}, err
}

func (s *service) sendCode(ctx context.Context, id org.ID, to, code string) error {
	where, err := s.placeOf(ctx, id, "")
	if err != nil {
		return err
	}
	return s.mailCode(ctx, id, to, where, code)
}

// onChallenge changes a challenge that is alive, or answers ErrChallenge.
func (s *service) onChallenge(ctx context.Context, t table.Tenant, token string, m table.Modify, more ...table.Cond) (id string, c challenge, err error) {
	id, secret, ok := splitToken(token)
	if !ok {
		return "", c, ErrChallenge
	}
	m.Key = challengeKey(id)
	m.If = append(table.And{
		table.Compare{Path: table.At("hash"), Op: table.Equal, Value: auth.HashSecret(secret)},
		table.Compare{Path: table.At("tries"), Op: table.Less, Value: ticketTries},
		table.Compare{Path: table.At("done"), Op: table.Equal, Value: false},
		table.Compare{Path: table.At("until"), Op: table.Greater, Value: s.deps.Now().Unix()},
	}, more...)
	item, err := t.Write(ctx, m)
	var refused *table.Refused
	if errors.As(err, &refused) || errors.Is(err, table.ErrNotFound) {
		return id, c, ErrChallenge
	}
	if err == nil {
		err = item.Doc.Decode(&c)
	}
	if err != nil {
		return id, c, fmt.Errorf("read challenge: %w", err)
	}
	return id, c, nil
}

type challengeIn struct {
	Token string `json:"challengeToken" required:"true" maxLen:"400"`
	Code  string `json:"code" required:"true" maxLen:"40" doc:"of any method the account has, or a backup code"`
	Trust *bool  `json:"trustDevice" doc:"accepted and without effect: devices are not trusted yet"`
}

// answerChallenge finishes a sign-in.
func (s *service) answerChallenge(ctx context.Context, who auth.Principal, in challengeIn) (session, error) {
	t := table.Of(s.deps.Table, who.Org)
	id, c, err := s.onChallenge(ctx, t, in.Token, table.Modify{Add: []table.Increment{{Path: table.At("tries"), By: 1}}})
	if err != nil {
		return session{}, err
	}
	f, err := readFactors(ctx, t, c.Subject)
	if err != nil {
		return session{}, err
	}
	used := []table.Op{table.Modify{
		Key: challengeKey(id), Set: []table.Assign{{Path: table.At("done"), Value: true}},
		If: table.Compare{Path: table.At("done"), Op: table.Equal, Value: false},
	}}
	if c.Password {
		used = append(used, cleared(c.Subject, ""))
	}
	if c.Code == "" || !auth.SecretMatches(codeSecret(id, strings.TrimSpace(in.Code)), c.Code) {
		if !f.use(c.Subject, in.Code, s.deps.Now()) {
			return session{}, s.failed(ctx, t, c.Subject, byFactor, ErrCode)
		}
		save, err := f.save(c.Subject)
		if err != nil {
			return session{}, err
		}
		used = append(used, save)
	}
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Org), account.Datatype(c.Kind), c.Subject)
	if errors.Is(err, table.ErrNotFound) {
		return session{}, ErrChallenge
	}
	if err != nil {
		return session{}, err
	}
	out, err := s.enter(ctx, who.Org, c.Kind, rec, proof{method: byFactor, used: used})
	return out, lostTicket(err, ErrChallenge)
}

type sendIn struct {
	Token  string `json:"challengeToken" required:"true" maxLen:"400"`
	Method string `json:"method" maxLen:"20" doc:"email unless given"`
}

type sendOut struct {
	Success bool   `json:"success"`
	Method  string `json:"twoFactorMethod"`
	Message string `json:"message"`
}

// sendChallenge mails another code; the one before is void.
func (s *service) sendChallenge(ctx context.Context, who auth.Principal, in sendIn) (sendOut, error) {
	switch named(in.Method) {
	case "", methodEmail:
	case methodSMS:
		return sendOut{}, ErrNoSMS
	default:
		return sendOut{}, ErrNotSendable
	}
	t := table.Of(s.deps.Table, who.Org)
	name, _, _ := splitToken(in.Token)
	if _, _, err := s.onChallenge(ctx, t, in.Token, table.Modify{Set: []table.Assign{{Path: table.At("done"), Value: false}}}); err != nil {
		return sendOut{}, err
	}
	code := newCode(s.deps.Random)
	_, c, err := s.onChallenge(ctx, t, in.Token, table.Modify{
		Set: []table.Assign{{Path: table.At("code"), Value: auth.HashSecret(codeSecret(name, code))}},
		Add: []table.Increment{{Path: table.At("sends"), By: 1}},
	}, table.Compare{Path: table.At("mailing"), Op: table.Equal, Value: true}, table.Compare{Path: table.At("sends"), Op: table.Less, Value: challengeSends})
	if errors.Is(err, ErrChallenge) {
		return sendOut{}, ErrNotSendable
	}
	if err != nil {
		return sendOut{}, err
	}
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(who.Org), account.Datatype(c.Kind), c.Subject)
	if errors.Is(err, table.ErrNotFound) {
		return sendOut{}, ErrChallenge
	}
	if err != nil {
		return sendOut{}, err
	}
	out := sendOut{Success: true, Method: methodEmail, Message: "Verification code sent to your email"}
	return out, s.sendCode(ctx, who.Org, account.Email(rec.Data.Person().Email), code)
}

// masked shows enough of an address to recognise one's own.
func masked(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" {
		return "***"
	}
	return string([]rune(local)[:1]) + "***@" + domain
}
