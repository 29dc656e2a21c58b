package auth_test

import (
	"testing"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
)

func newTenant(t testing.TB, c *clock) table.Tenant {
	t.Helper()
	engine, err := embedded.OpenMemory(embedded.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return table.Of(engine, "acme")
}
