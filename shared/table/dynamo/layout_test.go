package dynamo

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/stream"
)

// wire is an attribute as Lambda's events write it.
func wire(value types.AttributeValue) events.DynamoDBAttributeValue {
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		members := map[string]events.DynamoDBAttributeValue{}
		for name, member := range v.Value {
			members[name] = wire(member)
		}
		return events.NewMapAttribute(members)
	case *types.AttributeValueMemberL:
		elements := make([]events.DynamoDBAttributeValue, len(v.Value))
		for i, element := range v.Value {
			elements[i] = wire(element)
		}
		return events.NewListAttribute(elements)
	case *types.AttributeValueMemberS:
		return events.NewStringAttribute(v.Value)
	case *types.AttributeValueMemberN:
		return events.NewNumberAttribute(v.Value)
	case *types.AttributeValueMemberBOOL:
		return events.NewBooleanAttribute(v.Value)
	}
	return events.NewNullAttribute()
}

// The records of the local stream must have the attributes that this adapter
// stores, or consumers would see something else in production.
func TestStreamRecordsHaveTheStoredLayout(t *testing.T) {
	t.Parallel()
	item := table.Item{
		Key:     table.Key{Part: "acme#book", Sort: "book-1"},
		Doc:     table.Doc(`{"a":[1,"x",null,true,{"b":[]}],"n":1.50,"o":{}}`),
		Index:   map[string]string{},
		Outbox:  table.Doc(`[1]`),
		Expires: time.Date(2100, 1, 2, 3, 4, 5, 6, time.UTC),
	}
	for _, name := range table.IndexNames() {
		item.Index[name] = "value of " + name
	}
	s := fromItem(item)
	s.Doc = document(item.Doc)
	all, err := s.attributes()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]events.DynamoDBAttributeValue{}
	for name, value := range all {
		want[name] = wire(value)
	}
	var record events.DynamoDBEventRecord
	if err := json.Unmarshal(stream.Record(table.Change{ID: "1", Key: item.Key, New: &item}), &record); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text(t, record.Change.NewImage), text(t, want)); diff != "" {
		t.Errorf("image (-got +want):\n%s", diff)
	}
}

func text(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// DynamoDB refuses doubled parentheses, which local servers let pass, and names
// or values that no expression refers to.
func TestExpressionsAreWellFormed(t *testing.T) {
	t.Parallel()
	path := table.At("a.b")
	yes := table.Compare{Path: path, Op: table.NotEqual, Value: 1}
	for _, cond := range []table.Cond{
		yes,
		table.And{yes},
		table.And{table.And{yes, yes}},
		table.Or{table.And{yes, yes}, table.Or{yes, yes}},
		table.Not{Cond: table.Not{Cond: yes}},
		table.Not{Cond: table.Or{yes, yes}},
		table.And{yes, table.Or{}},
		table.ItemExists{},
		table.ItemMissing{},
		table.Or{table.ItemMissing{}, yes},
		table.And{},
		table.Contains{Path: path, Value: ""},
		table.Prefix{Path: path},
		table.In{Path: path, Values: []any{1, 2}},
	} {
		for _, op := range []table.Op{
			table.Put{If: cond},
			table.Modify{If: cond, Upsert: true},
			table.Delete{If: cond},
			table.Check{If: cond},
			table.Modify{If: cond, Set: []table.Assign{{Path: path, Value: 1}}},
		} {
			p, err := newPlan(op)
			if err != nil {
				t.Fatal(err)
			}
			b := newBuilder()
			f, err := p.condition(b, time.Unix(5, 5))
			if err != nil {
				t.Fatal(err)
			}
			expression := b.conditionText(f)
			if doubled(expression) {
				t.Errorf("%T %+v: doubled parentheses in %s", op, cond, expression)
			}
			names, values := b.used(&expression)
			if len(names)+len(values) != len(distinct(placeholders(&expression))) {
				t.Errorf("%s: has names %v and values %v", expression, names, values)
			}
		}
	}
}

func distinct(texts []string) map[string]bool {
	set := map[string]bool{}
	for _, text := range texts {
		if text[0] == '#' || text[0] == ':' {
			set[text] = true
		}
	}
	return set
}

// doubled says whether two pairs of parentheses enclose the same text.
func doubled(text string) bool {
	var opened []int
	closing := map[int]int{}
	for i, c := range text {
		switch c {
		case '(':
			opened = append(opened, i)
		case ')':
			last := len(opened) - 1
			closing[opened[last]] = i
			opened = opened[:last]
		}
	}
	for open, end := range closing {
		if inner, ok := closing[open+1]; ok && inner == end-1 {
			return true
		}
	}
	return false
}
