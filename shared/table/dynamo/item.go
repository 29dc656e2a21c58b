package dynamo

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// The attributes of an item besides its index attributes, which are called as
// table.IndexNames says.
const (
	attrPart   = "PK"
	attrSort   = "SK"
	attrDoc    = "doc"
	attrBlob   = "blob"
	attrOutbox = "outbox"
	attrTTL    = "ttl"
)

type attributes = map[string]types.AttributeValue

// stored is an item as it lies in the table: either the document or the key of
// the blob that holds it.
type stored struct {
	Part   string   `dynamodbav:"PK"`
	Sort   string   `dynamodbav:"SK"`
	Doc    document `dynamodbav:"doc,omitempty"`
	Blob   string   `dynamodbav:"blob,omitempty"`
	Outbox string   `dynamodbav:"outbox,omitempty"`
	TTL    int64    `dynamodbav:"ttl,omitempty"`
	By1    string   `dynamodbav:"by1,omitempty"`
	By2    string   `dynamodbav:"by2,omitempty"`
	By3    string   `dynamodbav:"by3,omitempty"`
	By4    string   `dynamodbav:"by4,omitempty"`
	By5    string   `dynamodbav:"by5,omitempty"`
	Ord1   string   `dynamodbav:"ord1,omitempty"`
	Ord2   string   `dynamodbav:"ord2,omitempty"`
	Ord3   string   `dynamodbav:"ord3,omitempty"`
}

// indexes returns the fields of the index attributes in the order of
// table.IndexNames.
func (s *stored) indexes() []*string {
	return []*string{&s.By1, &s.By2, &s.By3, &s.By4, &s.By5, &s.Ord1, &s.Ord2, &s.Ord3}
}

func (s *stored) attributes() (attributes, error) {
	all, err := attributevalue.MarshalMap(s)
	if err != nil {
		return nil, fmt.Errorf("encode item: %w", err)
	}
	return all, nil
}

// parse reads an item as the table returns it; nothing is nil.
func parse(all attributes) (*stored, error) {
	if len(all) == 0 {
		return nil, nil //nolint:nilnil // no item is no error
	}
	var s stored
	if err := attributevalue.UnmarshalMap(all, &s); err != nil {
		return nil, fmt.Errorf("decode item: %w", err)
	}
	return &s, nil
}

// fromItem is without the document, whose place offload decides.
func fromItem(item table.Item) *stored {
	s := &stored{
		Part:   item.Part,
		Sort:   item.Sort,
		Outbox: string(item.Outbox),
		TTL:    eval.ExpirySeconds(item.Expires),
	}
	fields := s.indexes()
	for i, name := range table.IndexNames() {
		*fields[i] = item.Index[name]
	}
	return s
}

// item is the reverse; doc is the document wherever it lay.
func (s *stored) item(doc table.Doc) table.Item {
	item := table.Item{
		Key:     table.Key{Part: s.Part, Sort: s.Sort},
		Doc:     doc,
		Expires: eval.ExpiryTime(s.TTL),
	}
	if s.Outbox != "" {
		item.Outbox = table.Doc(s.Outbox)
	}
	fields := s.indexes()
	for i, name := range table.IndexNames() {
		if *fields[i] == "" {
			continue
		}
		if item.Index == nil {
			item.Index = make(map[string]string)
		}
		item.Index[name] = *fields[i]
	}
	return item
}

func keyOf(k table.Key) attributes {
	return attributes{
		attrPart: &types.AttributeValueMemberS{Value: k.Part},
		attrSort: &types.AttributeValueMemberS{Value: k.Sort},
	}
}
