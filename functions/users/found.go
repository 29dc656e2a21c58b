package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

const (
	claimPart = "org"
	// claimFor is how long somebody may take to found what they have claimed;
	// a claim that is older and led to nothing can be taken over.
	claimFor   = 2 * time.Minute
	claimTries = 4
)

// claim is the item that makes an org's id unique across the platform: in the
// root org, partition "org", sort = the id.
type claim struct {
	At   int64 `json:"at"`   // epoch milliseconds
	Done bool  `json:"done"` // the org exists
}

// found creates an organisation: its company record, its defaults and its first
// user, an Owner and RootAdmin, in one transaction once the id is claimed.
func (s *service) found(ctx context.Context, in signupIn, email string) (session, error) {
	name := orgName(in, email)
	id, err := s.claimOne(ctx, in.OrgID, name)
	if err != nil {
		return session{}, err
	}
	fields := staffFields(&in, email)
	fields.Set("roles", []auth.Role{auth.RoleOwner, auth.RoleRootAdmin})
	out, err := s.create(ctx, id, auth.User, fields, in.Password, s.defaults(id, name, email))
	if err != nil {
		return session{}, errors.Join(err, s.release(ctx, id))
	}
	s.confirm(ctx, id)
	s.welcome(ctx, id, name, email)
	return out, nil
}

// Found creates an organisation with its first user, for whoever sets up a
// deployment: it is the only way to found the platform's own org. An org that
// exists already is ErrOrgTaken.
func Found(ctx context.Context, deps app.Deps, id org.ID, name, email, password string) error {
	s := newService(deps)
	if _, ok, err := s.directory.Company(ctx, id); err != nil || ok && id != org.Root {
		return errors.Join(err, ErrOrgTaken)
	}
	address, err := checkEmail(email)
	if err != nil {
		return err
	}
	in := signupIn{FirstName: name, LastName: "Admin"}
	fields := staffFields(&in, address)
	fields.Set("roles", []auth.Role{auth.RoleOwner, auth.RoleRootAdmin})
	if _, err = s.create(ctx, id, auth.User, fields, password, s.defaults(id, name, address)); errors.Is(err, ErrEmailTaken) {
		return ErrOrgTaken
	}
	return err
}

// orgName is the name given, or else one that people recognise as theirs.
func orgName(in signupIn, email string) string {
	for _, field := range []string{"orgName", "organizationName", "organisationName", "companyName", "company"} {
		if name := strings.TrimSpace(in.all.Text(field)); name != "" {
			return cut(name, 100)
		}
	}
	if in.OrgID != "" {
		return in.OrgID
	}
	local, _, _ := strings.Cut(email, "@")
	return local
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug turns a name into the beginning of an org id.
func slug(name string) string {
	text := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	text = strings.Trim(cut(text, 32), "-")
	for len(text) < 3 {
		text += "-org"
	}
	return strings.TrimPrefix(text, "-")
}

// claimOne claims the id asked for, or one derived from the name, with a random
// ending when others have it.
func (s *service) claimOne(ctx context.Context, wanted, name string) (org.ID, error) {
	if wanted != "" {
		id, err := org.Parse(wanted)
		if err != nil {
			return "", err
		}
		return id, s.claim(ctx, id)
	}
	text := slug(name)
	for range claimTries {
		id, err := org.Parse(text)
		if err == nil {
			err = s.claim(ctx, id)
		}
		if err == nil {
			return id, nil
		}
		if !errors.Is(err, ErrOrgTaken) && !errors.Is(err, org.ErrInvalid) {
			return "", err
		}
		text = slug(name) + "-" + s.suffix()
	}
	return "", ErrOrgTaken
}

func (s *service) suffix() string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	raw := make([]byte, 5)
	s.deps.Random(raw)
	for i, b := range raw {
		raw[i] = letters[int(b)%len(letters)]
	}
	return string(raw)
}

