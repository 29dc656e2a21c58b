// Command lambda runs the monitoring module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/monitoring"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(monitoring.New)
}
