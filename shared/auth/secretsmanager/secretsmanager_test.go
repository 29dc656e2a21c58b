package secretsmanager_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/appmint/appengine/shared/auth/secretsmanager"
)

// versions is a secret by version stage.
type versions map[string]string

var rotated = time.Date(2026, 4, 10, 8, 0, 0, 0, time.UTC)

func (v versions) GetSecretValue(_ context.Context, in *sdk.GetSecretValueInput, _ ...func(*sdk.Options)) (*sdk.GetSecretValueOutput, error) {
	text, ok := v[*in.VersionStage]
	switch {
	case text == "down":
		return nil, errors.New("connection refused")
	case !ok:
		return nil, &types.ResourceNotFoundException{}
	}
	return &sdk.GetSecretValueOutput{SecretString: aws.String(text), CreatedDate: aws.Time(rotated)}, nil
}

func seed(c string) string { return strings.Repeat(c, 64) }

// A rotation signs nobody out: the previous key verifies as long as a token of
// it can live, and no longer.
func TestLoadKeepsThePreviousKeyForOneTokenLifetime(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		secret versions
		after  time.Duration
		want   int
	}{
		"never rotated":     {versions{"AWSCURRENT": seed("a")}, 0, 1},
		"rotated just now":  {versions{"AWSCURRENT": seed("b"), "AWSPREVIOUS": seed("a")}, 10 * time.Minute, 2},
		"rotated long ago":  {versions{"AWSCURRENT": seed("b"), "AWSPREVIOUS": seed("a")}, 2 * time.Hour, 1},
		"previous is short": {versions{"AWSCURRENT": seed("b"), "AWSPREVIOUS": "x"}, 0, 0},
		"unreachable":       {versions{"AWSCURRENT": "down"}, 0, 0},
		"previous is down":  {versions{"AWSCURRENT": seed("b"), "AWSPREVIOUS": "down"}, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := func() time.Time { return rotated.Add(c.after) }
			keys, err := secretsmanager.New(c.secret, "seed", now).Load(t.Context())
			if (err == nil) != (c.want > 0) || len(keys) != c.want {
				t.Fatalf("got %d keys, %v, want %d", len(keys), err, c.want)
			}
			if c.want == 2 && (!keys[0].Retired.IsZero() || keys[1].Retired.IsZero() || keys[0].ID == keys[1].ID) {
				t.Errorf("got %+v, want the current key first and the other retired", keys)
			}
		})
	}
}
