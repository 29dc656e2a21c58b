package organisations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrNoTransfer answers when there is no transfer that the caller can finish.
	ErrNoTransfer = fault.New(fault.NotFound, "no_transfer", "There is no such transfer of ownership.")
	// ErrTransferPending refuses a second transfer beside one that waits.
	ErrTransferPending = fault.New(fault.Conflict, "transfer_pending", "A transfer of ownership is waiting already. Cancel it first.")
	// ErrSelf refuses a transfer to an owner.
	ErrSelf = fault.New(fault.Invalid, "already_owner", "That member is an owner already.")
)

// transferFor is how long the new owner has to accept.
const transferFor = 7 * 24 * time.Hour

// transfer is the pending transfer of an org: partition "transfer".
type transfer struct {
	To      string      `json:"to"`
	By      string      `json:"by"`
	Hash    string      `json:"hash"`
	Expires record.Time `json:"expires"`
}

func transferKey() table.Key { return table.Key{Part: "transfer", Sort: "ownership"} }

type transferIn struct {
	ToEmail  string `json:"toEmail" required:"true" maxLen:"150" doc:"a member of the organisation"`
	Password string `json:"password" required:"true" maxLen:"1024" doc:"the caller's own"`
}

// transferOut is a pending transfer; its token is in the new owner's mail only.
type transferOut struct {
	Success   bool        `json:"success"`
	Status    string      `json:"status"`
	ToEmail   string      `json:"toEmail"`
	ExpiresAt record.Time `json:"expiresAt"`
}

// transferOwnership begins a transfer, which the new owner accepts with the
// token of the mail. The caller proves who they are once more.
func (s *service) transferOwnership(ctx context.Context, who auth.Principal, in transferIn) (transferOut, error) {
	if who.Kind != auth.User {
		return transferOut{}, auth.ErrForbidden
	}
	target, err := s.memberByEmail(ctx, who, account.Email(in.ToEmail))
	if err != nil {
		return transferOut{}, err
	}
	p := target.Data.Person()
	switch {
	case !p.Usable():
		return transferOut{}, ErrUnknownMember
	case slices.Contains(p.Roles, string(auth.RoleOwner)):
		return transferOut{}, ErrSelf
	}
	if _, err := s.accounts.Prove(ctx, table.Of(s.deps.Table, who.Home), who.ID, in.Password); err != nil {
		return transferOut{}, err
	}
	now := s.deps.Now()
	secret := s.secret()
	t := transfer{To: account.Email(p.Email), By: who.Label(), Hash: auth.HashSecret(secret), Expires: record.At(now.Add(transferFor))}
	doc, err := table.NewDoc(t)
	if err != nil {
		return transferOut{}, err
	}
	put := table.Put{Item: table.Item{Key: transferKey(), Doc: doc, Expires: t.Expires.Time}, If: table.ItemMissing{}}
	err = s.traced(ctx, who, "transfer", nil, map[string]string{"to": t.To}, put)
	var refused *table.Refused
	if errors.As(err, &refused) {
		return transferOut{}, ErrTransferPending
	}
	if err != nil {
		return transferOut{}, err
	}
	s.mailTransfer(ctx, who, t, secret)
	return transferOut{Success: true, Status: account.Pending, ToEmail: t.To, ExpiresAt: t.Expires}, nil
}

// mailTransfer tells both sides; only the new owner gets the token.
func (s *service) mailTransfer(ctx context.Context, who auth.Principal, t transfer, secret string) {
	name := string(who.Org)
	until := "until " + t.Expires.Format("2 January 2006, 15:04 MST") + ".\n"
	s.mail(ctx, mail.Message{
		Org: who.Org, To: t.To, Subject: "You are to become the owner of " + name, Token: "transfer-to-" + t.Hash,
		Text: who.Label() + " wants to make you the owner of " + name + ".\n\nSign in and accept here, " + until + "\n" +
			s.site(ctx) + "/transfer?orgid=" + name + "&token=" + secret + "\n",
	})
	s.mail(ctx, mail.Message{
		Org: who.Org, To: who.Email, Subject: "The ownership of " + name + " is being transferred", Token: "transfer-by-" + t.Hash,
		Text: "You have asked to make " + t.To + " the owner of " + name + ". They can accept " + until +
			"If that was not you, cancel the transfer and change your password.\n",
	})
}

