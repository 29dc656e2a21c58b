package ses_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/mail"
	"github.com/appmint/appengine/shared/mail/ses"
)

// The request is what SES's API v2 documents for SendEmail.
func TestSendSpeaksTheWireOfSES(t *testing.T) {
	t.Parallel()
	var got map[string]any
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" || json.NewDecoder(r.Body).Decode(&got) != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"MessageId":"1"}`))
	}))
	t.Cleanup(server.Close)
	client := sesv2.New(sesv2.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	message := mail.Message{Org: "acme", To: "ann@acme.example", Subject: "Hello", Text: "Hi", HTML: "<p>Hi</p>"}
	if err := ses.New(client, "from@acme.example").Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	text := func(s string) map[string]any { return map[string]any{"Data": s, "Charset": "UTF-8"} }
	want := map[string]any{
		"FromEmailAddress": "from@acme.example",
		"Destination":      map[string]any{"ToAddresses": []any{"ann@acme.example"}},
		"Content":          map[string]any{"Simple": map[string]any{"Subject": text("Hello"), "Body": map[string]any{"Text": text("Hi"), "Html": text("<p>Hi</p>")}}},
		"EmailTags":        []any{map[string]any{"Name": "org", "Value": "acme"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	status = http.StatusBadRequest
	if err := ses.New(client, "from@acme.example").Send(t.Context(), message); err == nil {
		t.Error("a refusal was not reported")
	}
	if err := ses.New(client, "").Send(t.Context(), message); err != nil {
		t.Errorf("without a sender's address: %v", err)
	}
}
