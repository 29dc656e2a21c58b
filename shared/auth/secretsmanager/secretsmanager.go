// Package secretsmanager reads the signing seed of a deployment from AWS Secrets
// Manager: the current version signs, the previous one still verifies, so a
// rotation signs nobody out.
package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/appmint/appengine/shared/auth"
)

// Client is the part of the SDK's client that is used.
type Client interface {
	GetSecretValue(ctx context.Context, in *sdk.GetSecretValueInput, options ...func(*sdk.Options)) (*sdk.GetSecretValueOutput, error)
}

// Keys is an auth.KeySource over one secret.
type Keys struct {
	client Client
	secret string
	now    func() time.Time
}

// New builds a key source; secret is an ARN or a name.
func New(client Client, secret string, now func() time.Time) Keys {
	return Keys{client: client, secret: secret, now: now}
}

// Load implements auth.KeySource. The previous key is left out once no token of
// it can be alive, so that a rotation after a leak ends the leak.
func (k Keys) Load(ctx context.Context) ([]auth.SigningKey, error) {
	current, since, err := k.load(ctx, "AWSCURRENT")
	if err != nil {
		return nil, err
	}
	keys := append(make([]auth.SigningKey, 0, 2), current)
	if k.now().Sub(since) > auth.TokenLifetime {
		return keys, nil
	}
	previous, _, err := k.load(ctx, "AWSPREVIOUS")
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return keys, nil
	case err != nil:
		return nil, err
	}
	previous.Retired = since
	return append(keys, previous), nil
}

// load returns the key of a version and when the version was made.
func (k Keys) load(ctx context.Context, stage string) (auth.SigningKey, time.Time, error) {
	out, err := k.client.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: aws.String(k.secret), VersionStage: aws.String(stage)})
	if err != nil {
		return auth.SigningKey{}, time.Time{}, fmt.Errorf("read signing secret: %w", err)
	}
	key, err := auth.KeyFromSeed(aws.ToString(out.SecretString))
	return key, aws.ToTime(out.CreatedDate), err
}
