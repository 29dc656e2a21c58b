package repository

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// The faults of opening what is shared.
var (
	// ErrPasscodeRequired asks for the passcode of a share.
	ErrPasscodeRequired = fault.New(fault.Invalid, "passcode_required", "Please enter the passcode.")
	// ErrPasscode refuses a wrong passcode.
	ErrPasscode = fault.New(fault.Invalid, "wrong_passcode", "That passcode is not right.")
	// ErrPasscodeAttempts asks to wait after too many wrong passcodes.
	ErrPasscodeAttempts = fault.New(fault.RateLimited, "too_many_attempts", "Too many wrong passcodes. Please wait a while and try again.")
)

// How often a passcode may be tried, from anywhere, and how long it is refused
// then. The wait begins with the last try that was let through.
const (
	attemptsMax  = 10
	attemptsWait = 15 * time.Minute
)

// noticesMax bounds how many people are told of a share.
const noticesMax = 20

func (s service) sharing() []api.Route {
	update := auth.Staff(auth.Update)
	open := api.On("GET /repository/shared/{token}", auth.Public(), s.openShare, "A shared record, for whoever has the token",
		api.Fails(table.ErrNotFound, ErrPasscodeRequired, ErrPasscode, ErrPasscodeAttempts), api.NoOrg())
	fails, once := append(readFails(), repository.ErrVersion, repository.ErrReserved), api.Repeatable(s.replays)
	return []api.Route{
		api.On("POST /repository/share/{datatype}/{id}", update, s.share, "Lets whoever has a token read a record", api.Fails(fails...), once),
		api.On("DELETE /repository/share/{datatype}/{id}", update, s.unshare, "Ends the sharing of a record", api.Fails(fails...), once),
		open,
		api.On("POST /repository/shared/{token}", auth.Public(), s.openSharePost, "A shared record, for whoever has the token and the passcode",
			api.Fails(open.Fails...), api.NoOrg()),
	}
}

type shareIn struct {
	recordIn
	Passcode  string   `json:"passcode" minLen:"4" maxLen:"200" doc:"asked of everybody who opens the record"`
	ExpiresAt string   `json:"expiresAt" doc:"ISO 8601; the record is shared for good without it"`
	Notify    []notice `json:"notify" doc:"who is told; channel email only"`
}

type notice struct {
	Channel string `json:"channel"`
	To      string `json:"to"`
}

func (s service) share(ctx context.Context, who auth.Principal, in shareIn) (repository.Share, error) {
	asked, err := s.shareOf(ctx, in)
	if err != nil {
		return repository.Share{}, err
	}
	share, err := s.as(who).Share(ctx, in.Datatype, in.ID, asked)
	if err != nil {
		return share, err
	}
	s.tell(ctx, who, share)
	return share, nil
}

// shareOf checks what is asked for.
func (s service) shareOf(ctx context.Context, in shareIn) (share repository.Share, err error) {
	if in.ExpiresAt != "" {
		expires, ok := record.ParseTime(in.ExpiresAt)
		if !ok || !expires.After(s.deps.Now()) {
			return share, ErrInput.WithMessage("The share must expire in the future.")
		}
		share.ExpiresAt = expires
	}
	if len(in.Notify) > noticesMax {
		return share, ErrInput.WithMessage("Tell 20 people at most.")
	}
	for _, n := range in.Notify {
		if n.Channel != "email" || n.To == "" {
			return share, ErrInput.WithMessage("People can be told by email only, and need an address.")
		}
		share.Notify = append(share.Notify, repository.Notice{Channel: n.Channel, To: n.To})
	}
	if in.Passcode != "" {
		if share.PasscodeHash, err = s.passwords.Hash(ctx, in.Passcode); err != nil {
			return share, fmt.Errorf("hash passcode: %w", err)
		}
	}
	return share, nil
}

// tell sends the link to those named. The share stands whether or not a mail
// leaves.
func (s service) tell(ctx context.Context, who auth.Principal, share repository.Share) {
	for _, n := range share.Notify {
		err := s.deps.Mail.Send(ctx, mail.Message{
			Org: who.Org, To: n.To, From: s.deps.Settings.MailFrom, Subject: "Something was shared with you",
			Text:  who.Name + " has shared a record with you:\n\n" + s.deps.Settings.PublicURL + "/repository/shared/" + share.Token + "\n",
			Token: auth.HashSecret(share.Token + n.To),
		})
		if err != nil {
			s.deps.Log.WarnContext(ctx, "share not announced", "org", who.Org, "error", err.Error())
		}
	}
}

func (s service) unshare(ctx context.Context, who auth.Principal, in recordIn) (repository.Share, error) {
	return s.as(who).Unshare(ctx, in.Datatype, in.ID)
}

type openIn struct {
	Token    string `path:"token"`
	Passcode string `query:"passcode" maxLen:"200"`
	Header   string `header:"passcode" maxLen:"200"`
}

func (s service) openShare(ctx context.Context, _ auth.Principal, in openIn) (table.Doc, error) {
	return s.open(ctx, in.Token, first(in.Header, in.Passcode))
}

type openPostIn struct {
	Token    string `path:"token"`
	Passcode string `json:"passcode" maxLen:"200"`
}

func (s service) openSharePost(ctx context.Context, _ auth.Principal, in openPostIn) (table.Doc, error) {
	return s.open(ctx, in.Token, in.Passcode)
}

func (s service) open(ctx context.Context, token, passcode string) (table.Doc, error) {
	shared, err := s.records.Shared(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := s.unlock(ctx, shared, passcode); err != nil {
		return nil, err
	}
	return shared.Open(ctx)
}

// unlock checks the passcode. A try is counted before it is checked, so that
// many at once are not more than the limit.
func (s service) unlock(ctx context.Context, shared repository.Shared, passcode string) error {
	if shared.Share.PasscodeHash == "" {
		return nil
	}
	if passcode == "" {
		return ErrPasscodeRequired
	}
	tenant := table.Of(s.deps.Table, shared.Org)
	tries := table.Key{Part: "$share-try", Sort: auth.HashSecret(shared.Share.Token)}
	_, err := tenant.Write(ctx, table.Modify{
		Key: tries, Upsert: true, Expires: s.deps.Now().Add(attemptsWait),
		Add: []table.Increment{{Path: table.Path{"n"}, By: 1}},
		If:  table.Or{table.ItemMissing{}, table.Compare{Path: table.Path{"n"}, Op: table.Less, Value: attemptsMax}},
	})
	var refused *table.Refused
	if errors.As(err, &refused) {
		return ErrPasscodeAttempts.WithRetryAfter(attemptsWait)
	}
	if err != nil {
		return fmt.Errorf("count tries: %w", err)
	}
	match, _, err := s.passwords.Verify(ctx, passcode, shared.Share.PasscodeHash)
	if err != nil {
		return fmt.Errorf("verify passcode: %w", err)
	}
	if !match {
		return ErrPasscode
	}
	_, err = tenant.Write(ctx, table.Delete{Key: tries})
	return err
}
