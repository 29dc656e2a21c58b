// Command bootstrap is the function that the tests of runtimeapi run: it does
// what its event tells it to.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
}

type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		return n, errors.New("stream broke")
	}
	return n, err
}

func handle(ctx context.Context, e event) (any, error) {
	switch e.Do {
	case "fail":
		return nil, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(3)
	case "hang":
		time.Sleep(time.Minute)
	case "large":
		return strings.Repeat("x", 7<<20), nil
	case "stream", "break":
		var body io.Reader = strings.NewReader(e.Text)
		if e.Do == "break" {
			body = broken{body}
		}
		return &events.APIGatewayProxyStreamingResponse{
			StatusCode: 201, Headers: map[string]string{"content-type": "text/plain"}, Cookies: []string{"a=1"}, Body: body,
		}, nil
	}
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"text": e.Text, "name": os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), "own": os.Getenv("OWN"), "pid": os.Getpid(),
		"arn": lc.InvokedFunctionArn, "request": lc.AwsRequestID, "left": time.Until(deadline).Seconds(),
		"trace": os.Getenv("_X_AMZN_TRACE_ID"),
	}, nil
}

func main() {
	if os.Getenv("BREAK_INIT") != "" {
		os.Exit(7)
	}
	stopped := func() {
		if path := os.Getenv("STOPPED"); path != "" {
			_ = os.WriteFile(path, []byte("bye"), 0o600)
		}
	}
	lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(stopped))
}
