package collection

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/appmint/appengine/shared/org"
)

// FreshFor is how long a process trusts its copy of a run-time definition: a
// change made elsewhere works everywhere after that; one made here at once.
const FreshFor = 3 * time.Second

// cachedMax bounds the copies a process keeps.
const cachedMax = 2000

// Loader reads the payload of an org's collection record; ok is false when
// there is none.
type Loader func(ctx context.Context, id org.ID, name string) (data json.RawMessage, ok bool, err error)

// Catalogue answers what a collection is, for every org.
type Catalogue struct {
	load Loader
	now  func() time.Time

	mu      sync.RWMutex
	builtin map[string]*Definition
	custom  map[customKey]cached
}

type customKey struct {
	org  org.ID
	name string
}

type cached struct {
	definition *Definition
	until      time.Time
}

// NewCatalogue builds a catalogue.
func NewCatalogue(load Loader, now func() time.Time) *Catalogue {
	return &Catalogue{load: load, now: now, builtin: map[string]*Definition{}, custom: map[customKey]cached{}}
}

// Of returns the definition of a collection as the org has it, or ErrUnknown.
// Unknown names are never remembered, so a new collection works at once.
func (c *Catalogue) Of(ctx context.Context, id org.ID, name string) (*Definition, error) {
	c.mu.RLock()
	d, ok := c.builtin[name]
	own, known := c.custom[customKey{id, name}]
	c.mu.RUnlock()
	if ok {
		return d, nil
	}
	if known && c.now().Before(own.until) {
		return own.definition, nil
	}
	d, ok, err := Builtin(name)
	if err != nil {
		return nil, err
	}
	if ok {
		return c.keep(name, d), nil
	}
	return c.read(ctx, customKey{id, name})
}

// keep stores a parsed built-in, unless somebody else was first.
func (c *Catalogue) keep(name string, d *Definition) *Definition {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.builtin[name]; ok {
		return first
	}
	c.builtin[name] = d
	return d
}

func (c *Catalogue) read(ctx context.Context, key customKey) (*Definition, error) {
	if !namePattern.MatchString(key.name) {
		return nil, ErrUnknown
	}
	data, ok, err := c.load(ctx, key.org, key.name)
	if err != nil {
		return nil, err
	}
	if !ok {
		c.Forget(key.org, key.name)
		return nil, ErrUnknown
	}
	d, err := ofCustom(data)
	if err != nil {
		return nil, err
	}
	d.Name = key.name
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.custom) >= cachedMax {
		clear(c.custom)
	}
	c.custom[key] = cached{definition: d, until: c.now().Add(FreshFor)}
	return d, nil
}

// Forget drops this process's copy of a run-time definition.
func (c *Catalogue) Forget(id org.ID, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.custom, customKey{id, name})
}
