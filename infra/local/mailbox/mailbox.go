// Package mailbox is where e-mail and SMS go in a local run: nothing leaves
// the machine, and one can look at what would have been sent.
package mailbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/appmint/appengine/infra/local/uuid"
)

// MaxKept is how many messages are kept, the newest ones.
const MaxKept = 1000

// maxLineBytes bounds one stored message: mail with attachments may be large.
const maxLineBytes = 64 << 20

// Message is one e-mail or SMS.
type Message struct {
	ID      string            `json:"id"`
	Channel string            `json:"channel"` // email or sms
	OrgID   string            `json:"orgid,omitempty"`
	From    string            `json:"from,omitempty"`
	To      []string          `json:"to"`
	Subject string            `json:"subject,omitempty"`
	Text    string            `json:"text,omitempty"`
	HTML    string            `json:"html,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	SentAt  time.Time         `json:"sentAt"`
}

// Box keeps messages in a file of JSON lines. It is safe for concurrent use.
type Box struct {
	now      func() time.Time
	mu       sync.Mutex
	file     *os.File // nil when the box lives in memory
	messages []Message
}

// Open returns the box kept at path, whose folder it creates; an empty path
// means in memory. A last line that a crash cut short is dropped.
func Open(path string, now func() time.Time) (*Box, error) {
	b := &Box{now: now}
	if path == "" {
		return b, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	if err := b.load(path); err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	var err error
	if b.file, err = os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600); err != nil { // #nosec G304 -- the caller's own file
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	for i := range b.messages {
		if err := b.write(b.messages[i]); err != nil {
			return nil, fmt.Errorf("open mailbox: %w", err)
		}
	}
	return b, nil
}

func (b *Box) load(path string) error {
	source, err := os.Open(path) // #nosec G304 -- the caller's own file
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = b.read(source)
	return errors.Join(err, source.Close())
}

func (b *Box) read(source io.Reader) error {
	scanner := bufio.NewScanner(source)
	scanner.Buffer(nil, maxLineBytes)
	var broken error
	for scanner.Scan() {
		if broken != nil {
			return broken // not the last line
		}
		var m Message
		if err := json.Unmarshal(scanner.Bytes(), &m); err != nil {
			broken = fmt.Errorf("damaged line: %w", err)
			continue
		}
		b.keep(m)
	}
	return scanner.Err()
}

func (b *Box) keep(m Message) {
	b.messages = append(b.messages, m)
	if len(b.messages) > 2*MaxKept {
		b.messages = slices.Clone(b.messages[len(b.messages)-MaxKept:])
	}
}

func (b *Box) write(m Message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = b.file.Write(append(line, '\n'))
	return err
}

// Put keeps a message and returns it with its id and time.
func (b *Box) Put(_ context.Context, m Message) (Message, error) {
	if len(m.To) == 0 || (m.Channel != "email" && m.Channel != "sms") {
		return m, errors.New("mailbox: want a receiver, and email or sms")
	}
	m.ID, m.SentAt = uuid.New(), m.SentAt.UTC()
	if m.SentAt.IsZero() {
		m.SentAt = b.now().UTC()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file != nil {
		if err := b.write(m); err != nil {
			return m, fmt.Errorf("mailbox: %w", err)
		}
	}
	b.keep(m)
	return m, nil
}

// Get finds a message by id.
func (b *Box) Get(id string) (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return Message{}, false
	}
	return b.messages[i], true
}

// List returns up to limit messages, newest first; to, when not empty, keeps
// those with that receiver, in whatever case.
func (b *Box) List(to string, limit int) []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []Message{}
	for _, m := range slices.Backward(b.messages) {
		if len(found) == min(limit, MaxKept) {
			break
		}
		if to == "" || slices.ContainsFunc(m.To, func(one string) bool { return strings.EqualFold(one, to) }) {
			found = append(found, m)
		}
	}
	return found
}

// Close closes the file.
func (b *Box) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}
