package secretsmanager

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/config"
)

// Part gives a function the deployment's signing keys.
func Part(cloud aws.Config, settings config.Function, deps *app.Deps) {
	deps.Tokens = auth.NewTokens(auth.TokenOptions{
		Issuer: settings.Issuer(), Now: deps.Now, Random: deps.Random,
		Keys: New(sdk.NewFromConfig(cloud), settings.SigningSecret, deps.Now),
	})
}
