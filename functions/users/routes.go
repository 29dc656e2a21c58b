package users

import (
	"context"
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
)

func (s *service) routes() []api.Route {
	return slices.Concat(s.staffRoutes(), s.forgottenRoutes(), s.passwordlessRoutes(), s.securityRoutes(), s.blacklistRoutes(), s.passcodeRoutes(), s.adminRoutes(), s.customerRoutes(), s.appRoutes(), s.keyRoutes())
}

// aliased is a row with the other patterns under which clients know it.
func aliased(r api.Route, patterns ...string) []api.Route {
	rows := append(make([]api.Route, 0, 1+len(patterns)), r)
	for _, p := range patterns {
		rows = append(rows, r.As(p))
	}
	return rows
}

func (s *service) staffRoutes() []api.Route {
	signup := api.Fails(ErrDomain, ErrEmail, ErrWeakPassword, ErrEmailTaken, ErrOrgTaken, ErrNotInvited, account.ErrUserLimit, org.ErrInvalid)
	return slices.Concat(
		aliased(api.On("POST /profile/user/signin", auth.Public(), s.userSignin, "Sign in as staff.", api.Fails(ErrCredentials, ErrLocked, ErrInactive)),
			"POST /profile/signin", "POST /user/signin"),
		aliased(api.On("POST /profile/user/signup", auth.Public(), s.userSignup, "Found an organisation, or join one by invitation.", signup, api.NoOrg()),
			"POST /profile/signup", "POST /user/signup"),
		aliased(api.On("POST /profile/user/refresh", auth.Public(), s.userRefresh, "Exchange a refresh token.", api.Fails(ErrMissingRefresh, auth.ErrInvalidToken, auth.ErrTokenRevoked)),
			"POST /user/refresh"),
		aliased(api.On("GET /profile/whoami", auth.Public(), s.whoami, "Say who is acting."), "GET /whoami"),
		[]api.Route{
			api.On("GET /profile", auth.Persons(), s.profile, "Read the own record."),
			api.On("POST /profile", auth.Persons(), s.postProfile, "Read the own record, or change it.", api.Fails(repository.ErrVersion)),
			api.On("GET /profile/logout", auth.Persons(), s.logout, "End the session."),
			api.On("POST /profile/signout", auth.Persons(), s.signout, "End the session and that of a refresh token."),
			api.On("POST /user/change-password", auth.Persons(), s.changePassword, "Change the own password.", passwordFaults()),
			api.On("GET /.well-known/jwks.json", auth.Public(), s.jwks, "Public keys of access tokens.", api.NoOrg(), api.Uncounted()),
		},
		aliased(api.On("POST /profile/user/password/change", auth.Staff(0), s.changePassword, "Change the own password, or as an administrator anybody's.", passwordFaults()),
			"POST /profile/password/change", "POST /user/password/change"),
		aliased(api.On("POST /profile/user/update", auth.Staff(0), s.updateUser, "Change the own record, or as an administrator anybody's.",
			api.Fails(ErrUnknownUser, ErrRank, ErrEmail, ErrEmailTaken, repository.ErrVersion)),
			"POST /profile/update", "POST /user/update"),
	)
}

func passwordFaults() api.Option {
	return api.Fails(ErrCredentials, ErrLocked, ErrWeakPassword, ErrUnknownUser, ErrRank)
}

func (s *service) adminRoutes() []api.Route {
	config := auth.Roles(auth.RoleConfigAdmin, auth.RoleRootAdmin, auth.RoleOwner)
	ranks := api.Fails(ErrUnknownUser, ErrUnknownRole, ErrRank, ErrLastAdmin, account.ErrLastOwner, ErrBusy)
	return slices.Concat(
		aliased(api.On("GET /profile/user/profile/{emailOrUsername}", config, s.userProfile, "Read a user.", api.Fails(ErrUnknownUser)),
			"GET /user/profile/{emailOrUsername}"),
		aliased(api.On("DELETE /profile/user/profile/{emailOrUsername}", config, s.deleteUser, "Delete a user.", api.Fails(ErrUnknownUser, ErrRank, ErrLastAdmin, account.ErrLastOwner, ErrBusy)),
			"DELETE /user/profile/{emailOrUsername}"),
		aliased(api.On("POST /profile/user/group/add", auth.Admins(), s.addGroups, "Put a user into groups.", ranks),
			"POST /profile/group/add", "POST /user/group/add"),
		aliased(api.On("POST /profile/user/group/remove", auth.Admins(), s.removeGroups, "Take a user out of groups.", ranks),
			"POST /profile/group/remove", "POST /user/group/remove"),
		aliased(api.On("POST /profile/user/role/add", auth.Admins(), s.addRoles, "Give a user roles.", ranks),
			"POST /profile/role/add", "POST /user/role/add"),
		aliased(api.On("POST /profile/user/role/remove", auth.Admins(), s.removeRoles, "Take roles from a user.", ranks),
			"POST /profile/role/remove", "POST /user/role/remove"),
	)
}

