// Command lambda runs the relay as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/relay"
	"github.com/appmint/appengine/shared/event/eventbridge"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(relay.New, eventbridge.Part)
}
