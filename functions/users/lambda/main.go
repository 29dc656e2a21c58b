// Command lambda runs the users module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/users"
	"github.com/appmint/appengine/shared/auth/secretsmanager"
	"github.com/appmint/appengine/shared/host"
	"github.com/appmint/appengine/shared/mail/ses"
)

func main() {
	host.Run(users.New, secretsmanager.Part, ses.Part)
}
