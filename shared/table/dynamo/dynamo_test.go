package dynamo_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/appmint/appengine/shared/table/dynamo"
)

// server is the DynamoDB that the tests of this package share.
type server struct {
	once   sync.Once
	client *dynamodb.Client
	table  string
	skip   string
	real   bool // AWS itself
	stop   func()
}

var shared server

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// connect returns a client and the name of a table, or skips: it takes AWS when
// APPENGINE_TEST_TABLE names a table there, else the endpoint in
// DYNAMODB_ENDPOINT, else it starts the binary that DYNOXIDE names or that is
// called dynoxide on the PATH.
func connect(t testing.TB) (*dynamodb.Client, string) {
	t.Helper()
	shared.once.Do(func() { shared.start(t) })
	if shared.skip != "" {
		t.Skip(shared.skip)
	}
	return shared.client, shared.table
}

func open(t testing.TB) *dynamo.Table {
	t.Helper()
	client, name := connect(t)
	return dynamo.New(client, name, dynamo.Options{Now: time.Now, Blobs: &memoryBlobs{}})
}

func (s *server) start(t testing.TB) {
	if name := os.Getenv("APPENGINE_TEST_TABLE"); name != "" {
		s.client, s.table, s.real = awsClient(), name, true
		return
	}
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		binary := os.Getenv("DYNOXIDE")
		if binary == "" {
			binary, _ = exec.LookPath("dynoxide")
		}
		if binary == "" {
			s.skip = "no DynamoDB to test against: set DYNOXIDE to the dynoxide binary (npm package @dynoxide/linux-x64), " +
				"DYNAMODB_ENDPOINT to an endpoint, or APPENGINE_TEST_TABLE to a table in AWS"
			return
		}
		endpoint = s.launch(t, binary)
	}
	s.client = dynamodb.New(dynamodb.Options{
		Region:       "local",
		BaseEndpoint: &endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	s.table = fmt.Sprintf("test-%d", time.Now().UnixNano())
	if err := dynamo.CreateTable(context.Background(), s.client, s.table); err != nil {
		t.Fatal(err)
	}
}

func awsClient() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(
			os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	})
}

// launch starts the server on a free port and waits until it answers.
func (s *server) launch(t testing.TB, binary string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	_, port, _ := strings.Cut(address, ":")
	cmd := exec.Command(binary, "serve", "--host", "127.0.0.1", "--port", port)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	for range 500 {
		if res, err := http.Get("http://" + address); err == nil {
			_ = res.Body.Close()
			return "http://" + address
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("dynoxide did not come up")
	return ""
}

// memoryBlobs is a Blobs that remembers.
type memoryBlobs struct {
	mu   sync.Mutex
	held map[string][]byte
}

func (b *memoryBlobs) Put(_ context.Context, key string, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held == nil {
		b.held = make(map[string][]byte)
	}
	b.held[key] = append([]byte(nil), body...)
	return nil
}

func (b *memoryBlobs) Get(_ context.Context, key string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, ok := b.held[key]
	if !ok {
		return nil, fmt.Errorf("no object %s", key)
	}
	return append([]byte(nil), body...), nil
}

func (b *memoryBlobs) Delete(_ context.Context, key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.held, key)
	return nil
}