func (s *service) customerRoutes() []api.Route {
	return slices.Concat(
		aliased(api.On("POST /profile/customer/signin", auth.Public(), s.customerSignin, "Sign in as a customer.", api.Fails(ErrCredentials, ErrLocked, ErrInactive)),
			"POST /customer/signin"),
		aliased(api.On("POST /profile/customer/signup", auth.Public(), s.customerSignup, "Sign up as a customer.", api.Fails(ErrDomain, ErrEmail, ErrWeakPassword, ErrEmailTaken)),
			"POST /customer/signup"),
		aliased(api.On("POST /profile/customer/refresh", auth.Public(), s.customerRefresh, "Exchange a customer's refresh token.", api.Fails(ErrMissingRefresh, auth.ErrInvalidToken, auth.ErrTokenRevoked)),
			"POST /customer/refresh"),
		[]api.Route{
			api.On("POST /profile/customer/register-guest", auth.Public(), s.registerGuest, "Become a chat guest.", api.Fails(ErrDomain, ErrEmail, ErrEmailTaken)),
			api.On("GET /profile/customer/profile", auth.Customers(), s.customerProfile, "Read the own customer record."),
			api.On("POST /profile/customer/password/change", auth.Customers(), s.changePassword, "Change the own password.", passwordFaults()),
			api.On("POST /profile/customer/update", auth.Customers().Or(auth.Staff(auth.Update)), s.updateCustomer, "Change the own customer record, or as staff anybody's.",
				api.Fails(ErrUnknownUser, ErrEmail, ErrEmailTaken, repository.ErrVersion)),
		},
	)
}

func (s *service) appRoutes() []api.Route {
	unknown := api.Fails(ErrUnknownApp)
	return slices.Concat(
		aliased(api.On("POST /profile/validate-app-key", auth.Public(), s.validateApp, "Sign an application in (older form).", api.Fails(ErrApp)),
			"POST /validate-app-key"),
		aliased(api.On("POST /profile/app/register", auth.Admins(), s.registerApp, "Register an application; its secret is shown once."),
			"POST /app/register"),
		[]api.Route{
			api.On("POST /profile/app/key", auth.Public(), s.appKey, "Sign an application in.", api.Fails(ErrApp)),
			api.On("GET /profile/app/list", auth.Admins(), s.listApps, "List applications."),
			api.On("PUT /profile/app/update/{appId}", auth.Admins(), s.updateApp, "Change an application.", unknown),
			api.On("POST /profile/app/regenerate-secret/{appId}", auth.Admins(), s.regenerateSecret, "Replace an application's secret.", unknown),
			api.On("DELETE /profile/app/delete/{appId}", auth.Admins(), s.deleteApp, "Delete an application and end its tokens.", unknown, api.Fails(ErrBusy)),
		},
	)
}

func (s *service) keyRoutes() []api.Route {
	fails := api.Fails(ErrUnknownKey, ErrKeyRevoked, ErrRateLimit, errExpiry, repository.ErrVersion)
	return []api.Route{
		api.On("POST /api-key/create", auth.Users(), s.createKey, "Make an API key; it is shown once.", fails),
		api.On("GET /api-key/list", auth.Users(), s.listKeys, "List API keys."),
		api.On("GET /api-key/{id}", auth.Users(), s.getKey, "Read an API key's metadata.", fails),
		api.On("PUT /api-key/update/{id}", auth.Users(), s.updateKey, "Change an API key.", fails),
		api.On("POST /api-key/rotate/{id}", auth.Users(), s.rotateKey, "Replace an API key; the new one is shown once.", fails),
		api.On("POST /api-key/revoke/{id}", auth.Users(), s.revokeKey, "End an API key for good.", fails),
		api.On("DELETE /api-key/delete/{id}", auth.Users(), s.deleteKey, "Delete an API key.", fails, api.Fails(ErrBusy)),
	}
}

// jwks publishes the keys by which others can check access tokens. Caches keep
// it for as long as it takes until every function knows a fresh key.
func (s *service) jwks(ctx context.Context, _ auth.Principal, _ struct{}) (*api.Answer, error) {
	text, err := s.deps.Tokens.JWKS(ctx)
	return &api.Answer{
		ContentType: "application/json; charset=utf-8", Body: text,
		Header: map[string]string{"Cache-Control": "public, max-age=300"},
	}, err
}
