// Package client is a small HTTP client of the API for the programs that try a
// running server from outside: the demo, the benchmarks and the crash test. It
// knows the conventions and no module.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Client calls one server as one caller. Its fields may be set between calls.
type Client struct {
	URL   string
	Org   string
	Token string
	Key   string
	HTTP  *http.Client
}

// New returns a client with keep-alive connections for many callers.
func New(url string) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	return &Client{URL: url, HTTP: &http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// Problem is an answer other than 2xx.
type Problem struct {
	Status int
	Body   string
}

// Error implements error.
func (p *Problem) Error() string { return fmt.Sprintf("status %d: %s", p.Status, p.Body) }

// Do makes one call. body is encoded as JSON unless nil; the answer is decoded
// into result unless nil.
func (c *Client) Do(ctx context.Context, method, path string, body, result any) error {
	answer, err := c.Raw(ctx, method, path, body)
	if err != nil || result == nil || len(answer) == 0 {
		return err
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Raw makes one call and returns the body as it came.
func (c *Client) Raw(ctx context.Context, method, path string, body any) ([]byte, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	c.identify(request.Header)
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	answer, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // read to its end
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return answer, fmt.Errorf("%s %s: %w", method, path, &Problem{Status: response.StatusCode, Body: string(answer)})
	}
	return answer, nil
}

func (c *Client) identify(h http.Header) {
	h.Set("Content-Type", "application/json")
	for name, value := range map[string]string{"orgid": c.Org, "x-api-key": c.Key} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if c.Token != "" {
		h.Set("Authorization", "Bearer "+c.Token)
	}
}

// SignUp makes an organisation with its first user and acts as them from then
// on.
func (c *Client) SignUp(ctx context.Context, orgName, email, password string) error {
	var session struct {
		Token string `json:"token"`
		Org   string `json:"orgId"`
	}
	err := c.Do(ctx, http.MethodPost, "/profile/user/signup", map[string]string{
		"email": email, "password": password, "firstName": "Ann", "lastName": "Archer", "orgName": orgName,
	}, &session)
	c.Token, c.Org = session.Token, session.Org
	return err
}
