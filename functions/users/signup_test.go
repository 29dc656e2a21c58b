package users_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/users"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
)

func (k kit) invite(id org.ID, email, role string) {
	k.T.Helper()
	data := m{"email": email, "status": "pending", "firstName": "Bob"}
	if role != "" {
		data["roles"] = role
	}
	k.put(id, auth.Platform(id), "user_invitation", data)
}

func (k kit) put(id org.ID, as auth.Principal, datatype string, data m) {
	k.T.Helper()
	text, err := json.Marshal(data)
	if err != nil {
		k.T.Fatal(err)
	}
	tx := k.Deps.Records.Tenant(id).Begin(as)
	tx.Create(record.Raw{Datatype: datatype, Data: text})
	if _, err := tx.Commit(k.T.Context()); err != nil {
		k.T.Fatal(err)
	}
}

func TestFoundingAnOrg(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	r := k.Anonymous("").Call("POST", "/profile/user/signup", m{
		"email": "Ada@Example.com", "password": password, "firstName": "Ada", "lastName": "Byron", "orgName": "Crème & Co.",
		"roles": []string{"System"}, "balance": 7, "nickname": "Countess",
	}).Want(200)
	k.secretless(r)
	k.announces("org-create", "user-create", "user.login")
	p := k.as(r)
	who := p.Principal()
	if who.Org != "cr-me-co" || !who.Has(auth.RoleOwner) || !who.Has(auth.RoleRootAdmin) || who.Has(auth.RoleSystem) || who.IsPlatformAdmin() {
		t.Errorf("founder = %+v", who)
	}
	data, _ := r.Map()["user"].(m)["data"].(m)
	if data["email"] != "ada@example.com" || data["nickname"] != "Countess" || data["balance"] != nil {
		t.Errorf("data = %v", data)
	}
	for datatype, want := range map[string]int{"company": 1, "usergroup": 4, "setting": 1} {
		page, err := k.Deps.Records.Tenant("cr-me-co").Find(t.Context(), datatype, everything)
		if err != nil || page.Total != want {
			t.Errorf("%d %s records, %v; want %d", page.Total, datatype, err, want)
		}
	}
	sent := k.Mail.Sent()
	if len(sent) != 1 || sent[0].To != "ada@example.com" || !strings.Contains(sent[0].Text, "cr-me-co") {
		t.Errorf("mail = %+v", sent)
	}
}

func TestOrgIDsAreUnique(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	in := m{"email": "b@b.example", "password": password, "orgId": "acme"}
	k.Anonymous("").Call("POST", "/profile/user/signup", in).Refused(409, "org_taken")
	in["orgId"] = "appengine"
	k.Anonymous("").Call("POST", "/profile/user/signup", in).Refused(409, "org_taken")
	in["orgId"] = "No Good"
	k.Anonymous("").Call("POST", "/profile/user/signup", in).Refused(400, "invalid_org")
	delete(in, "orgId")
	in["orgName"] = "Acme"
	second := k.as(k.Anonymous("appengine").Call("POST", "/profile/signup", in).Want(200))
	if id := second.Principal().Org; !strings.HasPrefix(string(id), "acme-") {
		t.Errorf("org = %s, want acme with an ending", id)
	}
}

func TestSimultaneousFoundersGetOneOrg(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	statuses := make([]int, 10)
	var group sync.WaitGroup
	for i := range statuses {
		group.Go(func() {
			statuses[i] = k.Anonymous("").Call("POST", "/user/signup", m{"email": "a@b.example", "password": password, "orgId": "acme"}).Status
		})
	}
	group.Wait()
	slices.Sort(statuses)
	if diff := cmp.Diff(statuses, []int{200, 409, 409, 409, 409, 409, 409, 409, 409, 409}); diff != "" {
		t.Errorf("statuses (-got +want):\n%s", diff)
	}
}

func TestSignupRefusals(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	for reason, in := range map[string]m{
		"invalid_email": {"email": "nobody", "password": password, "orgName": "Acme"},
		"weak_password": {"email": "a@b.example", "password": "short1", "orgName": "Acme"},
	} {
		k.Anonymous("").Call("POST", "/profile/user/signup", in).Refused(400, reason)
	}
	for _, weak := range []string{"", "longenough", "1234567890", "Ab1"} {
		k.Anonymous("").Call("POST", "/profile/user/signup", m{"email": "a@b.example", "password": weak, "orgName": "Acme"}).Refused(400, "weak_password")
	}
	k.Anonymous("").Call("POST", "/profile/user/signup", m{"password": password}).Refused(400, "validation_failed")
	if events := k.EventNames(); len(events) > 0 {
		t.Errorf("refused sign-ups announced %v", events)
	}
}

func TestStaffJoinByInvitationOnly(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	in := m{"email": "bob@acme.example", "password": password}
	k.Anonymous("acme").Call("POST", "/profile/user/signup", in).Refused(403, "not_invited")
	k.put("acme", owner.Principal(), "user_invitation", m{"email": "bob@acme.example", "status": "pending", "roles": "Publisher"})
	k.ignore()
	bob := k.as(k.Anonymous("acme").Call("POST", "/profile/user/signup", in).Want(200))
	k.announces("user-create")
	if who := bob.Principal(); who.Org != "acme" || !who.Has(auth.RolePublisher) {
		t.Errorf("bob = %+v", who)
	}
	k.Anonymous("acme").Call("POST", "/profile/user/signup", in).Refused(403, "not_invited")
}

