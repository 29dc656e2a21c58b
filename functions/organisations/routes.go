package organisations

import (
	"slices"

	"github.com/appmint/appengine/shared/account"
	"github.com/appmint/appengine/shared/api"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/ledger"
	"github.com/appmint/appengine/shared/org"
)

func (s *service) routes() []api.Route {
	return slices.Concat(s.orgRoutes(), s.profileRoutes(), s.billingRoutes(), s.accountRoutes(), s.memberRoutes(),
		s.invitationRoutes(), s.transferRoutes(), s.agreementRoutes())
}

// config lets in who configures an org.
func config() auth.Access {
	return auth.Roles(auth.RoleConfigAdmin, auth.RoleRootAdmin, auth.RoleOwner)
}

func memberFaults() api.Option {
	return api.Fails(ErrUnknownMember, account.ErrUnknownRole, account.ErrRank, account.ErrLastAdmin, account.ErrLastOwner, account.ErrUserLimit, account.ErrBusy)
}

func (s *service) orgRoutes() []api.Route {
	anyone := auth.Persons().Or(auth.Staff(0)).Or(auth.Apps())
	founding := api.Fails(org.ErrInvalid, ErrUnknownPlan, ErrNoFounder, account.ErrEmail, account.ErrWeakPassword, account.ErrOrgTaken)
	return []api.Route{
		api.On("GET /repository/org", auth.Staff(0), s.current, "Read the organisation of the call.", api.Fails(ErrUnknownOrg)),
		api.On("GET /repository/org/user", auth.Users(), s.myOrgs, "List the organisations in which the caller's address has an account."),
		api.On("GET /repository/org/user/{email}", auth.Public(), s.publicOrgs, "List the organisations of a staff address.", api.NoOrg()),
		api.On("GET /repository/org/{orgId}", auth.Staff(0), s.one, "Read an organisation.", api.Fails(ErrUnknownOrg)),
		api.On("DELETE /repository/org/user", auth.Staff(0), s.leave, "End a membership: the own one, or as an administrator anybody's.", memberFaults(), api.Fails(ErrUnknownOrg)),
		api.On("DELETE /repository/org/user/{email}", config(), s.leaveByPath, "End a membership.", memberFaults(), api.Fails(ErrUnknownOrg)),
		api.On("POST /repository/org/create", auth.Public(), s.create, "Found an organisation.", api.NoOrg(), api.Status(201), founding),
		api.On("GET /org-management/check-org-name/{orgName}", anyone, s.checkName, "Say whether an organisation id is free."),
	}
}

func (s *service) profileRoutes() []api.Route {
	changes := api.Fails(ErrUnknownOrg, ErrNothing, collection.ErrInvalidData, account.ErrBusy)
	return []api.Route{
		api.On("GET /org-management/profile", config(), s.profile, "Read the organisation with its owner and main address.", api.Fails(ErrUnknownOrg)),
		api.On("GET /org-management/profile/{orgId}", config(), s.profileBy, "Read an organisation; another than the own one as a platform administrator.", api.Fails(ErrUnknownOrg)),
		api.On("POST /org-management/profile/update", config(), s.updateProfile, "Change the organisation's profile.", changes, api.Fails(account.ErrEmail)),
		api.On("PUT /org-management/profile/customer", config(), s.updateCustomer, "Change the owner's personal profile.", changes),
		api.On("GET /org-management/profile/addresses", auth.Staff(0), s.addresses, "List the organisation's addresses.", api.Fails(ErrUnknownOrg)),
		api.On("POST /org-management/profile/addresses", auth.Staff(0), s.saveAddresses, "Save addresses, by sk or type.", changes, api.Fails(ErrAddresses, ErrUnknownAddress)),
		api.On("DELETE /org-management/profile/addresses/{id}", auth.Staff(0), s.deleteAddress, "Delete an address.", api.Fails(ErrUnknownOrg, ErrUnknownAddress, account.ErrBusy)),
	}
}

func (s *service) billingRoutes() []api.Route {
	credit := api.Fails(ErrUnknownOrg, ledger.ErrAmount, ledger.ErrReused)
	return []api.Route{
		api.On("GET /org-management/billing/balance", config(), s.balance, "Read balance, plan and allowance."),
		api.On("GET /org-management/billing/transactions", config(), s.transactions, "List the transactions of the balance, newest first.", api.Fails(ErrDate, ledger.ErrTooFar)),
		api.On("POST /org-management/billing/gift-credits", auth.PlatformAdmins(), s.gift, "Give an organisation credit.", credit),
		api.On("POST /org-management/billing/add-credit", auth.PlatformAdmins(), s.addCredit, "Book a payment that was made elsewhere.", credit),
		api.On("POST /org-management/billing/spend-limit", config(), s.spendLimit, "Limit what a month's charges may come to.", api.Fails(ErrUnknownOrg, ErrNothing, ledger.ErrAmount, account.ErrBusy)),
		api.On("GET /org-management/subscription/plans", auth.Public(), s.plans, "List the plans.", api.NoOrg()),
		api.On("GET /org-management/subscription", config(), s.subscription, "Read the plan and its history.", api.Fails(ErrUnknownOrg)),
	}
}

