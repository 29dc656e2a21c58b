package clientdata_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/clientdata"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/testkit"
)

type object = map[string]any

// store puts a record where another module would.
func store(k *testkit.Kit, c testkit.Client, datatype string, rec record.Raw, data object) record.Raw {
	k.T.Helper()
	text, err := json.Marshal(data)
	if err != nil {
		k.T.Fatal(err)
	}
	rec.Datatype, rec.Data = datatype, text
	owner := k.Owner(c.Principal().Org).Principal()
	stored, err := repository.Create(k.T.Context(), k.Deps.Records.Tenant(owner.Org), owner, rec)
	if err != nil {
		k.T.Fatal(err)
	}
	return stored
}

func ownedBy(c testkit.Client) record.Raw {
	return record.Raw{Owner: &record.Owner{Datatype: "customer", ID: c.Principal().ID}}
}

// signUp makes a customer with an account.
func signUp(k *testkit.Kit, email string) testkit.Client {
	k.T.Helper()
	name, _, _ := strings.Cut(email, "@")
	who := k.Customer("acme", email).Principal()
	who.ID = "customer-" + name
	c := k.As(who)
	store(k, c, "customer", record.Raw{SK: who.ID}, object{
		"email": email, "firstName": "Jane", "lastName": "Doe", "phone": "123", "password": "$argon2id$secret", "emailVerified": true, "phoneVerified": true,
	})
	k.EventNames()
	return c
}

func total(r testkit.Response) float64 {
	n, _ := r.Want(http.StatusOK).Map()["total"].(float64)
	return n
}

func TestAccess(t *testing.T) {
	t.Parallel()
	testkit.New(t, clientdata.New).ExerciseAccess()
}

