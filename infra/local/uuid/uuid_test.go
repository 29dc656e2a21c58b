package uuid_test

import (
	"regexp"
	"testing"

	"github.com/appmint/appengine/infra/local/uuid"
)

func TestNewIsVersionFourAndUnique(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	first, second := uuid.New(), uuid.New()
	if !form.MatchString(first) || first == second {
		t.Errorf("New = %q and %q, want two different UUIDs of version 4", first, second)
	}
}