func (s *service) accountRoutes() []api.Route {
	steps := api.Fails(ErrUnknownOrg, ErrState, account.ErrBusy)
	return []api.Route{
		api.On("POST /org-management/account/cancel", config(), s.cancelAccount, "Close the account.", steps, api.Fails(ErrConfirm)),
		api.On("POST /org-management/account/reactivate", config(), s.reactivateAccount, "Open a closed account again.", steps, api.Fails(auth.ErrForbidden)),
		api.On("POST /org-management/account/suspend", auth.PlatformAdmins(), s.suspendAccount, "Suspend an organisation.", steps),
		api.On("DELETE /org-management/account", auth.PlatformAdmins(), s.deleteAccount, "Delete an organisation.", steps, api.Fails(ErrConfirm)),
	}
}

func (s *service) memberRoutes() []api.Route {
	return []api.Route{
		api.On("GET /org-management/members", config(), s.members, "List the members.", api.Fails(ErrUnknownMember)),
		api.On("PUT /org-management/members/{id}", config(), whileOpen(s, s.changeMember), "Change a member's roles, groups and status.", memberFaults()),
		api.On("DELETE /org-management/members/{id}", config(), whileOpen(s, s.removeMember), "Remove a member and end their sessions.", memberFaults()),
	}
}

func (s *service) invitationRoutes() []api.Route {
	admins := auth.Roles(auth.RoleRootAdmin)
	closed := api.Fails(ErrUnknownInvitation, ErrInvitationState, account.ErrBusy)
	inviting := api.Fails(account.ErrUnknownRole, account.ErrRank, account.ErrUserLimit, account.ErrBusy)
	return []api.Route{
		api.On("GET /org-management/invitations", config(), s.invitations, "List invitations."),
		api.On("POST /org-management/invitations", config(), whileOpen(s, s.invite), "Invite somebody by mail.", inviting, api.Status(201),
			api.Fails(account.ErrEmail, account.ErrEmailTaken, ErrInvited, ErrExpiry)),
		api.On("POST /org-management/invitations/{id}/resend", config(), whileOpen(s, s.resend), "Send an invitation again, with a new token.", inviting, closed),
		api.On("DELETE /org-management/invitations/{id}", config(), s.revokeInvitation, "Revoke an invitation.", closed),
		api.On("GET /org-management/invitations/validate/{token}", auth.Public(), s.validate, "Say what an invitation's token is good for.", api.NoOrg()),
		api.On("POST /org-management/invitations/accept", auth.Public(), s.accept, "Accept an invitation and sign in.", api.NoOrg(),
			api.Fails(ErrUnknownInvitation, ErrInvitationExpired, account.ErrWeakPassword, account.ErrEmailTaken, account.ErrUserLimit, api.ErrOrgInactive)),
		api.On("GET /org-management/pre-approved", admins, s.approvals, "List pre-approved addresses."),
		api.On("POST /org-management/pre-approved", admins, whileOpen(s, s.approve), "Pre-approve an address.",
			api.Fails(account.ErrEmail, ErrPlatformOnly, ErrUnknownPlan, ledger.ErrAmount, ErrExpiry)),
		api.On("DELETE /org-management/pre-approved/{email}", admins, s.disapprove, "Take a pre-approval back.", api.Fails(ErrUnknownApproval)),
	}
}

func (s *service) transferRoutes() []api.Route {
	owners := auth.Roles(auth.RoleOwner).Or(auth.PlatformAdmins())
	return []api.Route{
		api.On("POST /org-management/transfer/ownership", owners, whileOpen(s, s.transferOwnership), "Begin to transfer the ownership to a member.",
			api.Fails(ErrUnknownMember, ErrSelf, ErrTransferPending, account.ErrCredentials, account.ErrLocked, auth.ErrForbidden)),
		api.On("POST /org-management/transfer/ownership/accept", auth.Users(), whileOpen(s, s.acceptTransfer), "Accept the ownership.",
			api.Fails(ErrUnknownOrg, ErrNoTransfer, account.ErrBusy)),
		api.On("POST /org-management/transfer/ownership/cancel", owners, s.cancelTransfer, "Cancel a transfer.", api.Fails(ErrNoTransfer)),
	}
}

func (s *service) agreementRoutes() []api.Route {
	return []api.Route{
		api.On("GET /org-management/service-agreements", config(), s.agreements, "List the platform's services with the organisation's agreements.", api.Fails(ErrUnknownOrg)),
		api.On("POST /org-management/service-agreements/{service}/accept", config(), whileOpen(s, s.acceptAgreement), "Accept the agreement for a service.",
			api.Fails(ErrUnknownOrg, ErrUnknownService, ErrNotAccepted, account.ErrBusy)),
		api.On("POST /org-management/service-agreements/{service}/revoke", config(), s.revokeAgreement, "Revoke the agreement for a service.",
			api.Fails(ErrUnknownOrg, ErrUnknownService, ErrNoAgreement, account.ErrBusy)),
		api.On("GET /org-management/feature-flags", auth.Anyone(auth.Read), s.flags, "Read the organisation's feature flags.", api.Fails(ErrUnknownOrg)),
		api.On("PUT /org-management/feature-flags", auth.PlatformAdmins(), s.putFlags, "Switch feature flags.", api.Fails(ErrUnknownOrg, ErrFlags, account.ErrBusy)),
	}
}
