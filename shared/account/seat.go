package account

import (
	"context"
	"fmt"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
)

// ErrUserLimit refuses one more user than the plan has room for.
var ErrUserLimit = fault.New(fault.Forbidden, "user_limit_reached", "Your plan has no room for another user.")

// Seat answers ErrUserLimit when the org has as many active users as its plan,
// or its own maxUsers, allows.
func (a *Accounts) Seat(ctx context.Context, id org.ID) error {
	c, _, err := a.directory.Company(ctx, id)
	if err != nil {
		return err
	}
	limit := a.deps.Meter.Plan(c.Plan).MaxUsers
	if c.MaxUsers > 0 {
		limit = int(c.MaxUsers)
	}
	if limit == 0 {
		return nil
	}
	page, err := a.deps.Records.Tenant(id).Find(ctx, Users, repository.Find{Options: repository.ListOptions{PageSize: repository.PageSizeMax, NoCount: true}})
	if err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	active := 0
	for _, raw := range page.Data {
		rec, err := record.Typed[Fields](raw)
		if err != nil {
			return err
		}
		if rec.Data.Person().Usable() {
			active++
		}
	}
	if active >= limit {
		return ErrUserLimit
	}
	return nil
}
