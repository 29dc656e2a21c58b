package httpapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answer is a function's answer, read from its JSON.
type answer struct {
	status  int
	headers []pair
	cookies []string
	body    []byte
	base64  bool
}

// read understands the response envelope of payload version 2.0. JSON without
// a statusCode is a body of its own: a string is its text, everything else is
// sent as application/json.
func (a *answer) read(source []byte) error {
	*a = answer{headers: a.headers[:0], cookies: a.cookies[:0], body: a.body[:0]}
	p := parser{source: source}
	var err error
	switch p.peek() {
	case '{':
		err = p.object(func(name []byte) error { return a.member(&p, string(name)) })
	case '"':
		a.body, err = p.appendString(a.body)
	default:
		err = p.skip()
	}
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return err
	}
	if a.status == 0 {
		a.infer(source)
	}
	if a.status < 200 || a.status > 599 {
		return fmt.Errorf("status %d is not one of HTTP", a.status)
	}
	return a.decode()
}

func (a *answer) infer(source []byte) {
	if source[0] != '"' {
		a.body = append(a.body[:0], source...)
	}
	*a = answer{
		status: http.StatusOK, cookies: a.cookies[:0], body: a.body,
		headers: append(a.headers[:0], pair{"content-type", "application/json"}),
	}
}

func (a *answer) decode() error {
	if !a.base64 {
		return nil
	}
	n, err := base64.StdEncoding.Decode(a.body, a.body)
	if err != nil {
		return fmt.Errorf("body is not base64: %w", err)
	}
	a.body = a.body[:n]
	return nil
}

var errEnvelope = errors.New("answer is not a response of payload version 2.0")

// member reads one member of the envelope. multiValueHeaders belong to
// version 1.0 and are ignored, as in the service.
func (a *answer) member(p *parser, name string) error {
	if p.peek() == 'n' && name != "statusCode" {
		return p.skip() // null
	}
	var err error
	switch name {
	case "statusCode":
		a.status, err = readStatus(p)
	case "headers":
		err = a.readHeaders(p)
	case "cookies":
		err = a.readCookies(p)
	case "body":
		if p.peek() != '"' {
			return a.foreign(p)
		}
		a.body, err = p.appendString(a.body[:0])
	case "isBase64Encoded":
		start := p.next()
		err = p.skip()
		a.base64 = err == nil && strings.Trim(string(p.source[start:p.at]), `"`) == "true"
	default:
		err = p.skip()
	}
	return err
}

// foreign keeps a body that is not a string as its JSON text.
func (a *answer) foreign(p *parser) error {
	start := p.next()
	if err := p.skip(); err != nil {
		return err
	}
	a.body = append(a.body[:0], p.source[start:p.at]...)
	return nil
}

func readStatus(p *parser) (int, error) {
	start := p.next()
	if err := p.skip(); err != nil {
		return 0, err
	}
	status, err := strconv.Atoi(strings.Trim(string(p.source[start:p.at]), `"`))
	if err != nil || status == 0 {
		return 0, errEnvelope
	}
	return status, nil
}

func (a *answer) readHeaders(p *parser) error {
	if p.peek() != '{' {
		return errEnvelope
	}
	return p.object(func(name []byte) error {
		value, err := readScalar(p)
		if err == nil {
			a.headers = append(a.headers, pair{string(name), value})
		}
		return err
	})
}

// readScalar reads a string, or a number or boolean as its text.
func readScalar(p *parser) (string, error) {
	switch p.peek() {
	case '"':
		text, err := p.appendString(nil)
		return string(text), err
	case '{', '[':
		return "", errEnvelope
	}
	start := p.next()
	err := p.skip()
	return string(p.source[start:p.at]), err
}

func (a *answer) readCookies(p *parser) error {
	if p.peek() != '[' {
		return errEnvelope
	}
	return p.array(func() error {
		cookie, err := readScalar(p)
		if err == nil {
			a.cookies = append(a.cookies, cookie)
		}
		return err
	})
}

// write sends the answer. With CORS at the gateway, the function's own CORS
// headers are dropped.
func (a *answer) write(w http.ResponseWriter, ownCORS bool) {
	header := w.Header()
	for _, h := range a.headers {
		name := http.CanonicalHeaderKey(h.name)
		switch {
		case name == "Content-Length" || name == "Connection" || name == "Transfer-Encoding":
		case ownCORS && strings.HasPrefix(name, "Access-Control-"):
		case name == "Vary":
			header[name] = append(header[name], h.value)
		default:
			header[name] = []string{h.value}
		}
	}
	if len(a.cookies) > 0 {
		header["Set-Cookie"] = append([]string(nil), a.cookies...)
	}
	if header["Content-Type"] == nil {
		header["Content-Type"] = []string{"text/plain;charset=UTF-8"}
	}
	if bodyless(a.status) {
		w.WriteHeader(a.status)
		return
	}
	header["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that is gone is no fault of ours
}

// bodyless tells the statuses with which HTTP allows no body.
func bodyless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}
