package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// tokenWindow is how long a token makes repeats nothing.
const tokenWindow = 10 * time.Minute

// Transact implements table.Table.
//
// A token becomes an item of its own, created by the transaction. DynamoDB's
// client request token cannot take its place: it wants a repeat to be the same
// request to the letter, while ours carries the time that expiry is judged by,
// and may have been pinned in between. Every attempt has a client request token
// nevertheless, so that a repeat by the transport is harmless.
func (t *Table) Transact(ctx context.Context, token string, ops ...table.Op) error {
	if err := eval.CheckOps(token, ops); err != nil {
		return err
	}
	if len(ops) == 0 {
		return nil
	}
	if token != "" {
		ops = append(ops[:len(ops):len(ops)], t.tokenOp(token))
	}
	plans, err := newPlans(ops)
	if err != nil {
		return err
	}
	for round := range roundsMax {
		err := t.sendAll(ctx, plans)
		if err == nil {
			return nil
		}
		if token != "" && tokenUsed(err, len(plans)-1) {
			return nil
		}
		if again, err := t.reconsiderAll(ctx, plans, err); !again {
			return err
		}
		if round > 0 {
			if err := pause(ctx, round); err != nil {
				return err
			}
		}
	}
	return table.ErrBusy
}

// DynamoDB takes 4 MB in one transaction. Documents that come to more than
// transactBytes go to blobs unless they are small: a hundred small ones fit.
const (
	transactBytes = 3 << 20
	smallBytes    = 28 << 10
)

func newPlans(ops []table.Op) ([]*plan, error) {
	plans := make([]*plan, len(ops))
	size := 0
	for i, op := range ops {
		p, err := newPlan(op)
		if err != nil {
			return nil, err
		}
		plans[i] = p
		if put, ok := op.(table.Put); ok {
			size += min(len(put.Item.Doc), table.InlineMax)
		}
	}
	if size > transactBytes {
		for _, p := range plans {
			p.inline = smallBytes
		}
	}
	return plans, nil
}

// tokenOp keeps the token under the org that it begins with, in a partition of
// its own so that tokens do not share one partition's throughput.
func (t *Table) tokenOp(token string) table.Op {
	org, _, _ := strings.Cut(token, table.Separator)
	if len(org) > 64 {
		org = org[:64]
	}
	sum := sha256.Sum256([]byte(token))
	key := table.Key{Part: org + table.Separator + "~token#" + hex.EncodeToString(sum[:]), Sort: "token"}
	return table.Put{
		Item: table.Item{Key: key, Expires: t.now().Add(tokenWindow)},
		If:   table.ItemMissing{},
	}
}

// tokenUsed says whether the token's operation, the last one, was refused.
func tokenUsed(err error, last int) bool {
	var canceled *types.TransactionCanceledException
	return errors.As(err, &canceled) && len(canceled.CancellationReasons) > last &&
		aws.ToString(canceled.CancellationReasons[last].Code) == "ConditionalCheckFailed"
}

func (t *Table) sendAll(ctx context.Context, plans []*plan) error {
	items := make([]types.TransactWriteItem, len(plans))
	for i, p := range plans {
		r, err := t.request(ctx, p)
		if err != nil {
			return err
		}
		items[i] = t.transactItem(p, r)
	}
	out, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems:          items,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		table.Consume(ctx, 1, 0, 0)
		return failure("transaction", err)
	}
	table.Consume(ctx, 1, 0, sumUnits(out.ConsumedCapacity))
	return nil
}

func (t *Table) transactItem(p *plan, r request) types.TransactWriteItem {
	const allOld = types.ReturnValuesOnConditionCheckFailureAllOld
	key := keyOf(table.KeyOf(p.op))
	if r.item != nil {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: &t.name, Item: r.item, ConditionExpression: r.condition,
			ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values,
			ReturnValuesOnConditionCheckFailure: allOld,
		}}
	}
	if r.check {
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &t.name, Key: key, ConditionExpression: r.condition,
			ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values,
			ReturnValuesOnConditionCheckFailure: allOld,
		}}
	}
	if _, ok := p.op.(table.Delete); ok {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &t.name, Key: key, ConditionExpression: r.condition,
			ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values,
			ReturnValuesOnConditionCheckFailure: allOld,
		}}
	}
	if r.update == nil { // a Modify of nothing: only its condition counts
		return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &t.name, Key: key, ConditionExpression: r.condition,
			ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values,
			ReturnValuesOnConditionCheckFailure: allOld,
		}}
	}
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &t.name, Key: key, UpdateExpression: r.update, ConditionExpression: r.condition,
		ExpressionAttributeNames: r.names, ExpressionAttributeValues: r.values,
		ReturnValuesOnConditionCheckFailure: allOld,
	}}
}

// reconsiderAll is reconsider for a transaction: it judges every operation that
// was refused, in their order, so the first real refusal is the answer.
func (t *Table) reconsiderAll(ctx context.Context, plans []*plan, cause error) (again bool, err error) {
	var canceled *types.TransactionCanceledException
	if !errors.As(cause, &canceled) {
		if !isValidation(cause) {
			return false, cause
		}
		return t.pinAll(ctx, plans, cause)
	}
	if busy(cause) {
		return false, cause
	}
	for i, p := range plans {
		if i >= len(canceled.CancellationReasons) {
			break
		}
		pinned, err := t.reconsiderOne(ctx, p, canceled.CancellationReasons[i])
		if err != nil {
			return false, located(err, i)
		}
		again = again || pinned
	}
	return again, cause
}

// reconsiderOne says whether the plan was pinned; an error is the refusal.
func (t *Table) reconsiderOne(ctx context.Context, p *plan, reason types.CancellationReason) (pinned bool, err error) {
	switch aws.ToString(reason.Code) {
	case "ConditionalCheckFailed":
		s, err := parse(reason.Item)
		if err == nil {
			err = p.judge(ctx, t, s)
		}
		return true, err
	case "ValidationError":
		if p.canPin() {
			return true, t.pin(ctx, p)
		}
	}
	return false, nil
}

// pinAll is for a validation error that does not say which operation it means.
func (t *Table) pinAll(ctx context.Context, plans []*plan, cause error) (again bool, err error) {
	for i, p := range plans {
		if !p.canPin() {
			continue
		}
		if err := t.pin(ctx, p); err != nil {
			return false, located(err, i)
		}
		again = true
	}
	return again, cause
}

// located adds the operation's number to a refusal, and makes one of a missing
// item.
func located(err error, i int) error {
	var refused *table.Refused
	if errors.As(err, &refused) {
		refused.Index = i
		return refused
	}
	if errors.Is(err, table.ErrNotFound) {
		return &table.Refused{Index: i, Err: table.ErrNotFound}
	}
	return err
}