func TestProfile(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, clientdata.New)
	jane := signUp(k, "jane@x.example")
	got := jane.Call("GET", "/client-data/profile", nil).Want(http.StatusOK)
	if got.String("data", "firstName") != "Jane" || strings.Contains(string(got.Body), "argon2id") {
		t.Errorf("profile: %s", got.Body)
	}
	status := jane.Call("GET", "/client-data/verification/status", nil).Want(http.StatusOK).Map()
	if diff := cmp.Diff(object{"email": object{"verified": true}, "phone": object{"verified": true}}, status); diff != "" {
		t.Errorf("verification (-want +got):\n%s", diff)
	}
	put := jane.Call("PUT", "/client-data/profile", object{"firstName": "Joan", "phone": "456", "email": "other@x.example", "status": "vip"}).Want(http.StatusOK)
	data := put.Map()["data"].(object)
	if data["firstName"] != "Joan" || data["lastName"] != "Doe" || data["email"] != "jane@x.example" || data["status"] != nil {
		t.Errorf("changed profile: %v", data)
	}
	stored, err := k.Deps.Records.Tenant("acme").Get(t.Context(), "customer", jane.Principal().ID)
	if err != nil || !strings.Contains(string(stored.Data), "argon2id") {
		t.Errorf("the password is lost: %s, %v", stored.Data, err)
	}
	status = jane.Call("GET", "/client-data/verification/status", nil).Want(http.StatusOK).Map()
	if phone := status["phone"].(object); phone["verified"] != false {
		t.Errorf("another number counts as verified: %v", status)
	}
	jane.Call("PUT", "/client-data/profile", object{"firstName": strings.Repeat("x", 101)}).Refused(http.StatusBadRequest, "validation_failed")
	k.Customer("acme", "nobody@x.example").Call("GET", "/client-data/profile", nil).Refused(http.StatusNotFound, "not_found")
	k.Customer("acme", "nobody@x.example").Call("PUT", "/client-data/profile", object{}).Refused(http.StatusNotFound, "not_found")
	if diff := cmp.Diff([]string{"collection-update"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, clientdata.New)
	jane, eve := signUp(k, "jane@x.example"), signUp(k, "eve@x.example")
	mine := store(k, jane, "sf_order", ownedBy(jane), object{"number": "A1", "status": "new", "email": "jane@x.example"})
	store(k, jane, "sf_order", ownedBy(eve), object{"number": "A2", "status": "new", "email": "jane@x.example"})
	if n := total(jane.Call("GET", "/client-data/orders?status=new&s=data.number&st=asc", nil)); n != 1 {
		t.Errorf("orders: got %v, want 1", n)
	}
	if n := total(jane.Call("GET", "/client-data/orders?status=paid", nil)); n != 0 {
		t.Errorf("paid orders: got %v, want 0", n)
	}
	for _, id := range []string{mine.SK, "A1"} {
		if got := jane.Call("GET", "/client-data/orders/"+id, nil).Want(http.StatusOK).String("sk"); got != mine.SK {
			t.Errorf("order %s: got %s", id, got)
		}
	}
	eve.Call("GET", "/client-data/orders/"+mine.SK, nil).Refused(http.StatusNotFound, "not_found")
	k.Customer("globex", "jane@x.example").Call("GET", "/client-data/orders/"+mine.SK, nil).Refused(http.StatusNotFound, "not_found")
	jane.Call("GET", "/client-data/orders?s=$where", nil).Refused(http.StatusBadRequest, "invalid_sort")
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, clientdata.New)
	jane, eve := signUp(k, "jane@x.example"), signUp(k, "eve@x.example")
	made := jane.Call("POST", "/client-data/addresses", object{"street1": "Main St 1", "city": "X", "primary": true, "owner": "eve"}).Want(http.StatusCreated)
	path := "/client-data/addresses/" + made.String("sk")
	if made.String("owner", "id") != jane.Principal().ID {
		t.Errorf("created: %s", made.Body)
	}
	put := jane.Call("PUT", path, object{"street1": "Main St 2"}).Want(http.StatusOK)
	if put.String("data", "street1") != "Main St 2" || put.Map()["data"].(object)["city"] != nil {
		t.Errorf("replaced: %s", put.Body)
	}
	jane.Call("POST", "/client-data/addresses", object{"city": "X"}).Refused(http.StatusBadRequest, "validation_failed")
	for _, stranger := range []testkit.Client{eve, k.Customer("globex", "jane@x.example")} {
		stranger.Call("PUT", path, object{"street1": "mine"}).Refused(http.StatusNotFound, "not_found")
		stranger.Call("DELETE", path, nil).Refused(http.StatusNotFound, "not_found")
		if n := total(stranger.Call("GET", "/client-data/addresses", nil)); n != 0 {
			t.Errorf("a stranger lists %v addresses", n)
		}
	}
	if n := total(jane.Call("GET", "/client-data/addresses", nil)); n != 1 {
		t.Errorf("addresses: got %v, want 1", n)
	}
	jane.Call("DELETE", path, nil).Want(http.StatusOK)
	jane.Call("DELETE", path, nil).Refused(http.StatusNotFound, "not_found")
	if diff := cmp.Diff([]string{"collection-create", "collection-update", "collection-delete"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestTicketsAndMessages(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, clientdata.New)
	jane, eve := signUp(k, "jane@x.example"), signUp(k, "eve@x.example")
	ticket := object{"title": "It is broken", "description": "All of it", "category": "lamps"}
	made := jane.Call("POST", "/client-data/tickets", ticket).Want(http.StatusCreated)
	if made.String("data", "reportedByEmail") != "jane@x.example" || made.String("data", "status") != "new" {
		t.Errorf("ticket: %s", made.Body)
	}
	jane.Call("POST", "/client-data/tickets", ticket).Want(http.StatusCreated) // domain modules drop no repeats
	jane.Call("POST", "/client-data/tickets", object{"title": "x"}).Refused(http.StatusBadRequest, "validation_failed")
	path := "/client-data/tickets/" + made.String("sk")
	jane.Call("GET", path, nil).Want(http.StatusOK)
	eve.Call("GET", path, nil).Refused(http.StatusNotFound, "not_found")
	k.Customer("globex", "jane@x.example").Call("GET", path, nil).Refused(http.StatusNotFound, "not_found")
	sent := jane.Call("POST", "/client-data/messages", object{"text": "hello", "subject": "hi", "to": "sales"}).Want(http.StatusCreated)
	if sent.String("data", "from") != "jane@x.example" {
		t.Errorf("message: %s", sent.Body)
	}
	jane.Call("POST", "/client-data/messages", object{}).Refused(http.StatusBadRequest, "validation_failed")
	store(k, jane, "community_notification", ownedBy(jane), object{"recipient": "jane@x.example", "type": "system", "summary": "welcome"})
	for path, want := range map[string]float64{"tickets?ps=1": 2, "messages": 1, "notifications": 1} {
		if n := total(jane.Call("GET", "/client-data/"+path, nil)); n != want {
			t.Errorf("%s: got %v, want %v", path, n, want)
		}
		if n := total(eve.Call("GET", "/client-data/"+path, nil)); n != 0 {
			t.Errorf("%s of a stranger: got %v, want 0", path, n)
		}
	}
	all := jane.Call("GET", "/client-data/all", nil).Want(http.StatusOK).Map()
	got := map[string]int{}
	for datatype, list := range all {
		got[datatype] = len(list.([]any))
	}
	if diff := cmp.Diff(map[string]int{"customer": 1, "ticket": 2, "message": 1, "community_notification": 1}, got); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
}

func TestRegisterDevice(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, clientdata.New)
	jane, eve := signUp(k, "jane@x.example"), signUp(k, "eve@x.example")
	body := object{"token": "device-token-1", "platform": "ios"}
	for _, c := range []testkit.Client{jane, jane, eve} {
		c.Call("POST", "/client-data/notifications/register", body).Want(http.StatusOK)
	}
	page, err := k.Deps.Records.Tenant("acme").Find(t.Context(), "user_device", repository.Find{})
	if err != nil || page.Total != 1 || page.Data[0].Owner.ID != eve.Principal().ID || !strings.Contains(string(page.Data[0].Data), eve.Principal().ID) {
		t.Errorf("devices: %+v, %v", page, err)
	}
	if all := eve.Call("GET", "/client-data/all", nil); strings.Contains(string(all.Body), "device-token-1") {
		t.Errorf("the token is shown: %s", all.Body)
	}
	jane.Call("POST", "/client-data/notifications/register", object{"token": "device-token-1", "platform": "fax"}).Refused(http.StatusBadRequest, "validation_failed")
}