func (s *service) pendingTransfer(ctx context.Context, who auth.Principal) (t transfer, err error) {
	item, err := table.Of(s.deps.Table, who.Org).Get(ctx, transferKey())
	if errors.Is(err, table.ErrNotFound) {
		return t, ErrNoTransfer
	}
	if err != nil {
		return t, fmt.Errorf("read transfer: %w", err)
	}
	return t, item.Doc.Decode(&t)
}

func (s *service) cancelTransfer(ctx context.Context, who auth.Principal, _ nothing) (done, error) {
	t, err := s.pendingTransfer(ctx, who)
	if err != nil {
		return done{}, err
	}
	err = s.traced(ctx, who, "transfer-cancel", map[string]string{"to": t.To}, nil, ends(t))
	return done{Success: err == nil}, gone(err)
}

// ends is the write that ends a transfer, if it is still that one.
func ends(t transfer) table.Op {
	return table.Delete{Key: transferKey(), If: table.Compare{Path: table.At("hash"), Op: table.Equal, Value: t.Hash}}
}

func gone(err error) error {
	var refused *table.Refused
	if errors.As(err, &refused) {
		return ErrNoTransfer
	}
	return err
}

type acceptTransferIn struct {
	Token string `json:"token" required:"true" maxLen:"200"`
}

// acceptTransfer makes the caller the owner: owners until now become
// ConfigAdmins, the company's address is the caller's, all in one transaction.
func (s *service) acceptTransfer(ctx context.Context, who auth.Principal, in acceptTransferIn) (*account.Record, error) {
	t, err := s.pendingTransfer(ctx, who)
	if err != nil {
		return nil, err
	}
	if who.Home != who.Org || who.Email != t.To || !auth.SecretMatches(in.Token, t.Hash) {
		return nil, ErrNoTransfer
	}
	rec, err := s.amend(ctx, who, who.Org, amendment{
		kind: "transfer-accept", emits: []string{eventTransferred},
		edit: func(f account.Fields) error {
			s.changeEmail(f, t.To, who.Label(), "transfer of ownership")
			return nil
		},
		beside: func(tx *repository.Tx) error {
			tx.Also(ends(t))
			return s.swapOwners(ctx, who, tx)
		},
	})
	if err != nil {
		return nil, gone(err)
	}
	return s.shown(ctx, who.Org, rec)
}

// swapOwners adds the writes that change who is the owner.
func (s *service) swapOwners(ctx context.Context, who auth.Principal, tx *repository.Tx) error {
	found, err := s.deps.Records.Tenant(who.Org).Find(ctx, account.Users, repository.Find{
		Options: repository.ListOptions{PageSize: repository.PageSizeMax, NoCount: true},
	})
	if err != nil {
		return err
	}
	for _, raw := range found.Data {
		rec, err := record.Typed[account.Fields](raw)
		if err != nil {
			return err
		}
		roles := []string(rec.Data.Person().Roles)
		switch {
		case rec.SK == who.ID:
			roles = with(roles, auth.RoleOwner, auth.RoleRootAdmin)
		case slices.Contains(roles, string(auth.RoleOwner)):
			roles = with(without(roles, auth.RoleOwner, auth.RoleRootAdmin), auth.RoleConfigAdmin)
		default:
			continue
		}
		rec.Data.Set("roles", roles)
		if raw, err = record.Untyped(rec); err != nil {
			return err
		}
		tx.Update(raw)
	}
	return nil
}

func with(roles []string, more ...auth.Role) []string {
	roles = without(roles, more...)
	for _, r := range more {
		roles = append(roles, string(r))
	}
	return roles
}

func without(roles []string, less ...auth.Role) []string {
	return slices.DeleteFunc(slices.Clone(roles), func(name string) bool { return slices.Contains(less, auth.Role(name)) })
}
