package repository_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/testkit"
)

func TestShareOpensARecordForWhoeverHasTheToken(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	k.EventNames()
	made := c.Call("POST", "/repository/share/post/"+id, object{"passcode": "open sesame", "notify": []object{{"channel": "email", "to": "a@b.example"}}}).Want(http.StatusOK)
	token := made.String("token")
	if len(token) != 32 || made.Map()["passcodeHash"] != nil || made.Map()["status"] != "active" {
		t.Errorf("share: %s", made.Body)
	}
	if sent := k.Mail.Sent(); len(sent) != 1 || !strings.Contains(sent[0].Text, token) {
		t.Errorf("mail: %v", sent)
	}
	nobody := k.With(auth.Verdict{})
	path := "/repository/shared/" + token
	nobody.Call("GET", path, nil).Refused(http.StatusBadRequest, "passcode_required")
	nobody.Call("GET", path+"?passcode=wrong", nil).Refused(http.StatusBadRequest, "wrong_passcode")
	open := nobody.Call("POST", path, object{"passcode": "open sesame"}).Want(http.StatusOK).Map()
	for _, name := range []string{"share", "requiredRole", "notes", "create_hash", "crm_agent", "modified_by"} {
		if _, has := open[name]; has {
			t.Errorf("shared record shows %s", name)
		}
	}
	if open["sk"] != id || open["data"].(object)["title"] != "one" {
		t.Errorf("shared record: %v", open)
	}
	k.Clock.Advance(time.Minute)
	nobody.Call("GET", path, nil, "passcode", "open sesame").Want(http.StatusOK)
	stored := c.Call("GET", "/repository/get/post/"+id, nil).Want(http.StatusOK)
	if stored.String("share", "openedAt") != "2026-04-10T08:20:11.000Z" || stored.Map()["version"] != 2.0 || strings.Contains(string(stored.Body), "passcodeHash") {
		t.Errorf("stored: %s", stored.Body)
	}
	events := k.Events()
	if len(events) != 2 || events[0].Name != "collection-update" || !cmp.Equal(events[0].Changed, []string{"share"}) || strings.Contains(string(events[1].Data)+string(events[1].Previous), token) {
		t.Errorf("events: %v", events)
	}
	c.Call("DELETE", "/repository/share/post/"+id, nil).Want(http.StatusOK)
	nobody.Call("GET", path, nil).Refused(http.StatusNotFound, "not_found")
}

func TestShareEnds(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	share := func(body object) string {
		return "/repository/shared/" + c.Call("POST", "/repository/share/post/"+id, body).Want(http.StatusOK).String("token")
	}
	replaced := share(object{})
	path := share(object{"expiresAt": "2026-04-10T09:00:00Z"})
	nobody := k.With(auth.Verdict{})
	nobody.Call("GET", replaced, nil).Refused(http.StatusNotFound, "not_found")
	nobody.Call("GET", path, nil).Want(http.StatusOK)
	k.Clock.Advance(time.Hour)
	nobody.Call("GET", path, nil).Refused(http.StatusNotFound, "not_found")
	nobody.Call("GET", path+"x", nil).Refused(http.StatusNotFound, "not_found")
	path = share(object{})
	c.Call("DELETE", "/repository/delete/post/"+id, nil).Want(http.StatusOK)
	nobody.Call("GET", path, nil).Refused(http.StatusNotFound, "not_found")
}

func TestPasscodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	path := "/repository/shared/" + c.Call("POST", "/repository/share/post/"+id, object{"passcode": "1234"}).Want(http.StatusOK).String("token")
	nobody := k.With(auth.Verdict{})
	for range 10 {
		nobody.Call("POST", path, object{"passcode": "4321"}).Refused(http.StatusBadRequest, "wrong_passcode")
	}
	nobody.Call("POST", path, object{"passcode": "1234"}).Refused(http.StatusTooManyRequests, "too_many_attempts")
	k.Clock.Advance(16 * time.Minute)
	nobody.Call("POST", path, object{"passcode": "1234"}).Want(http.StatusOK)
}

func TestWhoMayShare(t *testing.T) {
	t.Parallel()
	k := testkit.New(t, repository.New)
	c := k.Owner("acme")
	id := create(c, "post", object{"title": "one"})
	path := "/repository/share/post/" + id
	c.Call("POST", path, object{"expiresAt": "2020-01-01"}).Refused(http.StatusBadRequest, "invalid_input")
	c.Call("POST", path, object{"passcode": "1"}).Refused(http.StatusBadRequest, "validation_failed")
	c.Call("POST", path, object{"notify": []object{{"channel": "sms", "to": "1"}}}).Refused(http.StatusBadRequest, "invalid_input")
	c.Call("DELETE", path, nil).Refused(http.StatusNotFound, "not_found")
	k.Owner("globex").Call("POST", path, object{}).Refused(http.StatusNotFound, "not_found")
	k.Customer("acme", "eve@x.example").Call("POST", path, object{}).Refused(http.StatusForbidden, "forbidden")
	c.Call("POST", "/repository/share/nosuch/"+id, object{}).Refused(http.StatusNotFound, "unknown_datatype")
	c.Call("POST", path, object{}).Want(http.StatusOK)
	eve := k.Customer("acme", "eve@x.example")
	seen := eve.Call("GET", "/repository/get/post/"+id, nil).Want(http.StatusOK)
	if seen.Map()["share"] != nil {
		t.Errorf("a customer reads the share: %s", seen.Body)
	}
	eve.Call("POST", "/repository/find/post", `{"query":{"share.token":{"$regex":"^a"}}}`).Refused(http.StatusBadRequest, "invalid_filter")
}
