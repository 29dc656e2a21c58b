package users

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// ErrResetToken refuses a token with which no password can be set.
var ErrResetToken = fault.New(fault.Invalid, "invalid_reset_token", "This link is not valid any more. Please ask for a new one.")

type (
	pathEmail struct {
		Email string `path:"email" maxLen:"300"`
	}
	queryEmail struct {
		Email string `query:"email" required:"true" maxLen:"200"`
	}
	bodyEmail struct {
		Email string `json:"email" required:"true" maxLen:"200"`
	}
)

// address is the e-mail of a path, which may arrive percent-encoded twice.
func (in pathEmail) address() string {
	if decoded, err := url.PathUnescape(in.Email); err == nil {
		return decoded
	}
	return in.Email
}

// sentMaybe is the same answer whether or not there is such an account.
func sentMaybe() done {
	return done{Success: true, Message: "If there is an account with that address, a message is on its way."}
}

// forgot answers the same for every address; the mail follows.
func (s *service) forgot(ctx context.Context, id org.ID, kind auth.Kind, login string) (done, error) {
	return sentMaybe(), s.request(ctx, id, mailRequest{Purpose: forReset, Kind: kind, Login: login})
}

func (s *service) forgotByPath(kind auth.Kind) func(context.Context, auth.Principal, pathEmail) (done, error) {
	return func(ctx context.Context, who auth.Principal, in pathEmail) (done, error) {
		return s.forgot(ctx, who.Org, kind, in.address())
	}
}

func (s *service) forgotByQuery(kind auth.Kind) func(context.Context, auth.Principal, queryEmail) (done, error) {
	return func(ctx context.Context, who auth.Principal, in queryEmail) (done, error) {
		return s.forgot(ctx, who.Org, kind, in.Email)
	}
}

func (s *service) forgotByBody(kind auth.Kind) func(context.Context, auth.Principal, bodyEmail) (done, error) {
	return func(ctx context.Context, who auth.Principal, in bodyEmail) (done, error) {
		return s.forgot(ctx, who.Org, kind, in.Email)
	}
}

type resetIn struct {
	Token    string `json:"token" required:"true" maxLen:"400"`
	Password string `json:"password" required:"true" maxLen:"1024" doc:"the new password"`
}

func (s *service) resetFor(kind auth.Kind) func(context.Context, auth.Principal, resetIn) (done, error) {
	return func(ctx context.Context, who auth.Principal, in resetIn) (done, error) {
		return s.reset(ctx, who.Org, kind, in)
	}
}

// reset sets a new password and ends every session. The token is used up by the
// same transaction, so it works once. A lock that failed attempts brought about
// ends with it; an administrator's does not.
func (s *service) reset(ctx context.Context, id org.ID, kind auth.Kind, in resetIn) (done, error) {
	if err := checkPassword(in.Password); err != nil {
		return done{}, err
	}
	t := table.Of(s.deps.Table, id)
	sk, k, ok, err := s.holder(ctx, t, forReset, []auth.Kind{kind}, in.Token)
	if err != nil || !ok {
		return done{}, errors.Join(err, ErrResetToken)
	}
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(id), account.Datatype(kind), sk)
	if errors.Is(err, table.ErrNotFound) || err == nil && (!rec.Data.Person().Usable() || !k.stillOf(rec)) {
		return done{}, ErrResetToken
	}
	if err != nil {
		return done{}, err
	}
	credential, err := s.newCredential(ctx, sk, in.Password)
	if err != nil {
		return done{}, err
	}
	actor := actorOf(id, kind, rec)
	tx := s.deps.Records.Tenant(id).Begin(actor)
	if err := unlocked(tx, rec); err != nil {
		return done{}, err
	}
	if err := trace(tx, actor, "resetPassword", ""); err != nil {
		return done{}, err
	}
	tx.Also(credential, k.take(forReset, sk))
	if _, err := tx.Commit(ctx); err != nil {
		return done{}, lostTicket(err, ErrResetToken)
	}
	err = s.sessions.EndAll(ctx, t, sk, "")
	return done{Success: true, Message: "Your password has been changed. Please sign in with it."}, err
}

// unlocked takes the lock of failed attempts out of the record.
func unlocked(tx *repository.Tx, rec account.Record) error {
	if _, dated := record.ParseTime(rec.Data.Text(lockoutDate)); !dated || rec.Data.Text(lockout) != "true" {
		return nil
	}
	rec.Data.Set(lockout, "false")
	delete(rec.Data, lockoutDate)
	raw, err := record.Untyped(rec)
	if err != nil {
		return err
	}
	tx.Update(raw)
	return nil
}

// lostTicket says that somebody else was faster with the same ticket.
func lostTicket(err error, answer *fault.Error) error {
	var refused *table.Refused
	if errors.As(err, &refused) {
		return answer
	}
	return err
}

// isOfKind says whether an id is one of a person of such a kind.
func isOfKind(sk string, kinds []auth.Kind) bool {
	datatype, _, _ := strings.Cut(sk, "-")
	return slices.ContainsFunc(kinds, func(k auth.Kind) bool { return account.Datatype(k) == datatype })
}

type tokenIn struct {
	Token string `json:"token" required:"true" maxLen:"400"`
}

// valid answers 200 both ways.
type valid struct {
	Valid bool `json:"valid"`
}

func (s *service) validateFor(kind auth.Kind) func(context.Context, auth.Principal, tokenIn) (valid, error) {
	return func(ctx context.Context, who auth.Principal, in tokenIn) (valid, error) {
		_, _, ok, err := s.holder(ctx, table.Of(s.deps.Table, who.Org), forReset, []auth.Kind{kind}, in.Token)
		return valid{Valid: ok}, err
	}
}
