// Command lambda runs the clientdata module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/clientdata"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(clientdata.New)
}
