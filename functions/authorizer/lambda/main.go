// Command lambda runs the authorizer as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/authorizer"
	"github.com/appmint/appengine/shared/auth/secretsmanager"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(authorizer.New, secretsmanager.Part)
}
