package runtimeapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/appmint/appengine/infra/local/function"
)

// maxStreamBytes is Lambda's quota for a streamed response: 200 MB.
const maxStreamBytes = 200 << 20

// integrationType is the content type of a streamed HTTP response: a JSON
// prelude, eight NUL bytes, the body.
const integrationType = "application/vnd.awslambda.http-integration-response"

func isStreaming(r *http.Request) bool {
	return r.Header.Get("Lambda-Runtime-Function-Response-Mode") == "streaming" || r.Header.Get("Content-Type") == integrationType
}

func maxResponse(r *http.Request) int64 {
	if isStreaming(r) {
		return maxStreamBytes
	}
	return function.MaxPayloadBytes
}

// readStream makes an ordinary answer of a streamed one. A function that fails
// in the middle says so in trailers.
func readStream(r *http.Request, body []byte) ([]byte, error) {
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		reported := &function.Error{}
		text, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body"))
		if err != nil || json.Unmarshal(text, reported) != nil {
			reported.Message = string(text)
		}
		reported.Type = kind
		return nil, reported
	}
	if r.Header.Get("Content-Type") != integrationType {
		return body, nil
	}
	return envelope(body)
}

// envelope turns prelude and body into the JSON that an API integration
// answers with.
func envelope(stream []byte) ([]byte, error) {
	prelude, body, found := bytes.Cut(stream, make([]byte, 8))
	if !found {
		return nil, &function.Error{Type: "Runtime.InvalidStream", Message: "no eight NUL bytes after the prelude"}
	}
	var response struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers,omitempty"`
		Cookies    []string          `json:"cookies,omitempty"`
		Body       string            `json:"body"`
		Base64     bool              `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(prelude, &response); err != nil {
		return nil, &function.Error{Type: "Runtime.InvalidStream", Message: "the prelude is not JSON: " + err.Error()}
	}
	if response.StatusCode == 0 {
		response.StatusCode = http.StatusOK
	}
	response.Body, response.Base64 = string(body), !utf8.Valid(body)
	if response.Base64 {
		response.Body = base64.StdEncoding.EncodeToString(body)
	}
	return json.Marshal(response)
}
