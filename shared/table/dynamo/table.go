// Package dynamo is the table on DynamoDB, for production.
//
// An item's attributes are PK, SK, doc (the document as a native map), outbox
// (JSON text), ttl (whole seconds, rounded up; reads and conditions go by it, not
// by DynamoDB's deletion, which may be days late), the index attributes by1…by5
// and ord1…ord3, and instead of doc a blob (the key of an object) when the
// document is over table.InlineMax. The indexes are called like their
// attributes: by-indexes have the attribute as hash and SK as range, ord-indexes
// PK as hash and the attribute as range, all project everything.
//
// A write goes out as one native expression. Where that cannot say what is meant
// (the item has expired, its document is a blob, a parent object is missing) the
// adapter reads the item's state from the refusal, decides in Go with
// table/eval, and writes on condition that this state still is the case.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/appmint/appengine/shared/table"
)

// Bounds on repeats. A throttled call is repeated with jitter for about a
// second; a write that others overtake has that many rounds.
const (
	attemptsMax = 7
	backoffMin  = 50 * time.Millisecond
	backoffMax  = 400 * time.Millisecond
	roundsMax   = 60
)

// Options configure a Table. Now is required.
type Options struct {
	// Now is the clock that expiry goes by.
	Now func() time.Time
	// Blobs keeps documents over table.InlineMax; without it they are refused
	// with table.ErrTooLarge.
	Blobs Blobs
}

// Table is a table.Table over one DynamoDB table.
type Table struct {
	client *dynamodb.Client
	name   string
	now    func() time.Time
	blobs  Blobs
}

var _ table.Table = (*Table)(nil)

// New opens the table of that name. It makes no call. The adapter brings its own
// retries for the calls it makes with the client.
func New(client *dynamodb.Client, name string, opts Options) *Table {
	options := client.Options()
	options.Retryer, options.RetryMaxAttempts = retryer(), 0
	return &Table{client: dynamodb.New(options), name: name, now: opts.Now, blobs: opts.Blobs}
}

// retryer repeats throttled and lost calls, and transactions that conflict with
// others, but never a refused condition.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attemptsMax
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			longest := min(backoffMin<<min(attempt, 10), backoffMax)
			return longest/2 + rand.N(longest/2), nil //nolint:gosec // jitter is no secret
		})
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if conflicts(err) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}))
	})
}

// conflicts says whether the call only failed because of others under way.
func conflicts(err error) bool {
	var conflict *types.TransactionConflictException
	var progress *types.TransactionInProgressException
	if errors.As(err, &conflict) || errors.As(err, &progress) {
		return true
	}
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) {
		return false
	}
	found := false
	for _, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "", "None":
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			found = true
		default:
			return false // repeating cannot help
		}
	}
	return found
}

// failure wraps an error of the SDK; load becomes table.ErrBusy.
func failure(what string, err error) error {
	if busy(err) {
		return fmt.Errorf("%s: %w", what, errors.Join(table.ErrBusy, err))
	}
	return fmt.Errorf("%s: %w", what, err)
}

func busy(err error) bool {
	if conflicts(err) {
		return true
	}
	for _, check := range retry.DefaultThrottles {
		if check.IsErrorThrottle(err) == aws.TrueTernary {
			return true
		}
	}
	return false
}

func isValidation(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

// pause waits before the next of several rounds, longer each time, with jitter.
func pause(ctx context.Context, round int) error {
	longest := min(backoffMax, 5*time.Millisecond<<min(round, 10))
	timer := time.NewTimer(rand.N(longest)) //nolint:gosec // jitter is no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// live is the condition that there is an item and that it has not expired.
func (b *builder) live(now time.Time) fragment {
	return and(textual("attribute_exists("+b.name(attrPart)+")"), b.fresh(now))
}

// fresh is live for where an item is known to exist, as in a filter.
func (b *builder) fresh(now time.Time) fragment {
	ttl := b.name(attrTTL)
	return or(textual("attribute_not_exists("+ttl+")"), textual(ttl+" > "+b.value(seconds(now))))
}

// seconds keeps the fraction, since "not yet expired" is exact.
func seconds(t time.Time) types.AttributeValue {
	text := strconv.FormatInt(t.Unix(), 10)
	if n := t.Nanosecond(); n > 0 {
		text += fmt.Sprintf(".%09d", n)
	}
	return &types.AttributeValueMemberN{Value: text}
}

func unitsOf(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	return aws.ToFloat64(c.CapacityUnits)
}

func sumUnits(all []types.ConsumedCapacity) float64 {
	sum := 0.0
	for i := range all {
		sum += unitsOf(&all[i])
	}
	return sum
}
