// Package host runs one module as an AWS Lambda function: it reads the
// function's settings, builds the AWS clients by hand (config.LoadDefaultConfig
// would add a millisecond and 2 MB to every cold start), gives the module its
// parts and answers payloads until the sandbox ends.
package host

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/config"
	"github.com/appmint/appengine/shared/file/s3"
	"github.com/appmint/appengine/shared/invoke"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table/dynamo"
	"github.com/appmint/appengine/shared/usage"
)

// Part adds to a module's dependencies what only some functions need, so that
// the others do not carry its client: mail, the bus, signing keys.
type Part func(aws.Config, config.Function, *app.Deps)

// Run builds the module and serves payloads; it does not return.
func Run(build app.New, parts ...Part) {
	if err := run(build, parts); err != nil {
		slog.Error("start failed", "error", err.Error()) //nolint:sloglint // there is no context before the first call
		os.Exit(1)
	}
}

func run(build app.New, parts []Part) error {
	settings, err := config.Load(os.Getenv)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	log := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: settings.LogLevel}))
	cloud := cloudConfig(settings)
	deps := dependencies(cloud, settings, log)
	for _, part := range parts {
		part(cloud, settings, &deps)
	}
	after := newAfter(log)
	module := build(deps)
	handler, err := invoke.New(module, deps, after.recorder(deps.Recorder))
	if err != nil {
		return err
	}
	lambda.StartWithOptions(after.around(handler), lambda.WithEnableSIGTERM())
	return nil
}

// cloudConfig is what LoadDefaultConfig would find in a Lambda sandbox: region
// and credentials in the environment.
func cloudConfig(settings config.Function) aws.Config {
	c := aws.Config{
		Region: settings.Region,
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
		RetryMaxAttempts: 3,
		RetryMode:        aws.RetryModeStandard,
	}
	if settings.Endpoint != "" {
		c.BaseEndpoint = aws.String(settings.Endpoint)
	}
	return c
}

func dependencies(cloud aws.Config, settings config.Function, log *slog.Logger) app.Deps {
	ids := app.NewIDs(time.Now, rand.Reader)
	t := dynamo.New(dynamodb.NewFromConfig(cloud), settings.Table, dynamo.Options{Now: time.Now, Blobs: s3.New(awss3.NewFromConfig(cloud), settings.Bucket)})
	meter := usage.NewMeter(usage.MeterOptions{Table: t, Now: time.Now})
	random := func(b []byte) { _, _ = rand.Read(b) } // crypto/rand never fails since Go 1.24
	return app.Deps{
		Now: time.Now, NewID: ids, Random: random, Table: t, Log: log,
		Meter: meter, Recorder: usage.NewRecorder(t, meter.Catalogue(), 0),
		Records: repository.New(repository.Options{Table: t, Now: time.Now, NewID: ids, Random: random}),
		Settings: app.Settings{
			PublicURL: settings.PublicURL, Version: settings.Version, MailFrom: settings.MailFrom,
			MonitoringPublic: settings.MonitoringPublic,
		},
	}
}
