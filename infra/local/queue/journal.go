package queue

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Journal keeps a queue's messages over restarts. A queue calls it under its
// own lock or one at a time per message.
type Journal interface {
	// Load returns the messages alive, in the order of their sequence.
	Load() ([]Stored, error)
	// Put stores a new message.
	Put(s Stored) error
	// Touch stores what receiving a message changed: everything but its
	// content.
	Touch(s Stored) error
	// Remove forgets a message.
	Remove(id string) error
	// Rewrite replaces everything by the messages alive.
	Rewrite(alive []Stored) error
}

// forgetful is the journal of a queue that lives in memory only.
type forgetful struct{}

func (forgetful) Load() ([]Stored, error) { return nil, nil }
func (forgetful) Put(Stored) error        { return nil }
func (forgetful) Touch(Stored) error      { return nil }
func (forgetful) Remove(string) error     { return nil }
func (forgetful) Rewrite([]Stored) error  { return nil }

// FileJournal is an append-only file of JSON lines. It is written without
// fsync: it survives the end of the process, however sudden, but a power cut
// may take the last second.
type FileJournal struct {
	path string
	mu   sync.Mutex
	file *os.File
}

// record is one line: a new message, what receiving one changed, or the id of
// one that is gone.
type record struct {
	Put    *Stored `json:"put,omitempty"`
	Touch  *touch  `json:"touch,omitempty"`
	Remove string  `json:"remove,omitempty"`
}

// touch is the part of Stored that changes.
type touch struct {
	ID              string    `json:"id"`
	VisibleAt       time.Time `json:"visibleAt"`
	FirstReceivedAt time.Time `json:"firstReceivedAt,omitzero"`
	Receives        int       `json:"receives,omitempty"`
}

// apply brings the messages alive up to date with one line.
func (r *record) apply(alive map[string]Stored) {
	if r.Put != nil {
		alive[r.Put.ID] = *r.Put
	}
	if t := r.Touch; t != nil {
		if s, ok := alive[t.ID]; ok {
			s.VisibleAt, s.FirstReceivedAt, s.Receives = t.VisibleAt, t.FirstReceivedAt, t.Receives
			alive[t.ID] = s
		}
	}
	delete(alive, r.Remove)
}

// OpenFile returns the journal at path, whose folder it creates. Close it
// when the queue is no longer used.
func OpenFile(path string) (*FileJournal, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) // #nosec G304 -- the caller's own file
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return &FileJournal{path: path, file: file}, nil
}

// Load replays the file. A last line that a crash cut short is ignored; any
// other damage is an error.
func (j *FileJournal) Load() ([]Stored, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("load journal: %w", err)
	}
	alive := map[string]Stored{}
	reader := bufio.NewReader(j.file)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return bySequence(alive), nil
		}
		if err != nil {
			return nil, fmt.Errorf("load journal: %w", err)
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("load journal: %s line %d: %w", j.path, number, err)
		}
		r.apply(alive)
	}
}

func bySequence(alive map[string]Stored) []Stored {
	kept := make([]Stored, 0, len(alive))
	for _, s := range alive {
		kept = append(kept, s)
	}
	slices.SortFunc(kept, func(a, b Stored) int {
		if a.Sequence < b.Sequence {
			return -1
		}
		return 1
	})
	return kept
}

// Put appends the message.
func (j *FileJournal) Put(s Stored) error { return j.append(record{Put: &s}) }

// Touch appends what changed, which is short whatever the message's size.
func (j *FileJournal) Touch(s Stored) error {
	return j.append(record{Touch: &touch{
		ID: s.ID, VisibleAt: s.VisibleAt, FirstReceivedAt: s.FirstReceivedAt, Receives: s.Receives,
	}})
}

// Remove appends the message's end.
func (j *FileJournal) Remove(id string) error { return j.append(record{Remove: id}) }

func (j *FileJournal) append(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// Rewrite writes a new file beside the old one and moves it over it, so that
// at every moment one of the two is whole.
func (j *FileJournal) Rewrite(alive []Stored) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	next := j.path + ".new"
	if err := writeAll(next, alive); err != nil {
		return fmt.Errorf("rewrite journal: %w", err)
	}
	if err := os.Rename(next, j.path); err != nil {
		return fmt.Errorf("rewrite journal: %w", err)
	}
	file, err := os.OpenFile(j.path, os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("rewrite journal: %w", err)
	}
	old := j.file
	j.file = file
	return old.Close()
}

func writeAll(path string, alive []Stored) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // #nosec G304 -- beside the journal
	if err != nil {
		return err
	}
	writer := bufio.NewWriter(file)
	encoder := json.NewEncoder(writer)
	for i := range alive {
		if err := encoder.Encode(record{Put: &alive[i]}); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return errors.Join(writer.Flush(), file.Close())
}

// Close closes the file. Closing twice is harmless.
func (j *FileJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}
