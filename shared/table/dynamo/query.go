package dynamo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
	"github.com/appmint/appengine/shared/table/internal/cursor"
)

// expressionMax is DynamoDB's limit on the text of an expression, and
// operandsMax, with room to spare, on its operators and operands.
const (
	expressionMax = 4 << 10
	operandsMax   = 250
)

// filterAhead is how many times the wanted number of items one round reads when
// a filter will drop some of them.
const filterAhead = 4

// Query implements table.Table. With a filter it reads in several rounds until
// the limit is met or table.PageBytesMax is read.
func (t *Table) Query(ctx context.Context, q table.Query) (table.Page, error) {
	if err := eval.CheckQuery(q); err != nil {
		return table.Page{}, err
	}
	filter, err := eval.Compile(q.Filter)
	if err != nil {
		return table.Page{}, err
	}
	r := reader{table: t, query: q, filter: filter}
	if q.Cursor != "" {
		p, err := cursor.Decode(q, q.Cursor)
		if err != nil {
			return table.Page{}, err
		}
		r.start = startKey(q, p)
	}
	if q.Prefix == "" && q.To != "" && q.From > q.To {
		return table.Page{}, nil
	}
	input, err := r.input(t.now())
	if err != nil {
		return table.Page{}, err
	}
	if err := r.run(ctx, input); err != nil {
		return table.Page{}, err
	}
	return r.page, nil
}

// reader collects one page.
type reader struct {
	table  *Table
	query  table.Query
	filter eval.Program
	local  bool // the filter is too long for DynamoDB and only evaluated here
	start  attributes
	page   table.Page
	bytes  float64
}

func startKey(q table.Query, p cursor.Position) attributes {
	start := keyOf(table.Key{Part: p.Part, Sort: p.Sort})
	if q.Index != "" {
		start[q.Index] = &types.AttributeValueMemberS{Value: p.Value}
	}
	return start
}

