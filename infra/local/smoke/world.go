package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/appmint/appengine/infra/local/cloud"
	"github.com/appmint/appengine/shared/table/dynamo"
)

// tableName is the one table in the stand-in.
const tableName = "appengine-smoke"

// world is what the functions find around them.
type world struct {
	dir      string
	endpoint *cloud.Endpoint
	server   *http.Server
	url      string
	database *exec.Cmd // nil without dynoxide
	log      *bytes.Buffer
}

func newWorld(ctx context.Context, dir string) (*world, error) {
	w := &world{dir: dir, log: &bytes.Buffer{}, endpoint: &cloud.Endpoint{Seed: "smoke-seed-smoke-seed-smoke-seed-smoke-seed"}}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.url = "http://" + listener.Addr().String()
	w.server = &http.Server{Handler: w.endpoint, ReadHeaderTimeout: time.Second}
	go func() { _ = w.server.Serve(listener) }() // ends with close
	return w, w.startDatabase(ctx)
}

func (w *world) environment() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL": w.url, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"TABLE_NAME": tableName, "BUCKET_NAME": "bucket", "BUS_NAME": "bus", "SIGNING_SECRET": "seed", "STAGE": "smoke",
	}
}

func (w *world) close() {
	_ = w.server.Close()
	if w.database != nil {
		_ = w.database.Process.Kill()
		_ = w.database.Wait()
	}
	if w.log.Len() > 0 {
		fmt.Fprintf(os.Stderr, "-- output of the functions\n%s", w.log)
	}
}

// startDatabase starts dynoxide where there is one, and makes the table.
func (w *world) startDatabase(ctx context.Context) error {
	path := os.Getenv("DYNOXIDE")
	if path == "" {
		path, _ = exec.LookPath("dynoxide")
	}
	if path == "" {
		return nil
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	w.database = exec.CommandContext(ctx, path, "serve", "--port", port) // #nosec G204 G702 -- the operator's own tool
	if err := w.database.Start(); err != nil {
		return fmt.Errorf("start dynoxide: %w", err)
	}
	w.endpoint.DynamoDB = &url.URL{Scheme: "http", Host: "127.0.0.1:" + port}
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:" + port),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	for range 100 {
		if err = dynamo.CreateTable(ctx, client, tableName); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("make the table: %w", err)
}

func freePort(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}
