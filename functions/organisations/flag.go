package organisations

import (
	"context"
	"maps"
	"regexp"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
)

// ErrFlags refuses flags that have no name or are too many.
var ErrFlags = fault.New(fault.Invalid, "invalid_flags", "A flag's name has up to 60 letters, digits, dots, underscores and hyphens; there may be 200 of them.")

const flagsMax = 200

var flagName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,60}$`)

// flags are switched by the platform's administrators and read by everybody in
// the org. They are a member of the company record, so its history is theirs.
type flags struct {
	Flags map[string]bool `json:"flags"`
}

const flagsMember = "featureFlags"

func flagsOf(f account.Fields) map[string]bool {
	if set := into[map[string]bool](f, flagsMember); set != nil {
		return set
	}
	return map[string]bool{}
}

func (s *service) flags(ctx context.Context, who auth.Principal, _ nothing) (flags, error) {
	rec, err := s.company(ctx, who.Org)
	return flags{Flags: flagsOf(rec.Data)}, err
}

type flagsIn struct {
	OrgID string           `json:"orgId" maxLen:"100" doc:"the org of the call unless given"`
	Flags map[string]*bool `json:"flags" required:"true" doc:"null removes a flag; others stay as they are"`
}

func (s *service) putFlags(ctx context.Context, who auth.Principal, in flagsIn) (flags, error) {
	for name := range in.Flags {
		if !flagName.MatchString(name) {
			return flags{}, ErrFlags
		}
	}
	id, err := orgOf(who, in.OrgID)
	if err != nil {
		return flags{}, err
	}
	var set map[string]bool
	_, err = s.amend(ctx, who, id, amendment{kind: "flags", edit: func(f account.Fields) error {
		set = maps.Clone(flagsOf(f))
		for name, on := range in.Flags {
			if on == nil {
				delete(set, name)
			} else {
				set[name] = *on
			}
		}
		if len(set) > flagsMax {
			return ErrFlags
		}
		f.Set(flagsMember, set)
		return nil
	}})
	return flags{Flags: set}, err
}
