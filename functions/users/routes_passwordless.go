package users

import (
	"slices"

	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/repository"
)

// forgottenRoutes set a new password without the old one. Every spelling in use
// is served.
func (s *service) forgottenRoutes() []api.Route {
	const ask, set, look = "Ask for a new password by mail.", "Set a new password with a mailed token.", "Say whether a mailed token is still good."
	reset := api.Fails(ErrResetToken, ErrWeakPassword, repository.ErrVersion)
	return slices.Concat(
		aliased(api.On("GET /profile/user/password/forgot/{email}", auth.Public(), s.forgotByPath(auth.User), ask),
			"GET /profile/password/forgot/{email}", "GET /user/password/forgot/{email}"),
		aliased(api.On("GET /profile/user/password/forgot", auth.Public(), s.forgotByQuery(auth.User), ask),
			"GET /profile/password/forgot", "GET /user/password/forgot"),
		aliased(api.On("POST /profile/user/password/forgot", auth.Public(), s.forgotByBody(auth.User), ask),
			"POST /profile/password/forgot", "POST /user/password/forgot"),
		aliased(api.On("POST /profile/user/password/reset", auth.Public(), s.resetFor(auth.User), set, reset),
			"POST /profile/password/reset", "POST /user/password/reset"),
		aliased(api.On("POST /profile/user/password/validate-token", auth.Public(), s.validateFor(auth.User), look),
			"POST /profile/password/validate-token", "POST /user/password/validate-token"),
		[]api.Route{
			api.On("GET /profile/customer/password/forgot/{email}", auth.Public(), s.forgotByPath(auth.Customer), ask),
			api.On("GET /profile/customer/password/forgot", auth.Public(), s.forgotByQuery(auth.Customer), ask),
			api.On("POST /profile/customer/password/forgot", auth.Public(), s.forgotByBody(auth.Customer), ask),
			api.On("POST /profile/customer/password/reset", auth.Public(), s.resetFor(auth.Customer), set, reset),
			api.On("POST /profile/customer/password/validate-token", auth.Public(), s.validateFor(auth.Customer), look),
		},
	)
}

// passwordlessRoutes sign in by link or code, and confirm addresses.
func (s *service) passwordlessRoutes() []api.Route {
	const ask, code, redeem = "Ask for a link or code to sign in with.", "Ask for a code to sign in with.", "Sign in with a mailed code or token."
	fails := api.Fails(ErrCode, ErrLink, ErrInactive, ErrLocked, repository.ErrVersion)
	return slices.Concat(
		aliased(api.On("GET /profile/user/magic-link", auth.Public(), s.magicFor(auth.User), ask),
			"GET /user/magic-link"),
		aliased(api.On("POST /profile/user/magic-link/redirect", auth.Public(), s.redeemFor(auth.User), redeem, fails),
			"POST /user/magic-link/redirect"),
		aliased(api.On("GET /profile/magic-link", auth.Public(), s.magicFor(auth.Customer), ask),
			"GET /magic-link", "GET /profile/magiclink"),
		aliased(api.On("POST /profile/magic-link/redirect", auth.Public(), s.redeemFor(auth.Customer), redeem, fails),
			"POST /magic-link/redirect", "POST /profile/magiclink/redirect"),
		[]api.Route{
			api.On("GET /profile/magiclink/{email}", auth.Public(), s.magicByPath, ask),
			api.On("GET /profile/code", auth.Public(), s.codeByQuery, code),
			api.On("GET /profile/code/{email}", auth.Public(), s.codeByPath, code),
			api.On("GET /profile/verify-email", auth.Public(), s.verifyEmail, "Confirm an e-mail address.", api.Fails(ErrVerify, repository.ErrVersion)),
			api.On("POST /profile/verify-email/resend", auth.Public(), s.resendVerification, "Ask for a mail with which to confirm an address."),
			api.On("GET /profile/customer/exist", auth.Apps(), s.customerExists, "Say whether a customer has an account."),
			api.On("GET /profile/customer/exist/{email}", auth.Apps(), s.customerExistsByPath, "Say whether a customer has an account."),
		},
	)
}
