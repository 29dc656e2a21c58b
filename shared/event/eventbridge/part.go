package eventbridge

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/config"
)

// Part gives a function the deployment's bus.
func Part(cloud aws.Config, settings config.Function, deps *app.Deps) {
	deps.Bus = New(sdk.NewFromConfig(cloud), settings.Bus)
}
