package dynamo

import (
	"context"
	"time"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// plan is one operation on its way. It starts out native: the operation as an
// expression. When DynamoDB refuses that, judge decides in Go on the state that
// refused it; if the operation may go on, it is pinned to that state.
type plan struct {
	op     table.Op
	cond   table.Cond
	test   eval.Program
	pinned bool
	old    *stored   // the live item that a pinned plan goes by; nil for none
	oldDoc table.Doc // its document
	body   *stored   // what a Put stores, and a pinned Modify
	newDoc table.Doc // the document of body
	inline int       // bytes of document that stay in the item
}

func newPlan(op table.Op) (*plan, error) {
	p := &plan{op: op, inline: table.InlineMax}
	switch op := op.(type) {
	case table.Put:
		p.cond = op.If
	case table.Modify:
		p.cond = op.If
	case table.Delete:
		p.cond = op.If
	case table.Check:
		p.cond = op.If
	}
	var err error
	p.test, err = eval.Compile(p.cond)
	return p, err
}

// judge decides the operation on the item's actual state, nil for none. It
// returns the refusal, or nil when the operation is worth another attempt.
func (p *plan) judge(ctx context.Context, t *Table, s *stored) error {
	if !t.isLive(s) {
		s = nil
	}
	var doc table.Doc
	if s != nil {
		var err error
		if doc, err = t.document(ctx, s); err != nil {
			return err
		}
	}
	modify, isModify := p.op.(table.Modify)
	if isModify && s == nil && !modify.Upsert {
		return table.ErrNotFound
	}
	if !p.test.Holds(doc, s != nil) {
		refused := &table.Refused{}
		if s != nil {
			old := s.item(doc)
			refused.Old = &old
		}
		return refused
	}
	if isModify && p.pinned && p.old == nil && s != nil && s.Blob == "" {
		// Another one created the item in between: from now on the expression
		// will do, and it does not depend on the document staying as it is.
		p.pinned = false
		return nil
	}
	p.pinned, p.old, p.oldDoc = true, s, doc
	if isModify {
		return p.apply(ctx, t, modify)
	}
	return nil
}

// apply works out in Go what a pinned Modify stores.
func (p *plan) apply(ctx context.Context, t *Table, m table.Modify) error {
	doc, err := eval.Apply(p.oldDoc, m)
	if err != nil {
		return err
	}
	body := &stored{Part: m.Key.Part, Sort: m.Key.Sort}
	if p.old != nil {
		copied := *p.old
		body = &copied
	}
	if !m.Expires.IsZero() {
		body.TTL = eval.ExpirySeconds(m.Expires)
	}
	if m.Outbox != nil {
		body.Outbox = string(m.Outbox)
	}
	fields := body.indexes()
	for i, name := range table.IndexNames() {
		if value, ok := m.Index[name]; ok {
			*fields[i] = value
		}
	}
	p.body, p.newDoc = body, doc
	if p.old != nil && !eval.Edits(m) {
		return nil // the document stays where it is
	}
	return t.offload(ctx, body, doc, p.inline)
}

// prepare works out what a Put stores; its blob is written once for all rounds.
func (p *plan) prepare(ctx context.Context, t *Table) error {
	put, ok := p.op.(table.Put)
	if !ok || p.body != nil {
		return nil
	}
	p.body, p.newDoc = fromItem(put.Item), trimmed(put.Item.Doc)
	return t.offload(ctx, p.body, p.newDoc, p.inline)
}

// condition is the expression that the write depends on.
func (p *plan) condition(b *builder, now time.Time) (fragment, error) {
	if p.pinned {
		if p.old == nil {
			return not(b.live(now)), nil
		}
		same, err := p.identity(b)
		return and(b.live(now), same), err
	}
	modify, isModify := p.op.(table.Modify)
	if p.cond == nil && !isModify {
		return always(true), nil
	}
	f, paths, err := b.condition(p.cond)
	if err != nil {
		return fragment{}, err
	}
	if paths && !f.constant() || isModify && eval.Edits(modify) {
		// The expression cannot see into a blob.
		f = and(textual("attribute_not_exists("+b.name(attrBlob)+")"), f)
	}
	if !isModify && p.test.Holds(nil, false) {
		if f.is(true) {
			return f, nil
		}
		return or(not(b.live(now)), f), nil
	}
	return and(b.live(now), f), nil
}

// identity is the condition that the document still is the one judged by.
func (p *plan) identity(b *builder) (fragment, error) {
	doc, blob := b.name(attrDoc), b.name(attrBlob)
	switch {
	case p.old.Blob != "":
		return textual(blob + " = " + b.text(p.old.Blob)), nil
	case len(p.old.Doc) > 0:
		value, err := ToAttribute(p.old.Doc)
		return textual(doc + " = " + b.value(value)), err
	}
	return textual("(attribute_not_exists(" + doc + ") AND attribute_not_exists(" + blob + "))"), nil
}

// conditionText writes a condition out; DynamoDB has no constants, so they become
// conditions that always or never hold.
func (b *builder) conditionText(f fragment) string {
	exists, missing := "attribute_exists("+b.name(attrPart)+")", "attribute_not_exists("+b.name(attrPart)+")"
	switch {
	case f.is(true):
		return exists + " OR " + missing
	case f.is(false):
		return exists + " AND " + missing
	}
	return f.text
}
