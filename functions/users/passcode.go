package users

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

var (
	// ErrPasscode refuses a sign-in at a till; the same for everything unknown.
	ErrPasscode = fault.New(fault.Invalid, "invalid_passcode", "The employee number, the card or the passcode is not right.")
	// ErrPasscodeOff says that the org has no such sign-in.
	ErrPasscodeOff = fault.New(fault.Forbidden, "passcode_disabled", "Sign-in by passcode is switched off.")
	// ErrPasscodeForm refuses a passcode of another form.
	ErrPasscodeForm = fault.New(fault.Invalid, "invalid_passcode_form", "A passcode has six digits.")
)

var sixDigits = regexp.MustCompile(`^[0-9]{6}$`)

const (
	// passcodeSubject ends the key of a passcode's credential, which is counted
	// and locked apart from the password's: till and office do not lock each
	// other out.
	passcodeSubject = "/passcode"
	accessCards     = "access_card"
	instant         = "instant" // mode in which a number or card suffices
)

// tillRules is setting.passcodeLoginSettings.
type tillRules struct {
	Enable *bool  `json:"enable"`
	Mode   string `json:"mode"`
}

func (s *service) tillRulesOf(ctx context.Context, id org.ID) (tillRules, error) {
	type settings struct {
		Till tillRules `json:"passcodeLoginSettings"`
	}
	rec, err := repository.Lookup[settings](ctx, s.deps.Records.Tenant(id), "setting", "name", string(id))
	if err != nil && !errors.Is(err, table.ErrNotFound) {
		return tillRules{}, fmt.Errorf("read passcode settings: %w", err)
	}
	return rec.Data.Till, nil
}

type passcodeIn struct {
	Employee string `json:"employeeId" maxLen:"100" doc:"unless the card says it"`
	PIN      string `json:"pin" maxLen:"20" doc:"six digits; not needed in the mode instant"`
	Card     string `json:"cardUid" maxLen:"200" doc:"serial number of an access card"`
}

// passcodeSignin lets staff in at a till. Cards must be known and active; the
// org's mode decides whether a passcode is needed. There is no second factor.
func (s *service) passcodeSignin(ctx context.Context, who auth.Principal, in passcodeIn) (session, error) {
	rules, err := s.tillRulesOf(ctx, who.Org)
	if err != nil {
		return session{}, err
	}
	if rules.Enable != nil && !*rules.Enable {
		return session{}, ErrPasscodeOff
	}
	t := table.Of(s.deps.Table, who.Org)
	rec, card, err := s.employee(ctx, who.Org, in)
	if errors.Is(err, table.ErrNotFound) {
		return session{}, s.noPasscode(ctx, t, rules, in.PIN)
	}
	if err != nil {
		return session{}, err
	}
	p := proof{method: byPasscode}
	if rules.Mode != instant {
		if p.forget, err = s.verify(ctx, t, rec.SK+passcodeSubject, in.PIN); err != nil {
			return session{}, s.failed(ctx, t, rec.SK, byPasscode, passcodeFault(err))
		}
	}
	out, err := s.enter(ctx, who.Org, auth.User, rec, p)
	if err != nil || card == "" {
		return out, err
	}
	s.cardUsed(ctx, who.Org, card)
	return out, nil
}

// noPasscode does for an unknown employee what is done for a known one.
func (s *service) noPasscode(ctx context.Context, t table.Tenant, rules tillRules, pin string) error {
	if rules.Mode == instant {
		return s.failed(ctx, t, decoy, byPasscode, ErrPasscode)
	}
	return s.failed(ctx, t, decoy, byPasscode, passcodeFault(s.pretend(ctx, t, pin)))
}

func passcodeFault(err error) error {
	if errors.Is(err, ErrCredentials) {
		return ErrPasscode
	}
	return err
}

