package users

import (
	"context"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// What opens accounts and sessions is shared with other modules; these are this
// module's words for it.
type (
	session    = account.Session
	credential = account.Credential
)

func (s *service) create(ctx context.Context, id org.ID, kind auth.Kind, fields account.Fields, password string, more func(*repository.Tx)) (session, error) {
	return s.accounts.Create(ctx, id, account.New{Kind: kind, Fields: fields, Password: password}, more)
}

func (s *service) open(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, tx *repository.Tx, more ...table.Op) (session, error) {
	return s.accounts.Open(ctx, id, kind, rec, tx, more...)
}

func (s *service) issue(ctx context.Context, id org.ID, kind auth.Kind, rec account.Record, sessionID string) (string, error) {
	return s.accounts.Issue(ctx, id, kind, rec, sessionID)
}

func (s *service) newCredential(ctx context.Context, id, password string) (table.Op, error) {
	return s.accounts.NewCredential(ctx, id, password)
}

func credentialKey(id string) table.Key { return account.CredentialKey(id) }

func (s *service) mayGrant(ctx context.Context, who auth.Principal, roles, groups []string) error {
	return s.accounts.MayGrant(ctx, who, roles, groups)
}

func (s *service) mayManage(ctx context.Context, who auth.Principal, target account.Record) error {
	return s.accounts.MayManage(ctx, who, target)
}

func (s *service) keepAnAdmin(ctx context.Context, id org.ID, tx *repository.Tx, sk string, before, after account.Person) error {
	return s.accounts.KeepAnAdmin(ctx, id, tx, sk, before, after)
}

func conflict(err error) error { return account.Lost(err) }

func actorOf(id org.ID, kind auth.Kind, rec account.Record) auth.Principal {
	return account.ActorOf(id, kind, rec)
}

func trace(tx *repository.Tx, actor auth.Principal, kind, event string) error {
	return account.Trace(tx, actor, kind, event)
}

func presented(rec account.Record) *account.Record { return account.Presented(rec) }

func taken(err error) error { return account.Taken(err) }
