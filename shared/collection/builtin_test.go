package collection

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestEveryBuiltinWorks(t *testing.T) {
	t.Parallel()
	names := BuiltinNames()
	if len(names) < 217 {
		t.Errorf("built-in collections: got %d, want at least 217", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ok, err := Builtin(name)
			if !ok || err != nil {
				t.Fatalf("Builtin(%q) = %v, %v", name, ok, err)
			}
			if d.Name != name {
				t.Errorf("file %s.json holds %q", name, d.Name)
			}
			if _, err := compile(d.Schema); err != nil {
				t.Errorf("schema: %v", err)
			}
			checkSlots(t, d)
		})
	}
}

func checkSlots(t *testing.T, d *Definition) {
	t.Helper()
	for slot, path := range d.Slots {
		if !strings.HasPrefix(path, Wrapper) {
			continue
		}
		if _, scalar := kindAt(decode(d.Schema), path); !scalar {
			t.Errorf("slot %s holds %s, which is not declared as a scalar", slot, path)
		}
	}
}

func TestMarksDecideWhoWrites(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Mark{
		"collection": Reserved, "user": Reserved, "apikey": Reserved, "wallet": Money,
		"sf_order": Module, "event": Module, "sf_product": Ordinary, "ticket": Ordinary,
	} {
		d, ok, err := Builtin(name)
		if !ok || err != nil || d.Mark != want {
			t.Errorf("mark of %s: got %q (%v), want %q", name, d.Mark, err, want)
		}
	}
}

func TestBuiltinRefusesPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "..", "../users", "users/user", "user.json", "User", "nosuch"} {
		if IsBuiltin(name) {
			t.Errorf("IsBuiltin(%q) = true", name)
		}
	}
}

func TestUniqueFieldsOfPagesAreScopedToTheirSite(t *testing.T) {
	t.Parallel()
	d, _, err := Builtin("page")
	if err != nil {
		t.Fatal(err)
	}
	want := []Unique{{Field: "data.name", Scope: []string{"data.site"}}, {Field: "data.slug", Scope: []string{"data.site"}}}
	if !slices.EqualFunc(d.Unique, want, func(a, b Unique) bool { return a.Field == b.Field && slices.Equal(a.Scope, b.Scope) }) {
		t.Errorf("unique: got %v, want %v", d.Unique, want)
	}
}

// No value of a declared secret may be readable, so none may be indexed.
func TestSecretsAreNeverIndexed(t *testing.T) {
	t.Parallel()
	for _, name := range BuiltinNames() {
		d, _, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		for slot, path := range d.Slots {
			if slices.Contains(d.Secrets, path) {
				t.Errorf("%s: slot %s holds the secret %s", name, slot, path)
			}
		}
	}
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		if _, _, err := Builtin("sf_order"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	d, _, err := Builtin("sf_order")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := compile(d.Schema); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	d, _, err := Builtin("tag")
	if err != nil {
		b.Fatal(err)
	}
	data := json.RawMessage(`{"name":"lamps","title":"Lamps"}`)
	for b.Loop() {
		if _, err := d.Prepare(data, nil, testEnv()); err != nil {
			b.Fatal(err)
		}
	}
}
