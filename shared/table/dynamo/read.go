package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// Get implements table.Table.
func (t *Table) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := eval.CheckKey(key); err != nil {
		return table.Item{}, err
	}
	s, err := t.fetch(ctx, key)
	if err != nil {
		return table.Item{}, err
	}
	item, err := t.complete(ctx, s)
	if err != nil && s != nil && s.Blob != "" {
		// The document was replaced, and the old one discarded, between the two
		// reads: the item now names another.
		if s, err = t.fetch(ctx, key); err == nil {
			item, err = t.complete(ctx, s)
		}
	}
	if err == nil && item == nil {
		return table.Item{}, table.ErrNotFound
	}
	if err != nil {
		return table.Item{}, err
	}
	return *item, nil
}

// fetch reads an item consistently, expired or not; nil when there is none.
func (t *Table) fetch(ctx context.Context, key table.Key) (*stored, error) {
	out, err := t.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:              &t.name,
		Key:                    keyOf(key),
		ConsistentRead:         aws.Bool(true),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		table.Consume(ctx, 1, 0, 0)
		return nil, failure("get item", err)
	}
	table.Consume(ctx, 1, unitsOf(out.ConsumedCapacity), 0)
	return parse(out.Item)
}

// isLive is also false for nil.
func (t *Table) isLive(s *stored) bool { return s != nil && eval.Live(s.TTL, t.now()) }

// complete returns the item with its document, nil when it is missing or expired.
func (t *Table) complete(ctx context.Context, s *stored) (*table.Item, error) {
	if !t.isLive(s) {
		return nil, nil //nolint:nilnil // no item is no error
	}
	doc, err := t.document(ctx, s)
	if err != nil {
		return nil, err
	}
	item := s.item(doc)
	return &item, nil
}

// BatchGet implements table.Table.
func (t *Table) BatchGet(ctx context.Context, keys []table.Key) ([]table.Item, error) {
	found := make(map[table.Key]*table.Item, len(keys))
	distinct := make([]table.Key, 0, len(keys))
	for _, key := range keys {
		if err := eval.CheckKey(key); err != nil {
			return nil, err
		}
		if _, ok := found[key]; !ok {
			found[key] = nil
			distinct = append(distinct, key)
		}
	}
	for start := 0; start < len(distinct); start += table.BatchGetMax {
		chunk := distinct[start:min(start+table.BatchGetMax, len(distinct))]
		if err := t.batch(ctx, chunk, found); err != nil {
			return nil, err
		}
	}
	items := make([]table.Item, 0, len(keys))
	given := make(map[table.Key]bool, len(keys))
	for _, key := range keys {
		item := found[key]
		if item == nil {
			continue
		}
		if given[key] {
			items = append(items, clone(*item))
			continue
		}
		given[key] = true
		items = append(items, *item)
	}
	return items, nil
}

// batch reads up to a hundred keys; DynamoDB leaves some for another round when
// the answer is over 16 MB or under load.
func (t *Table) batch(ctx context.Context, keys []table.Key, found map[table.Key]*table.Item) error {
	wanted := make([]map[string]types.AttributeValue, len(keys))
	for i, key := range keys {
		wanted[i] = keyOf(key)
	}
	for round := range roundsMax {
		out, err := t.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems:           map[string]types.KeysAndAttributes{t.name: {Keys: wanted, ConsistentRead: aws.Bool(true)}},
			ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			table.Consume(ctx, 1, 0, 0)
			return failure("batch get", err)
		}
		table.Consume(ctx, 1, sumUnits(out.ConsumedCapacity), 0)
		for _, all := range out.Responses[t.name] {
			if err := t.collect(ctx, all, found); err != nil {
				return err
			}
		}
		wanted = out.UnprocessedKeys[t.name].Keys
		if len(wanted) == 0 {
			return nil
		}
		if len(out.Responses[t.name]) > 0 {
			continue // it was the size, not the load
		}
		if err := pause(ctx, round); err != nil {
			return err
		}
	}
	return table.ErrBusy
}

func (t *Table) collect(ctx context.Context, all attributes, found map[table.Key]*table.Item) error {
	s, err := parse(all)
	if err != nil || s == nil {
		return err
	}
	key := table.Key{Part: s.Part, Sort: s.Sort}
	item, err := t.complete(ctx, s)
	if err != nil && s.Blob != "" {
		again, errAgain := t.Get(ctx, key)
		if errAgain == nil {
			item, err = &again, nil
		} else if errors.Is(errAgain, table.ErrNotFound) {
			item, err = nil, nil
		}
	}
	found[key] = item
	return err
}

// clone is a copy that shares nothing.
func clone(item table.Item) table.Item {
	return fromItem(item).item(append(table.Doc(nil), item.Doc...))
}
