package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
)

// wire is one keep-alive connection that speaks just enough HTTP/1.1. The driver
// shares the machine with what it measures; net/http's client would take a third
// of it.
type wire struct {
	connection net.Conn
	answers    *bufio.Reader
	request    []byte
}

func dial(ctx context.Context, url string) (*wire, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return &wire{connection: connection, answers: bufio.NewReaderSize(connection, 64<<10)}, nil
}

func (w *wire) close() { _ = w.connection.Close() }

// call makes one request and returns the body of a 2xx answer.
func (w *wire) call(method, path, headers, body string) ([]byte, error) {
	w.request = append(w.request[:0], method+" "+path+" HTTP/1.1\r\nHost: localhost\r\n"+headers...)
	w.request = append(w.request, "Content-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body...)
	if _, err := w.connection.Write(w.request); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	status, err := w.answers.ReadSlice('\n')
	if err != nil || len(status) < 12 {
		return nil, fmt.Errorf("read status: %w", errors.Join(err, io.ErrUnexpectedEOF))
	}
	ok := status[9] == '2'
	length, err := w.headers()
	if err != nil {
		return nil, err
	}
	answer := make([]byte, length)
	if _, err := io.ReadFull(w.answers, answer); err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("%s %s: refused: %s", method, path, answer)
	}
	return answer, nil
}

var contentLength = []byte("Content-Length:") //nolint:gochecknoglobals // constant

// headers reads to the empty line and returns the length of the body.
func (w *wire) headers() (length int, err error) {
	for {
		line, err := w.answers.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("read headers: %w", err)
		}
		if len(line) <= 2 {
			return length, nil
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(textproto.TrimBytes(value))); err != nil {
				return 0, fmt.Errorf("read headers: %w", err)
			}
		}
	}
}
