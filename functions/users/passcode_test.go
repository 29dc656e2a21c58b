package users_test

import (
	"testing"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
)

const till = "/profile/user/signin/passcode"

// cashier hires somebody with an employee number and a passcode.
func (k kit) cashier(owner person) person {
	k.T.Helper()
	bob := k.hire(owner, "bob@acme.example")
	owner.Call("POST", "/profile/user/update", m{"sk": bob.id, "employeeId": "E-17"}).Want(200)
	bob.Call("POST", "/profile/user/passcode", m{"passcode": "123456"}).Want(200)
	return bob
}

func (k kit) tillMode(settings m) {
	k.T.Helper()
	tenant := k.Deps.Records.Tenant("acme")
	rec, err := repository.Lookup[m](k.T.Context(), tenant, "setting", "name", "acme")
	if err == nil {
		_, err = repository.Change(k.T.Context(), tenant, auth.Platform("acme"), "setting", rec.SK, func(rec *record.Record[m], _ *repository.Tx) error {
			rec.Data["passcodeLoginSettings"] = settings
			return nil
		})
	}
	if err != nil {
		k.T.Fatal(err)
	}
}

func TestStaffSignInAtATill(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("acme-corp")
	bob := k.cashier(owner)
	k.protect(bob) // a second factor is not asked for at a till
	k.put("acme", auth.Platform("acme"), "access_card", m{"cardUid": "04:AB", "employeeId": "E-17", "status": "active"})
	k.put("acme", auth.Platform("acme"), "access_card", m{"cardUid": "04:CD", "employeeId": "E-17", "status": "lost"})
	k.ignore()
	for _, in := range []m{{"employeeId": "E-17", "pin": "123456"}, {"cardUid": "04:AB", "pin": "123456"}, {"cardUid": "04:AB", "employeeId": "E-17", "pin": "123456"}} {
		r := k.Anonymous("acme").Call("POST", till, in).Want(200)
		k.secretless(r)
		if k.as(r).id != bob.id {
			t.Errorf("%v = %s", in, r.Body)
		}
	}
	k.announces("user.login")
	for _, in := range []m{
		{"employeeId": "E-17", "pin": "654321"},
		{"employeeId": "E-18", "pin": "123456"},
		{"employeeId": "E-17"},
		{},
		{"cardUid": "04:CD", "pin": "123456"},
		{"cardUid": "04:EF", "employeeId": "E-17", "pin": "123456"},
		{"cardUid": "04:AB", "employeeId": "E-18", "pin": "123456"},
		{"employeeId": "E-17", "pin": password},
	} {
		k.Anonymous("acme").Call("POST", till, in).Refused(400, "invalid_passcode")
	}
	k.Anonymous("acme-corp").Call("POST", till, m{"employeeId": "E-17", "pin": "123456"}).Refused(400, "invalid_passcode")
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": "123456"}).Refused(400, "invalid_credentials")
	page, err := k.Deps.Records.Tenant("acme").Find(t.Context(), "access_card", everything)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range page.Data {
		card, err := record.Typed[m](raw)
		if used := card.Data["lastUsedAt"] != nil; err != nil || used != (card.Data["cardUid"] == "04:AB") {
			t.Errorf("card = %v, %v", card.Data, err)
		}
	}
}

func TestPasscodesLock(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	bob := k.cashier(k.found("acme"))
	for range 5 {
		k.Anonymous("acme").Call("POST", till, m{"employeeId": "E-17", "pin": "000000"}).Refused(400, "invalid_passcode")
	}
	k.Anonymous("acme").Call("POST", till, m{"employeeId": "E-17", "pin": "123456"}).Refused(403, "account_locked")
	k.Anonymous("acme").Call("POST", "/profile/user/signin", m{"email": bob.email, "password": password}).Want(200)
}

func TestModesOfTheTill(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	bob := k.cashier(owner)
	k.tillMode(m{"enable": true, "mode": "instant"})
	k.Anonymous("acme").Call("POST", till, m{"employeeId": "E-17"}).Want(200)
	k.Anonymous("acme").Call("POST", till, m{"employeeId": "E-18"}).Refused(400, "invalid_passcode")
	owner.Call("POST", "/profile/user/update", m{"sk": bob.id, "status": "inactive"}).Want(200)
	k.Anonymous("acme").Call("POST", till, m{"employeeId": "E-17"}).Refused(403, "account_inactive")
	k.tillMode(m{"enable": false})
	k.Anonymous("acme").Call("POST", till, m{"employeeId": "E-17", "pin": "123456"}).Refused(403, "passcode_disabled")
}

func TestSettingPasscodes(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("acme-corp")
	bob := k.cashier(owner)
	amy := k.hire(owner, "amy@acme.example", "ConfigAdmin")
	amy.Call("POST", "/profile/user/passcode", m{"employeeId": "E-17", "passcode": "222222"}).Want(200)
	k.Anonymous("acme").Call("POST", till, m{"employeeId": "E-17", "pin": "222222"}).Want(200)
	amy.Call("POST", "/profile/user/passcode", m{"userId": owner.id, "passcode": "222222"}).Refused(403, "insufficient_rank")
	bob.Call("POST", "/profile/user/passcode", m{"userId": amy.id, "passcode": "222222"}).Refused(403, "forbidden")
	other.Call("POST", "/profile/user/passcode", m{"userId": bob.id, "passcode": "222222"}).Refused(404, "user_not_found")
	for _, wrong := range []string{"12345", "1234567", "abcdef"} {
		bob.Call("POST", "/profile/user/passcode", m{"passcode": wrong}).Refused(400, "invalid_passcode_form")
	}
}