func claimKey(id org.ID) table.Key { return table.Key{Part: claimPart, Sort: string(id)} }

// claim takes an id, or answers ErrOrgTaken. The platform's own is never free.
func (s *service) claim(ctx context.Context, id org.ID) error {
	if id == org.Root {
		return ErrOrgTaken
	}
	if _, ok, err := s.directory.Company(ctx, id); err != nil || ok {
		return errors.Join(err, ErrOrgTaken)
	}
	now := s.deps.Now()
	doc, err := table.NewDoc(claim{At: now.UnixMilli()})
	if err != nil {
		return err
	}
	put := table.Put{Item: table.Item{Key: claimKey(id), Doc: doc}, If: table.Or{
		table.ItemMissing{},
		table.And{
			table.Compare{Path: table.At("done"), Op: table.Equal, Value: false},
			table.Compare{Path: table.At("at"), Op: table.Less, Value: now.Add(-claimFor).UnixMilli()},
		},
	}}
	_, err = table.Of(s.deps.Table, org.Root).Write(ctx, put)
	var refused *table.Refused
	if errors.As(err, &refused) {
		return ErrOrgTaken
	}
	if err != nil {
		return fmt.Errorf("claim org id: %w", err)
	}
	return nil
}

// release gives a claimed id back.
func (s *service) release(ctx context.Context, id org.ID) error {
	_, err := table.Of(s.deps.Table, org.Root).Write(ctx, table.Delete{
		Key: claimKey(id), If: table.Compare{Path: table.At("done"), Op: table.Equal, Value: false},
	})
	var refused *table.Refused
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("release org id: %w", err)
	}
	return nil
}

// confirm notes that the org exists. Failing to is no harm: the company record
// itself keeps the id from being claimed again.
func (s *service) confirm(ctx context.Context, id org.ID) {
	_, err := table.Of(s.deps.Table, org.Root).Write(ctx, table.Modify{
		Key: claimKey(id), Set: []table.Assign{{Path: table.At("done"), Value: true}},
	})
	if err != nil {
		s.deps.Log.WarnContext(ctx, "org id not confirmed", "org", id, "error", err.Error())
	}
}

// group is the payload of a usergroup record.
type group struct {
	Name  string      `json:"name"`
	Title string      `json:"title"`
	Roles []auth.Role `json:"roles"`
}

// defaults are what every organisation begins with.
func (s *service) defaults(id org.ID, name, email string) func(*repository.Tx) {
	return func(tx *repository.Tx) {
		add(tx, account.Companies, string(id), map[string]any{
			"name": id, "displayName": pad(name), "email": email, "plan": "free", "status": "active", "active": true,
		})
		for _, g := range []group{
			{"Guest", "Guests", []auth.Role{auth.RoleGuest}},
			{"Agent", "Agents", []auth.Role{auth.RoleReviewer, auth.RolePublisher}},
			{"Customer", "Customers", []auth.Role{auth.RoleUser}},
			{"Admin", "Administrators", []auth.Role{auth.RoleRootAdmin}},
		} {
			add(tx, account.Groups, g.Name, g)
		}
		add(tx, "setting", string(id), map[string]any{"name": id, "systemEmail": email})
	}
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
func (s *service) welcome(ctx context.Context, id org.ID, name, email string) {
	err := s.deps.Mail.Send(ctx, mail.Message{
		Org: id, To: email, From: s.deps.Settings.MailFrom, Token: "welcome-" + string(id),
		Subject: "Welcome, " + name,
		Text: "Your organisation " + name + " is ready.\n\n" +
			"Its id is " + string(id) + ". Applications send it with every call, in the orgid header.\n" +
			"You are its owner and can invite others.\n\n" + s.deps.Settings.PublicURL + "\n",
	})
	if err != nil {
		s.deps.Log.WarnContext(ctx, "welcome mail not sent", "org", id, "error", err.Error())
	}
}