func (r *reader) input(now time.Time) (*dynamodb.QueryInput, error) {
	q := r.query
	in := &dynamodb.QueryInput{
		TableName:              &r.table.name,
		ScanIndexForward:       aws.Bool(!q.Desc),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	if q.Index != "" {
		in.IndexName = aws.String(q.Index)
	} else {
		in.ConsistentRead = aws.Bool(q.Consistent)
	}
	b := newBuilder()
	in.KeyConditionExpression = aws.String(b.keyCondition(q))
	f, err := r.pushed(b, now)
	if err != nil {
		return nil, err
	}
	in.FilterExpression = aws.String(f.text)
	switch {
	case !q.CountOnly || r.local:
	case q.Filter == nil:
		in.Select = types.SelectCount
	default:
		// An item whose document is a blob passes the filter unseen, so its
		// pointer is needed to look.
		in.ProjectionExpression = aws.String(b.name(attrPart) + ", " + b.name(attrSort) + ", " + b.name(attrBlob))
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = b.used(
		in.KeyConditionExpression, in.FilterExpression, in.ProjectionExpression)
	return in, nil
}

// pushed is the filter that DynamoDB evaluates; it lets blobs through.
func (r *reader) pushed(b *builder, now time.Time) (fragment, error) {
	trial := newBuilder()
	f, paths, err := trial.condition(r.query.Filter)
	if err != nil {
		return fragment{}, err
	}
	fresh := b.fresh(now)
	if len(f.text) > expressionMax-512 || len(trial.values)+len(trial.names) > operandsMax {
		r.local = true
		return fresh, nil
	}
	f, _, _ = b.condition(r.query.Filter) // compiled just before
	if paths && !f.constant() {
		f = or(textual("attribute_exists("+b.name(attrBlob)+")"), f)
	}
	if f.is(false) {
		f = and(textual("attribute_exists("+b.name(attrTTL)+")"), textual("attribute_not_exists("+b.name(attrTTL)+")"))
	}
	return and(fresh, f), nil
}

func (b *builder) keyCondition(q table.Query) string {
	hash, sort := attrPart, attrSort
	switch {
	case strings.HasPrefix(q.Index, "by"):
		hash = q.Index
	case q.Index != "":
		sort = q.Index
	}
	text := b.name(hash) + " = " + b.text(q.Part)
	switch {
	case q.Prefix != "":
		text += " AND begins_with(" + b.name(sort) + ", " + b.text(q.Prefix) + ")"
	case q.From != "" && q.To != "":
		text += " AND " + b.name(sort) + " BETWEEN " + b.text(q.From) + " AND " + b.text(q.To)
	case q.From != "":
		text += " AND " + b.name(sort) + " >= " + b.text(q.From)
	case q.To != "":
		text += " AND " + b.name(sort) + " <= " + b.text(q.To)
	}
	return text
}

func (r *reader) run(ctx context.Context, in *dynamodb.QueryInput) error {
	for {
		in.ExclusiveStartKey = r.start
		in.Limit = r.limit()
		out, err := r.table.client.Query(ctx, in)
		if err != nil {
			table.Consume(ctx, 1, 0, 0)
			if isValidation(err) && r.query.Cursor != "" {
				return table.ErrCursor // a place that lies outside of the range
			}
			return failure("query", err)
		}
		units := unitsOf(out.ConsumedCapacity)
		table.Consume(ctx, 1, units, 0)
		r.page.Read += int(out.ScannedCount)
		r.bytes += units * 4096
		if !aws.ToBool(in.ConsistentRead) {
			r.bytes += units * 4096 // half a unit buys as much
		}
		done, err := r.take(ctx, out)
		if err != nil || done {
			return err
		}
		r.start = out.LastEvaluatedKey
		if len(r.start) == 0 {
			return nil
		}
		if r.query.Limit == 0 || r.bytes >= table.PageBytesMax || r.page.Count >= r.query.Limit {
			r.page.Cursor = r.cursor(r.start)
			return nil
		}
	}
}

// limit is how many items the next round looks at.
func (r *reader) limit() *int32 {
	if r.query.Limit == 0 {
		return nil
	}
	n := r.query.Limit - r.page.Count
	if r.query.Filter != nil {
		n = max(n*filterAhead, 50)
	}
	return aws.Int32(int32(min(n, 10_000)))
}

// take adds a round's items; done when the limit was met before its end.
func (r *reader) take(ctx context.Context, out *dynamodb.QueryOutput) (done bool, err error) {
	if r.query.CountOnly && r.query.Filter == nil {
		r.page.Count += int(out.Count)
		return false, nil
	}
	for i, all := range out.Items {
		s, err := parse(all)
		if err != nil {
			return false, err
		}
		if err := r.add(ctx, s); err != nil {
			return false, err
		}
		if r.query.Limit > 0 && r.page.Count >= r.query.Limit && i < len(out.Items)-1 {
			r.page.Cursor = r.cursor(all)
			return true, nil
		}
	}
	return false, nil
}

// add appends the item if the filter lets it through here, too: DynamoDB did
// not see the documents that are blobs.
func (r *reader) add(ctx context.Context, s *stored) error {
	if r.query.CountOnly && s.Blob == "" && !r.local {
		r.page.Count++
		return nil
	}
	doc, err := r.table.document(ctx, s)
	if err != nil {
		// Discarded since: read it again, unless it is gone.
		item, errAgain := r.table.Get(ctx, table.Key{Part: s.Part, Sort: s.Sort})
		if errors.Is(errAgain, table.ErrNotFound) {
			return nil
		}
		if errAgain != nil {
			return errAgain
		}
		doc = item.Doc
	}
	if (s.Blob != "" || r.local) && !r.filter.Holds(doc, true) {
		return nil
	}
	r.page.Count++
	if !r.query.CountOnly {
		r.page.Items = append(r.page.Items, s.item(doc))
	}
	return nil
}

func (r *reader) cursor(last attributes) string {
	text := func(name string) string {
		s, _ := last[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	p := cursor.Position{Part: text(attrPart), Sort: text(attrSort)}
	if r.query.Index != "" {
		p.Value = text(r.query.Index)
	}
	return cursor.Encode(r.query, p)
}
