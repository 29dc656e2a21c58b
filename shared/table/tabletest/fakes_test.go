package tabletest_test

import (
	"testing"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/tabletest"
)

func callAll(t *testing.T, tbl table.Table) []error {
	t.Helper()
	errs := make([]error, 5)
	_, errs[0] = tbl.Get(t.Context(), table.Key{})
	_, errs[1] = tbl.BatchGet(t.Context(), nil)
	_, errs[2] = tbl.Query(t.Context(), table.Query{})
	_, errs[3] = tbl.Write(t.Context(), table.Delete{})
	errs[4] = tbl.Transact(t.Context(), "")
	return errs
}

func TestBrokenFailsEverythingInternally(t *testing.T) {
	t.Parallel()
	for i, err := range callAll(t, tabletest.Broken()) {
		if _, isFault := fault.From(err); err == nil || isFault {
			t.Errorf("call %d: got %v, want an internal error", i, err)
		}
	}
}

func TestCountingCountsByKind(t *testing.T) {
	t.Parallel()
	c := tabletest.Counting(tabletest.Broken())
	callAll(t, c)
	_, _ = c.Get(t.Context(), table.Key{})
	want := tabletest.Calls{Get: 2, BatchGet: 1, Query: 1, Write: 1, Transact: 1}
	if got := c.Calls(); got != want || got.Total() != 6 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := c.Reset(); got != want || c.Calls().Total() != 0 {
		t.Errorf("reset returned %+v and left %+v", got, c.Calls())
	}
}
