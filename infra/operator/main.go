// Command operator makes the first administrator of a deployment's own
// organisation, the only accounts that reach across tenants. It writes to the
// deployment's table with the AWS credentials of whoever runs it, so being
// allowed to do so is the proof:
//
//	go run ./infra/operator -table TABLE -email you@example.com
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/appmint/appengine/functions/users"
	"github.com/appmint/appengine/shared/app"
	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/dynamo"
	"github.com/appmint/appengine/shared/usage"
)

func main() {
	name := flag.String("table", "", "the deployment's table (output TableName of the stack)")
	email := flag.String("email", "", "the administrator's e-mail address")
	endpoint := flag.String("endpoint", "", "another DynamoDB endpoint than the region's")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, *name, *email, *endpoint); err != nil {
		fmt.Fprintln(os.Stderr, "operator:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name, email, endpoint string) error {
	cloud, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("AWS settings: %w", err)
	}
	client := dynamodb.NewFromConfig(cloud, func(o *dynamodb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})
	password, err := found(ctx, dynamo.New(client, name, dynamo.Options{Now: time.Now}), email)
	if err != nil {
		return err
	}
	fmt.Printf("organisation %s\ne-mail       %s\npassword     %s (shown once; change it at first sign-in)\n", org.Root, email, password)
	return nil
}

// found makes the platform's own organisation with its first administrator and
// a password nobody else knows.
func found(ctx context.Context, t table.Table, email string) (password string, err error) {
	secret := make([]byte, 18)
	_, _ = rand.Read(secret) // crypto/rand never fails since Go 1.24
	password = base64.RawURLEncoding.EncodeToString(secret) + "7a"
	random := func(b []byte) { _, _ = rand.Read(b) }
	ids := app.NewIDs(time.Now, rand.Reader)
	key, err := auth.GenerateKey() // the session that comes of it is thrown away
	if err != nil {
		return "", err
	}
	deps := app.Deps{
		Now: time.Now, NewID: ids, Random: random, Table: t, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Mail: silent{},
		Records: repository.New(repository.Options{Table: t, Now: time.Now, NewID: ids, Random: random}),
		Tokens:  auth.NewTokens(auth.TokenOptions{Issuer: "operator", Keys: auth.FixedKeys{key}, Now: time.Now, Random: random}),
		Meter:   usage.NewMeter(usage.MeterOptions{Table: t, Now: time.Now}),
	}
	return password, users.Found(ctx, deps, org.Root, "AppEngine", email, password)
}

// silent sends no mail: whoever runs the command reads its output.
type silent struct{}

// Send implements mail.Sender.
func (silent) Send(context.Context, mail.Message) error { return nil }
