package embedded_test

import (
	"testing"
	"time"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/embedded"
	"github.com/appmint/appengine/shared/table/tabletest"
)

func openMemory(t testing.TB, now func() time.Time) *embedded.Engine {
	t.Helper()
	e, err := embedded.OpenMemory(embedded.Options{Now: now})
	return closing(t, e, err)
}

func openDisk(t testing.TB, dir string) *embedded.Engine {
	t.Helper()
	e, err := embedded.Open(dir, embedded.Options{Now: time.Now})
	return closing(t, e, err)
}

func closing(t testing.TB, e *embedded.Engine, err error) *embedded.Engine {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestConformanceInMemory(t *testing.T) {
	t.Parallel()
	tabletest.Run(t, func(t *testing.T) table.Table { return openMemory(t, time.Now) })
}

func TestConformanceOnDisk(t *testing.T) {
	t.Parallel()
	tabletest.Run(t, func(t *testing.T) table.Table { return openDisk(t, t.TempDir()) })
}
