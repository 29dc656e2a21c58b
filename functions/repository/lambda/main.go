// Command lambda runs the repository module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/repository"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(repository.New)
}
