// Command lambda runs the discovery module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/discovery"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(discovery.New)
}
