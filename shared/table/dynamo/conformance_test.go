package dynamo_test

import (
	"testing"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/tabletest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	tabletest.Run(t, func(t *testing.T) table.Table { return open(t) })
}
