package repository

import (
	"slices"
	"testing"

	"github.com/appmint/appengine/shared/collection"
)

func TestAdminOnlyIsTheMark(t *testing.T) {
	t.Parallel()
	var want []string
	for _, name := range collection.BuiltinNames() {
		if d, _, err := collection.Builtin(name); err != nil || d.AdminOnly {
			want = append(want, name)
		}
	}
	if !slices.Equal(adminOnly(), want) {
		t.Errorf("got %v, want %v", adminOnly(), want)
	}
}

// The one-pass search knows every name of the list.
func TestMembersFindsEverySecret(t *testing.T) {
	t.Parallel()
	for _, name := range secretNames() {
		common, _ := members([]byte(`{"a":1,"data":{"x":"y","` + name + `":"v"}}`))
		if len(common) != 1 || common[0] != name {
			t.Errorf("%s: found %v", name, common)
		}
	}
	common, some := members([]byte(`{"pin":1,"data":{"text":"\"password\": x","n":"password"},"tokens":2}`))
	if len(common) != 0 || len(some) != 1 {
		t.Errorf("found %v and %v", common, some)
	}
}

func TestRedactLeavesOtherRecordsAlone(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`{"data":{"b":1,"a":2}}`:                                                     `{"data":{"b":1,"a":2}}`,
		`{"data":{"password":"x","a":12345678901234567890}}`:                         `{"data":{"a":12345678901234567890}}`,
		`{"datatype":"note","data":{"token":"x"}}`:                                   `{"datatype":"note","data":{"token":"x"}}`,
		`{"datatype":"wallet","data":{"payoutMethods":[{"token":"x"}]}}`:             `{"data":{"payoutMethods":[{}]},"datatype":"wallet"}`,
		`{"datatype":"trash","sourceDatatype":"wallet","data":{"token":1}}`:          `{"data":{},"datatype":"trash","sourceDatatype":"wallet"}`,
		`{"datatype":"collection","data":{"schema":{"properties":{"password":{}}}}}`: `{"datatype":"collection","data":{"schema":{"properties":{"password":{}}}}}`,
		`{"share":{"token":"t","passcodeHash":"x"}}`:                                 `{"share":{"token":"t"}}`,
	} {
		if got := string(redact([]byte(doc))); got != want {
			t.Errorf("%s: got %s, want %s", doc, got, want)
		}
	}
}
