// Command lambda runs the organisations module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/organisations"
	"github.com/appmint/appengine/shared/auth/secretsmanager"
	"github.com/appmint/appengine/shared/host"
	"github.com/appmint/appengine/shared/mail/ses"
)

func main() {
	host.Run(organisations.New, secretsmanager.Part, ses.Part)
}
