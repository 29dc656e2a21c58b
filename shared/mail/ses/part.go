package ses

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/config"
)

// Part gives a function the deployment's mail sender.
func Part(cloud aws.Config, settings config.Function, deps *app.Deps) {
	deps.Mail = New(sesv2.NewFromConfig(cloud), settings.MailFrom)
}
