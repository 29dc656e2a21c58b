package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/table"
)

// ErrOrgTaken refuses an organisation id that somebody has.
var ErrOrgTaken = fault.New(fault.Conflict, "org_taken", "There is already an organisation with that id.")

const (
	claimPart = "org"
	// claimFor is how long somebody may take to found what they have claimed;
	// a claim that is older and led to nothing can be taken over.
	claimFor   = 2 * time.Minute
	claimTries = 4
)

// claim is the item that makes an org's id unique across the platform: in the
// root org, partition "org", sort = the id.
type claim struct {
	At   int64 `json:"at"`   // epoch milliseconds
	Done bool  `json:"done"` // the org exists
}

// Free says whether an org id can be founded now.
func (a *Accounts) Free(ctx context.Context, id org.ID) (bool, error) {
	if id == org.Root {
		return false, nil
	}
	if _, ok, err := a.directory.Company(ctx, id); err != nil || ok {
		return false, err
	}
	item, err := table.Of(a.deps.Table, org.Root).Get(ctx, claimKey(id))
	if errors.Is(err, table.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read claim: %w", err)
	}
	var c claim
	if err := item.Doc.Decode(&c); err != nil {
		return false, fmt.Errorf("read claim: %w", err)
	}
	return !c.Done && c.At < a.deps.Now().Add(-claimFor).UnixMilli(), nil
}

// Ending is a random text that makes an id out of one that is taken.
func (a *Accounts) Ending() string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789"
	raw := make([]byte, 5)
	a.deps.Random(raw)
	for i, b := range raw {
		raw[i] = letters[int(b)%len(letters)]
	}
	return string(raw)
}

// claimOne claims the id asked for, or one derived from the name, with a random
// ending when others have it.
func (a *Accounts) claimOne(ctx context.Context, wanted, name string) (org.ID, error) {
	if wanted != "" {
		id, err := org.Parse(wanted)
		if err != nil {
			return "", err
		}
		return id, a.claim(ctx, id)
	}
	text := Slug(name)
	for range claimTries {
		id, err := org.Parse(text)
		if err == nil {
			err = a.claim(ctx, id)
		}
		if err == nil {
			return id, nil
		}
		if !errors.Is(err, ErrOrgTaken) && !errors.Is(err, org.ErrInvalid) {
			return "", err
		}
		text = Slug(name) + "-" + a.Ending()
	}
	return "", ErrOrgTaken
}

func claimKey(id org.ID) table.Key { return table.Key{Part: claimPart, Sort: string(id)} }

// claim takes an id, or answers ErrOrgTaken. The platform's own is never free.
func (a *Accounts) claim(ctx context.Context, id org.ID) error {
	if id == org.Root {
		return ErrOrgTaken
	}
	if _, ok, err := a.directory.Company(ctx, id); err != nil || ok {
		return errors.Join(err, ErrOrgTaken)
	}
	now := a.deps.Now()
	doc, err := table.NewDoc(claim{At: now.UnixMilli()})
	if err != nil {
		return err
	}
	put := table.Put{Item: table.Item{Key: claimKey(id), Doc: doc}, If: table.Or{
		table.ItemMissing{},
		table.And{
			table.Compare{Path: table.At("done"), Op: table.Equal, Value: false},
			table.Compare{Path: table.At("at"), Op: table.Less, Value: now.Add(-claimFor).UnixMilli()},
		},
	}}
	_, err = table.Of(a.deps.Table, org.Root).Write(ctx, put)
	var refused *table.Refused
	if errors.As(err, &refused) {
		return ErrOrgTaken
	}
	if err != nil {
		return fmt.Errorf("claim org id: %w", err)
	}
	return nil
}

// release gives a claimed id back.
func (a *Accounts) release(ctx context.Context, id org.ID) error {
	_, err := table.Of(a.deps.Table, org.Root).Write(ctx, table.Delete{
		Key: claimKey(id), If: table.Compare{Path: table.At("done"), Op: table.Equal, Value: false},
	})
	var refused *table.Refused
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("release org id: %w", err)
	}
	return nil
}

// confirm notes that the org exists. Failing to is no harm: the company record
// itself keeps the id from being claimed again.
func (a *Accounts) confirm(ctx context.Context, id org.ID) {
	_, err := table.Of(a.deps.Table, org.Root).Write(ctx, table.Modify{
		Key: claimKey(id), Set: []table.Assign{{Path: table.At("done"), Value: true}},
	})
	if err != nil {
		a.deps.Log.WarnContext(ctx, "org id not confirmed", "org", id, "error", err.Error())
	}
}
