package account

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/usage"
)

// NewOrg is an organisation to be founded.
type NewOrg struct {
	ID       string // "" derives one from the name
	Name     string // for people
	Email    string // the owner's, as CheckEmail returns it
	Plan     string // asked for; "" is the free plan
	Interest string
}

// Found creates an organisation: its company record, its defaults and its first
// user, an Owner and RootAdmin, in one transaction once the id is claimed. A
// pre-approval of the owner's address is used up, and gives its plan and
// credits. An id that somebody has is ErrOrgTaken.
func (a *Accounts) Found(ctx context.Context, o NewOrg, founder New) (Session, error) {
	id, err := a.claimOne(ctx, o.ID, o.Name)
	if err != nil {
		return Session{}, err
	}
	approved, ok, err := a.takeApproval(ctx, o.Email, id)
	if err != nil {
		return Session{}, errors.Join(err, a.release(ctx, id))
	}
	var credit []table.Op
	if ok {
		credit, err = a.openingCredit(ctx, id, approved)
	}
	founder.Fields.Set("roles", []auth.Role{auth.RoleOwner, auth.RoleRootAdmin})
	var out Session
	if err == nil {
		out, err = a.Create(ctx, id, founder, func(tx *repository.Tx) {
			a.Defaults(tx, id, o, approved)
			tx.Also(credit...)
		})
	}
	if err != nil {
		return Session{}, errors.Join(err, a.returnApproval(ctx, o.Email, id), a.release(ctx, id))
	}
	a.confirm(ctx, id)
	a.welcome(ctx, id, o)
	return out, nil
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// Slug turns a name into what an org id can begin with.
func Slug(name string) string {
	text := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	text = strings.Trim(cut(text, 32), "-")
	for len(text) < 3 {
		text += "-org"
	}
	return strings.TrimPrefix(text, "-")
}

// group is the payload of a usergroup record.
type group struct {
	Name  string      `json:"name"`
	Title string      `json:"title"`
	Roles []auth.Role `json:"roles"`
}

// planned is an entry of a company's planHistory.
type planned struct {
	Plan   string      `json:"plan"`
	Start  record.Time `json:"startDate,omitzero"`
	Status string      `json:"status"`
}

// Defaults adds what every organisation begins with. A plan that was asked for
// and not approved is noted as pending: it takes a subscription.
func (a *Accounts) Defaults(tx *repository.Tx, id org.ID, o NewOrg, approved Approval) {
	plan := usage.Free
	if approved.Plan != "" {
		plan = approved.Plan
	}
	history := []planned{{Plan: plan, Start: record.At(a.deps.Now()), Status: "active"}}
	if o.Plan != "" && o.Plan != plan {
		history = append(history, planned{Plan: o.Plan, Status: "pending"})
	}
	company := map[string]any{
		"name": id, "displayName": pad(o.Name), "email": o.Email, "plan": plan, "status": "active", "active": true,
		"planHistory": history,
	}
	if o.Interest != "" {
		company["interest"] = o.Interest
	}
	add(tx, Companies, string(id), company)
	for _, g := range []group{
		{"Guest", "Guests", []auth.Role{auth.RoleGuest}},
		{"Agent", "Agents", []auth.Role{auth.RoleReviewer, auth.RolePublisher}},
		{"Customer", "Customers", []auth.Role{auth.RoleUser}},
		{"Admin", "Administrators", []auth.Role{auth.RoleRootAdmin}},
	} {
		add(tx, Groups, g.Name, g)
	}
	add(tx, "setting", string(id), map[string]any{"name": id, "systemEmail": o.Email})
}

// pad makes a display name as long as its collection asks for.
func pad(name string) string {
	if len([]rune(name)) < 3 {
		return name + " org"
	}
	return name
}

func add(tx *repository.Tx, datatype, name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		return // literals above can be encoded
	}
	tx.Create(record.Raw{Datatype: datatype, Name: name, Data: text})
}

// welcome greets the founder. The org exists whether or not the mail leaves.
func (a *Accounts) welcome(ctx context.Context, id org.ID, o NewOrg) {
	err := a.deps.Mail.Send(ctx, mail.Message{
		Org: id, To: o.Email, From: a.deps.Settings.MailFrom, Token: "welcome-" + string(id),
		Subject: "Welcome, " + o.Name,
		Text: "Your organisation " + o.Name + " is ready.\n\n" +
			"Its id is " + string(id) + ". Applications send it with every call, in the orgid header.\n" +
			"You are its owner and can invite others.\n\n" + a.deps.Settings.PublicURL + "\n",
	})
	if err != nil {
		a.deps.Log.WarnContext(ctx, "welcome mail not sent", "org", id, "error", err.Error())
	}
}
