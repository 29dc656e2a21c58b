// Command lambda runs the usage module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/usage"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(usage.New)
}
