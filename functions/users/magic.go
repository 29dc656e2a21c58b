package users

import (
	"context"
	"errors"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrCode refuses a code; it may be wrong, used, voided or too old.
	ErrCode = fault.New(fault.Invalid, "invalid_code", "That code is not right, or not valid any more.")
	// ErrLink refuses the token of a link.
	ErrLink = fault.New(fault.Invalid, "invalid_link", "This link is not valid any more. Please ask for a new one.")
)

type magicIn struct {
	Email    string `query:"email" required:"true" maxLen:"200"`
	Type     string `query:"type" enum:"link,code" doc:"what is mailed: a link (the default) or a code of six digits"`
	Redirect string `query:"redirect" maxLen:"1000" doc:"the page the link leads to: a path of the org's site, or an address on it"`
}

func (s *service) magicFor(kind auth.Kind) func(context.Context, auth.Principal, magicIn) (done, error) {
	return func(ctx context.Context, who auth.Principal, in magicIn) (done, error) {
		return s.magic(ctx, who.Org, kind, in)
	}
}

// magic answers the same for every address; the mail follows.
func (s *service) magic(ctx context.Context, id org.ID, kind auth.Kind, in magicIn) (done, error) {
	return sentMaybe(), s.request(ctx, id, mailRequest{
		Purpose: forSignin, Kind: kind, Login: in.Email, Code: in.Type == "code", Redirect: in.Redirect,
	})
}

func (s *service) magicByPath(ctx context.Context, who auth.Principal, in pathEmail) (done, error) {
	return s.magic(ctx, who.Org, auth.Customer, magicIn{Email: in.address()})
}

func (s *service) codeByPath(ctx context.Context, who auth.Principal, in pathEmail) (done, error) {
	return s.magic(ctx, who.Org, auth.Customer, magicIn{Email: in.address(), Type: "code"})
}

func (s *service) codeByQuery(ctx context.Context, who auth.Principal, in queryEmail) (done, error) {
	return s.magic(ctx, who.Org, auth.Customer, magicIn{Email: in.Email, Type: "code"})
}

type redeemIn struct {
	Email string `json:"email" maxLen:"200" doc:"with code"`
	Code  string `json:"code" maxLen:"20"`
	Token string `json:"token" maxLen:"400" doc:"of a link, instead of email and code"`
}

func (s *service) redeemFor(kind auth.Kind) func(context.Context, auth.Principal, redeemIn) (signedIn, error) {
	return func(ctx context.Context, who auth.Principal, in redeemIn) (signedIn, error) {
		if in.Token != "" {
			return s.redeemLink(ctx, who.Org, kind, in.Token)
		}
		return s.redeemCode(ctx, who.Org, kind, in)
	}
}

func (s *service) redeemLink(ctx context.Context, id org.ID, kind auth.Kind, token string) (signedIn, error) {
	sk, k, ok, err := s.holder(ctx, table.Of(s.deps.Table, id), forSignin, []auth.Kind{kind}, token)
	if err != nil || !ok {
		return signedIn{}, errors.Join(err, ErrLink)
	}
	rec, err := repository.Get[account.Fields](ctx, s.deps.Records.Tenant(id), account.Datatype(kind), sk)
	if errors.Is(err, table.ErrNotFound) || err == nil && !k.stillOf(rec) {
		return signedIn{}, ErrLink
	}
	if err != nil {
		return signedIn{}, err
	}
	out, err := s.admit(ctx, id, kind, rec, proof{method: byLink, used: []table.Op{k.take(forSignin, sk)}})
	return out, lostTicket(err, ErrLink)
}

// redeemCode answers the same, after the same work, for an unknown account and
// for a wrong code.
func (s *service) redeemCode(ctx context.Context, id org.ID, kind auth.Kind, in redeemIn) (signedIn, error) {
	rec, err := s.lookup(ctx, id, account.Datatype(kind), in.Email)
	switch {
	case errors.Is(err, table.ErrNotFound):
		rec = account.Record{SK: decoy}
	case err != nil:
		return signedIn{}, err
	}
	t := table.Of(s.deps.Table, id)
	k, ok, err := s.tryCode(ctx, t, forSignin, rec.SK, in.Code)
	if err != nil {
		return signedIn{}, err
	}
	if !ok || !k.stillOf(rec) {
		return signedIn{}, s.failed(ctx, t, rec.SK, byCode, ErrCode)
	}
	out, err := s.admit(ctx, id, kind, rec, proof{method: byCode, used: []table.Op{k.take(forSignin, rec.SK)}})
	return out, lostTicket(err, ErrCode)
}
