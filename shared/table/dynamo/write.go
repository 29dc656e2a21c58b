package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// Write implements table.Table.
func (t *Table) Write(ctx context.Context, op table.Op) (table.Item, error) {
	if err := eval.CheckOp(op); err != nil {
		return table.Item{}, err
	}
	p, err := newPlan(op)
	if err != nil {
		return table.Item{}, err
	}
	if _, ok := op.(table.Check); ok {
		return t.check(ctx, p)
	}
	for round := range roundsMax {
		item, err := t.send(ctx, p)
		if err == nil {
			return item, nil
		}
		if again, err := t.reconsider(ctx, p, err); !again {
			return table.Item{}, err
		}
		if round > 0 {
			if err := pause(ctx, round); err != nil {
				return table.Item{}, err
			}
		}
	}
	return table.Item{}, table.ErrBusy
}

// check asserts a condition outside of a transaction: a consistent read.
func (t *Table) check(ctx context.Context, p *plan) (table.Item, error) {
	s, err := t.fetch(ctx, table.KeyOf(p.op))
	if err != nil {
		return table.Item{}, err
	}
	if err := p.judge(ctx, t, s); err != nil || p.old == nil {
		return table.Item{}, err
	}
	return p.old.item(p.oldDoc), nil
}

// reconsider looks at why a write failed. again is true when the plan was pinned
// to the item's present state and the write is worth another attempt.
func (t *Table) reconsider(ctx context.Context, p *plan, cause error) (again bool, err error) {
	var refused *types.ConditionalCheckFailedException
	if errors.As(cause, &refused) {
		s, err := parse(refused.Item)
		if err == nil {
			err = p.judge(ctx, t, s)
		}
		return err == nil, err
	}
	if isValidation(cause) && p.canPin() {
		err := t.pin(ctx, p)
		return err == nil, err
	}
	return false, cause
}

// canPin says whether a rejected expression may be one that Go can do instead.
func (p *plan) canPin() bool {
	_, isModify := p.op.(table.Modify)
	return isModify && !p.pinned
}

// pin reads the item and judges the operation by it.
func (t *Table) pin(ctx context.Context, p *plan) error {
	s, err := t.fetch(ctx, table.KeyOf(p.op))
	if err != nil {
		return err
	}
	return p.judge(ctx, t, s)
}

// request is a write in the parts that the single calls and the transaction
// have in common.
type request struct {
	item      attributes // of a put
	update    *string    // of an update
	check     bool
	condition *string
	names     map[string]string
	values    attributes
}

func (t *Table) request(ctx context.Context, p *plan) (request, error) {
	if err := p.prepare(ctx, t); err != nil {
		return request{}, err
	}
	b := newBuilder()
	f, err := p.condition(b, t.now())
	if err != nil {
		return request{}, err
	}
	var r request
	switch op := p.op.(type) {
	case table.Put:
		r.item, err = p.body.attributes()
	case table.Modify:
		if p.pinned && p.old == nil {
			r.item, err = p.body.attributes()
			break
		}
		var text string
		if text, err = p.updateOf(b, op); text != "" {
			r.update = &text
		}
	case table.Delete:
	case table.Check:
		r.check = true
	}
	if !f.is(true) || r.check {
		r.condition = aws.String(b.conditionText(f))
	}
	r.names, r.values = b.used(r.condition, r.update)
	return r, err
}

// send makes one attempt.
func (t *Table) send(ctx context.Context, p *plan) (table.Item, error) {
	r, err := t.request(ctx, p)
	if err != nil {
		return table.Item{}, err
	}
	if r.item != nil {
		return t.putItem(ctx, p, r)
	}
	if _, ok := p.op.(table.Delete); ok {
		return t.deleteItem(ctx, p, r)
	}
	return t.updateItem(ctx, p, r)
}

func (t *Table) putItem(ctx context.Context, p *plan, r request) (table.Item, error) {
	out, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                           &t.name,
		Item:                                r.item,
		ConditionExpression:                 r.condition,
		ExpressionAttributeNames:            r.names,
		ExpressionAttributeValues:           r.values,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		table.Consume(ctx, 1, 0, 0)
		return table.Item{}, failure("put item", err)
	}
	table.Consume(ctx, 1, 0, unitsOf(out.ConsumedCapacity))
	return clone(p.body.item(p.newDoc)), nil
}

func (t *Table) deleteItem(ctx context.Context, p *plan, r request) (table.Item, error) {
	out, err := t.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                           &t.name,
		Key:                                 keyOf(table.KeyOf(p.op)),
		ConditionExpression:                 r.condition,
		ExpressionAttributeNames:            r.names,
		ExpressionAttributeValues:           r.values,
		ReturnValues:                        types.ReturnValueAllOld,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		table.Consume(ctx, 1, 0, 0)
		return table.Item{}, failure("delete item", err)
	}
	table.Consume(ctx, 1, 0, unitsOf(out.ConsumedCapacity))
	s, err := parse(out.Attributes)
	if err != nil {
		return table.Item{}, err
	}
	item, err := t.complete(ctx, s)
	if err != nil || item == nil {
		return table.Item{}, err
	}
	return *item, nil
}

func (t *Table) updateItem(ctx context.Context, p *plan, r request) (table.Item, error) {
	out, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &t.name,
		Key:                                 keyOf(table.KeyOf(p.op)),
		UpdateExpression:                    r.update,
		ConditionExpression:                 r.condition,
		ExpressionAttributeNames:            r.names,
		ExpressionAttributeValues:           r.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		table.Consume(ctx, 1, 0, 0)
		return table.Item{}, failure("update item", err)
	}
	table.Consume(ctx, 1, 0, unitsOf(out.ConsumedCapacity))
	s, err := parse(out.Attributes)
	if err != nil {
		return table.Item{}, err
	}
	if s == nil {
		return table.Item{}, fmt.Errorf("update item: no attributes returned")
	}
	if s.Blob != "" && p.body != nil && s.Blob == p.body.Blob {
		return clone(s.item(p.newDoc)), nil
	}
	doc, err := t.document(ctx, s)
	return s.item(doc), err
}
