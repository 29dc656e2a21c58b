// Package cloud stands in for the AWS endpoint that a built function talks to
// when it runs outside AWS: secrets and the event bus are answered here, strictly
// by the shape of their wire; DynamoDB is passed on to a real implementation.
package cloud

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// Endpoint answers calls of the AWS SDK. DynamoDB may be nil: its calls are then
// refused, and the SDK reports it.
type Endpoint struct {
	Seed     string // of the signing key
	DynamoDB *url.URL

	mu     sync.Mutex
	events []string
}

// Events returns the details put on the bus so far.
func (e *Endpoint) Events() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string{}, e.events...)
}

// ServeHTTP implements http.Handler.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	switch {
	case strings.HasPrefix(service, "DynamoDB_") && e.DynamoDB != nil:
		httputil.NewSingleHostReverseProxy(e.DynamoDB).ServeHTTP(w, r)
	case service == "secretsmanager" && action == "GetSecretValue":
		e.secret(w, r)
	case service == "AWSEvents" && action == "PutEvents":
		e.putEvents(w, r)
	default:
		refuse(w, "UnknownOperationException", fmt.Sprintf("nothing here serves %q", r.Header.Get("X-Amz-Target")))
	}
}

func (e *Endpoint) secret(w http.ResponseWriter, r *http.Request) {
	var in struct{ SecretID, VersionStage string }
	if !read(w, r, map[string]*string{"SecretId": &in.SecretID, "VersionStage": &in.VersionStage}) {
		return
	}
	if in.VersionStage != "AWSCURRENT" {
		refuse(w, "ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: "+in.VersionStage)
		return
	}
	answer(w, map[string]any{"ARN": in.SecretID, "SecretString": e.Seed, "CreatedDate": 1.7e9, "VersionStages": []string{"AWSCURRENT"}})
}

// read decodes the request's text members.
func read(w http.ResponseWriter, r *http.Request, members map[string]*string) bool {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, "SerializationException", err.Error())
		return false
	}
	for name, into := range members {
		*into, _ = body[name].(string)
	}
	return true
}

func (e *Endpoint) putEvents(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var in struct {
		Entries []struct {
			Source     string `json:"Source"`
			DetailType string `json:"DetailType"`
			Detail     string `json:"Detail"`
		} `json:"Entries"`
	}
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil || len(in.Entries) == 0 || len(in.Entries) > 10 {
		refuse(w, "ValidationException", "1 validation error detected: entries")
		return
	}
	results := []map[string]string{}
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, entry := range in.Entries {
		if entry.Source == "" || entry.DetailType == "" || !json.Valid([]byte(entry.Detail)) {
			results = append(results, map[string]string{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."})
			continue
		}
		e.events = append(e.events, entry.Detail)
		results = append(results, map[string]string{"EventId": fmt.Sprintf("event-%d", len(e.events)+i)})
	}
	answer(w, map[string]any{"FailedEntryCount": 0, "Entries": results})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(body) // the caller is this machine's
}

func refuse(w http.ResponseWriter, kind, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": kind, "message": message})
}