func TestWishlist(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, clientdata.New)
	jane, eve := signUp(k, "jane@x.example"), signUp(k, "eve@x.example")
	store(k, jane, "sf_product", record.Raw{}, object{"name": "lamp", "sku": "L-1", "price": 19.99})
	store(k, jane, "sf_product", record.Raw{}, object{"name": "bulb", "sku": "B-1"})
	store(k, jane, "sf_product", record.Raw{State: record.Draft}, object{"name": "secret", "sku": "S-1"})
	k.EventNames()
	skus := func(r testkit.Response) string {
		var list struct {
			Data struct {
				Products []struct {
					SKU string `json:"sku"`
				} `json:"products"`
			} `json:"data"`
		}
		r.Want(http.StatusOK).Into(&list)
		text := ""
		for _, p := range list.Data.Products {
			text += p.SKU + " "
		}
		return text
	}
	for _, step := range []struct {
		method, path string
		body         any
		want         string
	}{
		{"GET", "", nil, ""},
		{"POST", "", object{"sku": "L-1"}, "L-1 "},
		{"POST", "", object{"products": []object{{"sku": "B-1"}, {"sku": "L-1"}}}, "L-1 B-1 "},
		{"DELETE", "/L-1", nil, "B-1 "},
		{"GET", "", nil, "B-1 "},
	} {
		if got := skus(jane.Call(step.method, "/client-data/wishlist"+step.path, step.body)); got != step.want {
			t.Errorf("%s %s: got %q, want %q", step.method, step.path, got, step.want)
		}
	}
	if got := skus(eve.Call("GET", "/client-data/wishlist", nil)); got != "" {
		t.Errorf("a stranger's wishlist: %q", got)
	}
	jane.Call("DELETE", "/client-data/wishlist/L-1", nil).Refused(http.StatusNotFound, "not_found")
	eve.Call("DELETE", "/client-data/wishlist/L-1", nil).Refused(http.StatusNotFound, "not_found")
	jane.Call("POST", "/client-data/wishlist", object{"sku": "S-1"}).Refused(http.StatusNotFound, "not_found")
	jane.Call("POST", "/client-data/wishlist", object{}).Refused(http.StatusBadRequest, "validation_failed")
	jane.Call("POST", "/client-data/wishlist", object{"products": make([]object, 201)}).Refused(http.StatusBadRequest, "wishlist_full")
	if diff := cmp.Diff([]string{"collection-create", "collection-update", "collection-update"}, k.EventNames()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