func TestInvitationsExpireAndKeepTheirToken(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.put("acme", owner.Principal(), "user_invitation", m{"email": "late@acme.example", "status": "pending", "expiryDate": record.At(k.Clock.Now().Add(time.Hour))})
	k.put("acme", owner.Principal(), "user_invitation", m{"email": "token@acme.example", "status": "pending", "invitationToken": auth.HashSecret("abc")})
	k.Anonymous("acme").Call("POST", "/profile/user/signup", m{"email": "token@acme.example", "password": password, "invitationToken": "wrong"}).Refused(403, "not_invited")
	k.Anonymous("acme").Call("POST", "/profile/user/signup", m{"email": "token@acme.example", "password": password, "invitationToken": "abc"}).Want(200)
	k.Clock.Advance(time.Hour)
	k.Anonymous("acme").Call("POST", "/profile/user/signup", m{"email": "late@acme.example", "password": password}).Refused(403, "not_invited")
}

// An invitation hands out no more than its author could.
func TestInvitationGrantsNothingAboveItsAuthor(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.hire(owner, "bob@acme.example", "Publisher")
	k.put("acme", bob.Principal(), "user_invitation", m{"email": "eve@acme.example", "status": "pending", "roles": "Owner"})
	eve := k.as(k.Anonymous("acme").Call("POST", "/profile/user/signup", m{"email": "eve@acme.example", "password": password}).Want(200))
	if eve.Principal().Has(auth.RoleOwner) {
		t.Error("a publisher's invitation made an owner")
	}
}

func TestFoundMakesThePlatformsOwnOrg(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	if err := users.Found(t.Context(), k.Deps, org.Root, "Root", "root@appengine.example", password); err != nil {
		t.Fatal(err)
	}
	root := k.as(k.Anonymous(org.Root).Call("POST", "/profile/user/signin", m{"email": "root@appengine.example", "password": password}).Want(200))
	if !root.Principal().IsPlatformAdmin() {
		t.Errorf("root = %+v", root.Principal())
	}
	if err := users.Found(t.Context(), k.Deps, org.Root, "Root", "other@appengine.example", password); err == nil {
		t.Error("the root org was founded twice")
	}
}

func TestCustomersSignUp(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	k.ignore()
	r := k.Anonymous("acme").Call("POST", "/profile/customer/signup", m{
		"email": "cy@x.example", "password": password, "firstName": "Cy", "color": "red", "balance": 99, "groups": []string{"vip"},
	}).Want(200)
	k.secretless(r)
	k.announces("user-create", "contact.created", "contact.registered", "user.login")
	cy := k.as(r)
	if who := cy.Principal(); who.Kind != auth.Customer || r.String("customer", "sk") != r.String("user", "sk") {
		t.Errorf("customer = %+v", who)
	}
	data, _ := r.Map()["customer"].(m)["data"].(m)
	if data["color"] != "red" || data["balance"] == 99.0 || data["groups"] != nil {
		t.Errorf("data = %v", data)
	}
	k.Anonymous("acme").Call("POST", "/customer/signup", m{"email": "CY@x.example", "password": password}).Refused(409, "email_taken")
	k.Anonymous("acme").Call("POST", "/customer/signin", m{"email": "cy@x.example", "password": password}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/customer/refresh", m{"refresh_token": cy.refresh}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/customer/signup", m{"email": "no-password@x.example"}).Want(200)
	k.Anonymous("acme").Call("POST", "/profile/customer/signin", m{"email": "no-password@x.example", "password": "Any12345"}).Refused(400, "invalid_credentials")
	k.Anonymous("acme").Call("POST", "/profile/customer/signup", m{"email": "weak@x.example", "password": "weak"}).Refused(400, "weak_password")
}

func TestGuestsBecomeCustomers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	k.found("acme")
	in := m{"email": "gu@x.example", "name": "Gu Est"}
	first := k.Anonymous("acme").Call("POST", "/profile/customer/register-guest", in).Want(200)
	second := k.Anonymous("acme").Call("POST", "/profile/customer/register-guest", in).Want(200)
	if first.String("guest", "sk") != second.String("guest", "sk") || k.as(first).Principal().Kind != auth.Guest {
		t.Errorf("guests %s and %s", first.Body, second.Body)
	}
	customer := k.Anonymous("acme").Call("POST", "/profile/customer/signup", m{"email": "gu@x.example", "password": password}).Want(200)
	if customer.String("customer", "sk") != first.String("guest", "sk") || k.as(customer).Principal().Kind != auth.Customer {
		t.Errorf("customer = %s", customer.Body)
	}
	k.Anonymous("acme").Call("POST", "/profile/customer/register-guest", in).Refused(409, "email_taken")
	k.Anonymous("acme").Call("POST", "/profile/customer/register-guest", m{"email": "x"}).Refused(400, "invalid_email")
}
