package users

import (
	"context"
	"errors"
	"strings"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
)

// found creates an organisation with the one who signs up as its owner.
func (s *service) found(ctx context.Context, in signupIn, email string) (session, error) {
	o := account.NewOrg{ID: in.OrgID, Name: orgName(in, email), Email: email}
	return s.accounts.Found(ctx, o, account.New{Kind: auth.User, Fields: staffFields(&in, email), Password: in.Password})
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
	_, err = s.create(ctx, id, auth.User, fields, password, func(tx *repository.Tx) {
		s.accounts.Defaults(tx, id, account.NewOrg{Name: name, Email: address}, account.Approval{})
	})
	if errors.Is(err, ErrEmailTaken) {
		return ErrOrgTaken
	}
	return err
}

// orgName is the name given, or else one that people recognise as theirs.
func orgName(in signupIn, email string) string {
	for _, field := range []string{"orgName", "organizationName", "organisationName", "companyName", "company"} {
		if name := []rune(strings.TrimSpace(in.all.Text(field))); len(name) > 0 {
			return string(name[:min(len(name), 100)])
		}
	}
	if in.OrgID != "" {
		return in.OrgID
	}
	local, _, _ := strings.Cut(email, "@")
	return local
}
