package organisations_test

import (
	"testing"

	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/testkit"
)

func TestProfile(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner := k.found("acme")
	k.found("other")
	k.Events()
	r := owner.Call("GET", "/org-management/profile", nil).Want(200)
	reads(t, r, "The acme", "company", "data", "displayName")
	reads(t, r, nil, "customer")
	update := func(in m) testkit.Response { return owner.Call("POST", "/org-management/profile/update", in) }
	update(m{"displayName": "Acme Ltd", "plan": "enterprise", "status": "deleted", "businessProfile": m{"businessName": "Acme", "industry": "books"}}).Want(200)
	k.announces("org-update")
	r = update(m{"email": "New@acme.example", "businessProfile": m{"industry": "film"}}).Want(200)
	reads(t, r, "free", "data", "plan")
	reads(t, r, "Acme", "data", "businessProfile", "businessName")
	reads(t, r, "film", "data", "businessProfile", "industry")
	reads(t, r, "new@acme.example", "data", "email")
	if history, _ := r.Map()["data"].(m)["emailHistory"].([]any); len(history) != 1 || history[0].(m)["email"] != owner.email {
		t.Errorf("history = %v", history)
	}
	update(m{"plan": "pro"}).Refused(400, "nothing_to_change")
	update(m{"email": "x"}).Refused(400, "invalid_email")
	update(m{"displayName": "A"}).Refused(400, "validation_failed")
	reads(t, owner.Call("GET", "/org-management/profile/other", nil).Want(200), "acme", "company", "data", "name")
	reads(t, k.operator(org.Root).Call("GET", "/org-management/profile/other", nil).Want(200), "other", "company", "data", "name")
	k.operator(org.Root).Call("GET", "/org-management/profile/nobody", nil).Refused(404, "unknown_org")
	k.Owner("ghost").Call("GET", "/org-management/profile", nil).Refused(404, "unknown_org")
	k.Owner("ghost").Call("POST", "/org-management/profile/update", m{"email": "a@x.example"}).Refused(404, "unknown_org")
}

// The owner is a customer of the platform's own org, whatever address others
// there have.
func TestOwnerAsCustomer(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("other")
	r := owner.Call("PUT", "/org-management/profile/customer", m{"firstName": "Ada", "balance": 9, "email": "stolen@x.example"}).Want(200)
	reads(t, r, "Ada", "data", "firstName")
	reads(t, r, owner.email, "data", "email")
	reads(t, r, 0.0, "data", "balance")
	owner.Call("PUT", "/org-management/profile/customer", m{"lastName": "Byron"}).Want(200)
	r = owner.Call("GET", "/org-management/profile", nil).Want(200)
	reads(t, r, "Ada", "customer", "data", "firstName")
	reads(t, r, "Byron", "customer", "data", "lastName")
	owner.Call("PUT", "/org-management/profile/customer", m{"roles": []string{"Owner"}}).Refused(400, "nothing_to_change")
	other.Call("POST", "/org-management/profile/update", m{"email": owner.email}).Want(200)
	r = other.Call("PUT", "/org-management/profile/customer", m{"firstName": "Eve"}).Want(200)
	reads(t, r, nil, "data", "email")
	owner.Call("PUT", "/org-management/profile/customer", m{"firstName": 7}).Refused(400, "validation_failed")
	k.Owner("ghost").Call("PUT", "/org-management/profile/customer", m{"firstName": "A"}).Refused(404, "unknown_org")
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	owner, other := k.found("acme"), k.found("other")
	const path = "/org-management/profile/addresses"
	save := func(in m) []m {
		t.Helper()
		var list []m
		owner.Call("POST", path, in).Want(200).Into(&list)
		return list
	}
	if list := save(m{"type": "Billing", "city": "Ulm"}); len(list) != 1 || list[0]["data"].(m)["type"] != "billing" {
		t.Fatalf("saved %v", list)
	}
	list := save(m{"addresses": []m{{"type": "billing", "street1": "Main St"}, {"type": "shipping", "city": "Bonn", "primary": true}}})
	if len(list) != 2 || list[0]["data"].(m)["city"] != "Ulm" || list[0]["data"].(m)["street1"] != "Main St" {
		t.Fatalf("saved %v", list)
	}
	sk, _ := list[1]["sk"].(string)
	if list = save(m{"sk": sk, "city": "Köln"}); len(list) != 2 || list[1]["data"].(m)["city"] != "Köln" {
		t.Errorf("saved %v", list)
	}
	k.announces("collection-create", "collection-update")
	reads(t, owner.Call("GET", "/org-management/profile", nil).Want(200), "Köln", "address", "data", "city")
	owner.Call("POST", path, m{}).Refused(400, "invalid_addresses")
	owner.Call("POST", path, m{"addresses": []m{}}).Refused(400, "invalid_addresses")
	owner.Call("POST", path, m{"type": "castle"}).Refused(400, "validation_failed")
	owner.Call("POST", path, m{"sk": "address-0", "city": "x"}).Refused(404, "unknown_address")
	other.Call("POST", path, m{"sk": sk, "city": "x"}).Refused(404, "unknown_address")
	other.Call("DELETE", path+"/"+sk, nil).Refused(404, "unknown_address")
	owner.Call("DELETE", path+"/"+sk, nil).Want(200)
	k.announces("collection-delete")
	owner.Call("DELETE", path+"/"+sk, nil).Refused(404, "unknown_address")
	ghost := k.Owner("ghost")
	for method, p := range map[string]string{"GET": path, "POST": path, "DELETE": path + "/x"} {
		ghost.Call(method, p, m{"city": "x"}).Refused(404, "unknown_org")
	}
	var none []m
	other.Call("GET", path, nil).Want(200).Into(&none)
	if len(none) != 0 {
		t.Errorf("the other org has %v", none)
	}
}
