package auth

import "strings"

// Verb is one thing a principal may do with content; a set of them is a Verbs.
type Verb uint8

// The content verbs.
const (
	Read Verb = 1 << iota
	Create
	Update
	Delete
	Review
	Approve
)

// Verbs is a set of content verbs.
type Verbs uint8

// AllVerbs is every content verb.
const AllVerbs = Verbs(Read | Create | Update | Delete | Review | Approve)

// Has says whether every verb is in the set.
func (s Verbs) Has(verbs ...Verb) bool {
	for _, v := range verbs {
		if s&Verbs(v) == 0 {
			return false
		}
	}
	return true
}

// With returns the set with more verbs.
func (s Verbs) With(verbs ...Verb) Verbs {
	for _, v := range verbs {
		s |= Verbs(v)
	}
	return s
}

// VerbNames lists the verbs of a set, in the order of their declaration.
func (s Verbs) VerbNames() []string {
	names := []string{}
	for _, v := range []Verb{Read, Create, Update, Delete, Review, Approve} {
		if s.Has(v) {
			names = append(names, v.String())
		}
	}
	return names
}

// String returns the verb as it is written in roles and collections.
func (v Verb) String() string {
	switch v {
	case Read:
		return "read"
	case Create:
		return "create"
	case Update:
		return "update"
	case Delete:
		return "delete"
	case Review:
		return "review"
	case Approve:
		return "approve"
	}
	return ""
}

// ParseVerbs reads verb names; unknown ones are ignored, so that a role written
// by a newer version never grants by accident.
func ParseVerbs(names []string) Verbs {
	var set Verbs
	for _, v := range []Verb{Read, Create, Update, Delete, Review, Approve} {
		for _, name := range names {
			if strings.EqualFold(name, v.String()) {
				set |= Verbs(v)
			}
		}
	}
	return set
}

// Role is the name of a system role or of a userrole record.
type Role string

// The system roles.
const (
	RoleGuest         Role = "Guest"
	RoleUser          Role = "User"
	RoleCustomer      Role = "Customer"
	RoleRootUser      Role = "RootUser"
	RoleOwner         Role = "Owner"
	RolePublisher     Role = "Publisher"
	RoleReviewer      Role = "Reviewer"
	RolePowerUser     Role = "PowerUser"
	RoleRootPowerUser Role = "RootPowerUser"
	RoleContentAdmin  Role = "ContentAdmin"
	RoleConfigAdmin   Role = "ConfigAdmin"
	RoleRootAdmin     Role = "RootAdmin"
	RoleRootSystem    Role = "RootSystem"
	RoleSystem        Role = "System"
)

// SystemVerbs returns the content verbs of a system role, the baseline User
// verbs included for every role but Guest; ok is false for custom roles.
func SystemVerbs(role Role) (verbs Verbs, ok bool) {
	base := Verbs(Read | Create)
	switch role {
	case RoleGuest:
		return Verbs(Read), true
	case RoleUser, RoleCustomer, RoleRootUser, RoleConfigAdmin:
		return base, true
	case RoleReviewer:
		return base.With(Review, Approve), true
	case RolePublisher, RolePowerUser, RoleRootPowerUser:
		return base.With(Update, Review, Delete), true
	case RoleOwner, RoleContentAdmin, RoleRootAdmin, RoleRootSystem, RoleSystem:
		return AllVerbs, true
	}
	return 0, false
}

// VerbsOf is the union over system roles; custom roles are resolved by whoever
// loads their records.
func VerbsOf(roles []Role) Verbs {
	var set Verbs
	for _, r := range roles {
		v, _ := SystemVerbs(r)
		set |= v
	}
	return set
}
