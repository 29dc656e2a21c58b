package users

import (
	"context"
	"errors"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// emailVerified is the member of a person's record that says their address was
// proven.
const emailVerified = "emailVerified"

// ErrVerify refuses the token of a confirmation.
var ErrVerify = fault.New(fault.Invalid, "invalid_verification_token", "This link is not valid any more. Please ask for a new one.")

type verifyIn struct {
	Token string `query:"token" required:"true" maxLen:"400"`
}

// verifyEmail notes that an address is its owner's. It is a link in a mail, so
// it answers a browser: with the page asked for, or else a plain success.
func (s *service) verifyEmail(ctx context.Context, who auth.Principal, in verifyIn) (*api.Answer, error) {
	t := table.Of(s.deps.Table, who.Org)
	sk, k, ok, err := s.holder(ctx, t, forVerify, []auth.Kind{auth.User, auth.Customer}, in.Token)
	if err != nil || !ok {
		return nil, errors.Join(err, ErrVerify)
	}
	kind := auth.User
	if isOfKind(sk, []auth.Kind{auth.Customer}) {
		kind = auth.Customer
	}
	owner := auth.Principal{Kind: kind, Org: who.Org, Home: who.Org, ID: sk, Email: k.Email}
	_, err = repository.Change(ctx, s.deps.Records.Tenant(who.Org), owner, account.Datatype(kind), sk, func(rec *account.Record, tx *repository.Tx) error {
		if !k.stillOf(*rec) {
			return ErrVerify
		}
		rec.Data.Set(emailVerified, true)
		tx.Also(k.take(forVerify, sk))
		return nil
	})
	if errors.Is(err, table.ErrNotFound) {
		return nil, ErrVerify
	}
	if err != nil {
		return nil, lostTicket(err, ErrVerify)
	}
	if k.Redirect != "" {
		return api.Redirect(k.Redirect), nil
	}
	return &api.Answer{ContentType: "application/json; charset=utf-8", Body: []byte(`{"success":true,"message":"Your address is confirmed."}`)}, nil
}

type resendIn struct {
	Email    string `json:"email" required:"true" maxLen:"200"`
	Redirect string `json:"redirect" maxLen:"1000" doc:"where the link leads in the end: a path of the org's site, or an address on it"`
}

// resendVerification mails to the customer and the user of that address, as far
// as there are any and the address is not confirmed.
func (s *service) resendVerification(ctx context.Context, who auth.Principal, in resendIn) (done, error) {
	for _, kind := range []auth.Kind{auth.Customer, auth.User} {
		if err := s.request(ctx, who.Org, mailRequest{Purpose: forVerify, Kind: kind, Login: in.Email, Redirect: in.Redirect}); err != nil {
			return done{}, err
		}
	}
	return sentMaybe(), nil
}

type existOut struct {
	Exists bool `json:"exists"`
	Exist  bool `json:"exist"` // the same, under its other name
}

func (s *service) customerExistsByPath(ctx context.Context, who auth.Principal, in pathEmail) (existOut, error) {
	return s.customerExists(ctx, who, queryEmail{Email: in.address()})
}

// customerExists tells applications, and nobody else, whether there is an
// account. A chat guest has none.
func (s *service) customerExists(ctx context.Context, who auth.Principal, in queryEmail) (existOut, error) {
	rec, err := s.lookup(ctx, who.Org, account.Customers, in.Email)
	if errors.Is(err, table.ErrNotFound) {
		return existOut{}, nil
	}
	there := err == nil && !rec.Data.Person().Guest
	return existOut{Exists: there, Exist: there}, err
}
