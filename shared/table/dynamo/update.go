package dynamo

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// update collects the clauses of an update expression.
type update struct {
	*builder
	set, remove []string
}

func (u *update) assign(target, value string) { u.set = append(u.set, target+" = "+value) }

// assignText sets a text attribute, or removes it when the text is empty:
// DynamoDB takes no empty text in an index.
func (u *update) assignText(name, value string) {
	if value == "" {
		u.remove = append(u.remove, u.name(name))
		return
	}
	u.assign(u.name(name), u.text(value))
}

func (u *update) expression() string {
	var clauses []string
	for _, c := range []struct {
		verb  string
		terms []string
	}{{"SET ", u.set}, {"REMOVE ", u.remove}} {
		if len(c.terms) > 0 {
			clauses = append(clauses, c.verb+strings.Join(c.terms, ", "))
		}
	}
	return strings.Join(clauses, " ")
}

// updateOf is the update expression of a Modify, "" when there is nothing to do.
func (p *plan) updateOf(b *builder, m table.Modify) (string, error) {
	u := &update{builder: b}
	var err error
	if p.pinned {
		err = p.replaceDocument(u, m)
	} else {
		err = u.paths(m)
	}
	if err != nil {
		return "", err
	}
	for _, name := range table.IndexNames() {
		if value, ok := m.Index[name]; ok {
			u.assignText(name, value)
		}
	}
	if m.Outbox != nil {
		u.assignText(attrOutbox, string(m.Outbox))
	}
	if !m.Expires.IsZero() {
		u.assign(b.name(attrTTL), b.value(number(eval.ExpirySeconds(m.Expires))))
	}
	return u.expression(), nil
}

func (u *update) paths(m table.Modify) error {
	for _, a := range m.Set {
		if a.From != nil {
			u.assign(u.path(a.Path), u.path(a.From))
			continue
		}
		value, err := u.json(a.Value)
		if err != nil {
			return err
		}
		u.assign(u.path(a.Path), value)
	}
	for _, inc := range m.Add {
		// ADD is documented for top-level attributes only.
		target := u.path(inc.Path)
		u.assign(target, "if_not_exists("+target+", "+u.value(number(0))+") + "+u.value(number(inc.By)))
	}
	for _, path := range m.Remove {
		u.remove = append(u.remove, u.path(path))
	}
	return nil
}

func (p *plan) replaceDocument(u *update, m table.Modify) error {
	if !eval.Edits(m) {
		return nil
	}
	if p.body.Blob != "" {
		u.assign(u.name(attrBlob), u.text(p.body.Blob))
		u.remove = append(u.remove, u.name(attrDoc))
		return nil
	}
	value, err := ToAttribute(p.body.Doc)
	if err != nil {
		return err
	}
	u.assign(u.name(attrDoc), u.value(value))
	u.remove = append(u.remove, u.name(attrBlob))
	return nil
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
