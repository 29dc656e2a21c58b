// Command lambda runs the repository module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/host"
	"github.com/appmint/appengine/shared/mail/ses"
)

func main() {
	host.Run(repository.New, ses.Part)
}
