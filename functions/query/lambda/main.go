// Command lambda runs the query module as an AWS Lambda function.
package main

import (
	"github.com/appmint/appengine/functions/query"
	"github.com/appmint/appengine/shared/host"
)

func main() {
	host.Run(query.New)
}
