package s3_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/appmint/appengine/shared/file/s3"
)

// bucket answers the three calls as S3's REST API documents them.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body, found := b.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodPut:
		text, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		b.objects[r.URL.Path] = text
	case r.Method == http.MethodDelete:
		delete(b.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case found:
		_, _ = w.Write(body)
	default:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
	}
}

func TestStoreKeepsObjectsByKey(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(&bucket{objects: map[string][]byte{}})
	t.Cleanup(server.Close)
	store := s3.New(sdk.New(sdk.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials:                credentials.NewStaticCredentialsProvider("a", "b", ""),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	}), "bucket")
	ctx := t.Context()
	if err := store.Put(ctx, "acme/table/1", []byte("text")); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Get(ctx, "acme/table/1"); err != nil || string(got) != "text" {
		t.Errorf("got %q, %v", got, err)
	}
	for range 2 { // a missing object is no error
		if err := store.Delete(ctx, "acme/table/1"); err != nil {
			t.Error(err)
		}
	}
	var missing *types.NoSuchKey
	if _, err := store.Get(ctx, "acme/table/1"); !errors.As(err, &missing) {
		t.Errorf("got %v, want a missing key", err)
	}
}
