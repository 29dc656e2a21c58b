package users

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/table"
)

// ErrUnknownSession answers for a session that is not there, or not the caller's.
var ErrUnknownSession = fault.New(fault.NotFound, "session_not_found", "There is no such session.")

// sessionOut is a session as its owner sees it.
type sessionOut struct {
	ID        string      `json:"id"`
	IP        string      `json:"ipAddress"`
	Agent     string      `json:"userAgent"`
	CreatedAt record.Time `json:"createdAt"`
	SeenAt    record.Time `json:"lastSeenAt"` // of the last refresh
	Current   bool        `json:"current"`
}

type sessionsOut struct {
	Data []sessionOut `json:"data"`
}

// listSessions answers the own sessions, the newest first.
func (s *service) listSessions(ctx context.Context, who auth.Principal, _ struct{}) (sessionsOut, error) {
	list, err := s.sessions.List(ctx, table.Of(s.deps.Table, who.Home), who.ID)
	if err != nil {
		return sessionsOut{}, err
	}
	slices.SortFunc(list, func(a, b auth.Session) int { return b.Created.Compare(a.Created) })
	out := sessionsOut{Data: make([]sessionOut, 0, len(list))}
	for _, one := range list {
		out.Data = append(out.Data, sessionOut{
			ID: one.ID, IP: one.IP, Agent: one.Agent, CreatedAt: record.At(one.Created), SeenAt: record.At(one.Seen), Current: one.ID == who.Session,
		})
	}
	return out, nil
}

type sessionIn struct {
	ID string `path:"sessionId" maxLen:"200"`
}

// endSession ends one of the own sessions; its tokens are refused at once.
func (s *service) endSession(ctx context.Context, who auth.Principal, in sessionIn) (done, error) {
	t := table.Of(s.deps.Table, who.Home)
	one, err := s.sessions.Get(ctx, t, in.ID)
	if errors.Is(err, auth.ErrTokenRevoked) || err == nil && one.Subject != who.ID {
		return done{}, ErrUnknownSession
	}
	if err != nil {
		return done{}, err
	}
	if err := s.sessions.End(ctx, t, one.ID); err != nil {
		return done{}, err
	}
	return s.signedOut(ctx, who, "The session has ended.")
}

// endOthers ends all of the own sessions but the one of this call.
func (s *service) endOthers(ctx context.Context, who auth.Principal, _ struct{}) (done, error) {
	if err := s.sessions.EndAll(ctx, table.Of(s.deps.Table, who.Home), who.ID, who.Session); err != nil {
		return done{}, err
	}
	return s.signedOut(ctx, who, "All other sessions have ended.")
}

// How people sign in, as the login history names it.
const (
	byPassword = "password"
	byLink     = "magic_link"
	byCode     = "code"
	byFactor   = "2fa"
	byPasscode = "passcode"
)

const (
	loginPart = "login"
	// loginsFor is how long an entry of the login history is kept.
	loginsFor  = 90 * 24 * time.Hour
	loginsMost = 50 // entries shown
)

// login is an entry of the login history: partition "login", sort
// "<person's id>/<ULID>". Entries are items of their own, so that simultaneous
// sign-ins do not stand in each other's way.
type login struct {
	At      record.Time `json:"timestamp"`
	IP      string      `json:"ipAddress"`
	Agent   string      `json:"userAgent"`
	Success bool        `json:"success"`
	Method  string      `json:"method"`
}

// logged is the write of an entry.
func (s *service) logged(ctx context.Context, sk, method string, success bool) (table.Op, error) {
	meta, now := api.MetaFrom(ctx), s.deps.Now()
	agent := meta.UserAgent
	doc, err := table.NewDoc(login{At: record.At(now), IP: meta.IP, Agent: agent[:min(len(agent), 300)], Success: success, Method: method})
	return table.Put{Item: table.Item{
		Key: table.Key{Part: loginPart, Sort: sk + "/" + s.deps.NewID(loginPart)}, Doc: doc, Expires: now.Add(loginsFor),
	}}, err
}

// failed notes an attempt that did not succeed and returns why it did not. For
// the decoy it does the same work.
func (s *service) failed(ctx context.Context, t table.Tenant, sk, method string, why error) error {
	if f, ok := fault.From(why); !ok || f.Kind == fault.Internal {
		return why
	}
	entry, err := s.logged(ctx, sk, method, false)
	if err == nil {
		_, err = t.Write(ctx, entry)
	}
	if err != nil {
		return fmt.Errorf("note failed sign-in: %w", err)
	}
	return why
}

type loginsOut struct {
	Data []login `json:"data"`
}

// loginHistory answers the latest sign-ins and attempts to sign in, newest first.
func (s *service) loginHistory(ctx context.Context, who auth.Principal, _ struct{}) (loginsOut, error) {
	out := loginsOut{Data: []login{}}
	page, err := table.Of(s.deps.Table, who.Home).Query(ctx, table.Query{
		Part: loginPart, Prefix: who.ID + "/", Desc: true, Limit: loginsMost, Consistent: true,
	})
	if err != nil {
		return out, fmt.Errorf("read login history: %w", err)
	}
	for _, item := range page.Items {
		var one login
		if err := item.Doc.Decode(&one); err != nil {
			return out, fmt.Errorf("read login history: %w", err)
		}
		out.Data = append(out.Data, one)
	}
	return out, nil
}