// employee is the user behind a card or number; both together must agree.
// Anything unknown, a card that is lost or revoked included, is not found.
func (s *service) employee(ctx context.Context, id org.ID, in passcodeIn) (rec account.Record, card string, err error) {
	number, tenant := strings.TrimSpace(in.Employee), s.deps.Records.Tenant(id)
	if in.Card != "" {
		type access struct {
			Employee string `json:"employeeId"`
			Status   string `json:"status"`
		}
		found, err := repository.Lookup[access](ctx, tenant, accessCards, "cardUid", strings.TrimSpace(in.Card))
		if err != nil {
			return rec, "", err
		}
		a := found.Data
		if a.Status != "active" && a.Status != "" || a.Employee == "" || number != "" && !strings.EqualFold(number, a.Employee) {
			return rec, "", table.ErrNotFound
		}
		number, card = a.Employee, found.SK
	}
	if number == "" {
		return rec, "", table.ErrNotFound
	}
	rec, err = repository.Lookup[account.Fields](ctx, tenant, account.Users, "employeeId", number)
	return rec, card, err
}

// cardUsed notes when a card was used last. The sign-in does not depend on it.
func (s *service) cardUsed(ctx context.Context, id org.ID, card string) {
	_, err := repository.Change(ctx, s.deps.Records.Tenant(id), auth.Platform(id), accessCards, card, func(rec *account.Record, _ *repository.Tx) error {
		rec.Data.Set("lastUsedAt", record.At(s.deps.Now()))
		return nil
	})
	if err != nil {
		s.deps.Log.WarnContext(ctx, "use of card not noted", "org", id, "card", card, "error", err.Error())
	}
}

type setPasscodeIn struct {
	Employee string `json:"employeeId" maxLen:"100" doc:"whose, for administrators; the caller's own unless given"`
	UserID   string `json:"userId" maxLen:"200"`
	Passcode string `json:"passcode" required:"true" maxLen:"20" doc:"six digits"`
}

// setPasscode stores the own passcode, or as an administrator somebody's of no
// higher rank.
func (s *service) setPasscode(ctx context.Context, who auth.Principal, in setPasscodeIn) (done, error) {
	if !sixDigits.MatchString(in.Passcode) {
		return done{}, ErrPasscodeForm
	}
	target, err := s.passcodeOf(ctx, who, in)
	if err != nil {
		return done{}, err
	}
	op, err := s.newCredential(ctx, target+passcodeSubject, in.Passcode)
	if err != nil {
		return done{}, err
	}
	if _, err := table.Of(s.deps.Table, who.Org).Write(ctx, op); err != nil {
		return done{}, fmt.Errorf("store passcode: %w", err)
	}
	return done{Success: true, Message: "The passcode has been set."}, nil
}

// passcodeOf says whose passcode is to be set.
func (s *service) passcodeOf(ctx context.Context, who auth.Principal, in setPasscodeIn) (string, error) {
	var rec account.Record
	var err error
	tenant := s.deps.Records.Tenant(who.Org)
	switch {
	case in.UserID != "":
		rec, err = repository.Get[account.Fields](ctx, tenant, account.Users, in.UserID)
	case in.Employee != "":
		rec, err = repository.Lookup[account.Fields](ctx, tenant, account.Users, "employeeId", in.Employee)
	case who.Kind == auth.User && who.Home == who.Org:
		return who.ID, nil
	default:
		return "", ErrUnknownUser
	}
	own := err == nil && rec.SK == who.ID
	if !own && !who.Has(auth.RoleConfigAdmin, auth.RoleRootAdmin, auth.RoleOwner) {
		return "", auth.ErrForbidden
	}
	if err != nil || own {
		return rec.SK, unknown(err)
	}
	return rec.SK, s.mayManage(ctx, who, rec)
}

func (s *service) passcodeRoutes() []api.Route {
	return []api.Route{
		api.On("POST /profile/user/signin/passcode", auth.Public(), s.passcodeSignin, "Sign in at a till by employee number and passcode, or by card.",
			api.Fails(ErrPasscode, ErrPasscodeOff, ErrLocked, ErrInactive, repository.ErrVersion)),
		api.On("POST /profile/user/passcode", auth.Users(), s.setPasscode, "Set the own passcode, or as an administrator somebody's.",
			api.Fails(ErrPasscodeForm, ErrUnknownUser, ErrRank)),
	}
}
