package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/eval"
)

// row is a stored item without its key. Its slices may share the memory of the
// storage engine; item copies them.
type row struct {
	expires int64 // seconds since the epoch, 0 for never
	index   []indexed
	outbox  []byte
	doc     []byte
}

// indexes is how many index attributes there are.
const indexes = 8

type indexed struct {
	number byte
	value  []byte
}

// append writes expiry, index count, index entries, outbox and document, texts
// with their length before them, the document last.
func (r row) append(to []byte) []byte {
	to = binary.AppendVarint(to, r.expires)
	to = append(to, byte(len(r.index))) //nolint:gosec // eight at the most
	for _, x := range r.index {
		to = append(to, x.number)
		to = binary.AppendUvarint(to, uint64(len(x.value)))
		to = append(to, x.value...)
	}
	to = binary.AppendUvarint(to, uint64(len(r.outbox)))
	to = append(to, r.outbox...)
	return append(to, r.doc...)
}

func (r row) size() int {
	n := 16 + len(r.outbox) + len(r.doc)
	for _, x := range r.index {
		n += 4 + len(x.value)
	}
	return n
}

func (r row) encode() []byte { return r.append(make([]byte, 0, r.size())) }

// parseRow reads what append wrote, sharing its memory.
func parseRow(raw []byte) (row, error) {
	var r row
	p := parser{rest: raw}
	r.expires = p.varint()
	if count := int(p.byte()); count > 0 {
		r.index = make([]indexed, 0, count)
		for range count {
			x := indexed{number: p.byte(), value: p.text()}
			p.bad = p.bad || x.number >= indexes
			r.index = append(r.index, x)
		}
	}
	r.outbox = p.text()
	r.doc = p.rest
	if p.bad {
		return row{}, errors.New("stored row is damaged")
	}
	return r, nil
}

// parseExpiry reads no more of a row than whether it is live.
func parseExpiry(raw []byte) int64 {
	seconds, _ := binary.Varint(raw)
	return seconds
}

func rowOf(item table.Item) row {
	r := row{
		expires: eval.ExpirySeconds(item.Expires),
		outbox:  item.Outbox,
		doc:     bytes.TrimSpace(item.Doc),
	}
	if len(item.Index) == 0 {
		return r
	}
	for number, name := range table.IndexNames() {
		if value := item.Index[name]; value != "" {
			r.index = append(r.index, indexed{number: byte(number), value: []byte(value)})
		}
	}
	return r
}

// decodeItem copies a stored row into an item that the caller owns.
func decodeItem(k table.Key, raw []byte) (table.Item, error) {
	r, err := parseRow(bytes.Clone(raw))
	if err != nil {
		return table.Item{}, err
	}
	item := table.Item{Key: k, Expires: eval.ExpiryTime(r.expires)}
	if len(r.doc) > 0 {
		item.Doc = r.doc
	}
	if len(r.outbox) > 0 {
		item.Outbox = r.outbox[:len(r.outbox):len(r.outbox)]
	}
	if len(r.index) > 0 {
		item.Index = make(map[string]string, len(r.index))
		names := table.IndexNames()
		for _, x := range r.index {
			item.Index[names[x.number]] = string(x.value)
		}
	}
	return item, nil
}

// change is the stored form of a table.Change.
type change struct {
	at       time.Time
	key      table.Key
	old, new []byte // stored rows, nil when there is none
}

func (c change) encode() []byte {
	to := make([]byte, 0, 32+len(c.key.Part)+len(c.key.Sort)+len(c.old)+len(c.new))
	to = binary.AppendVarint(to, c.at.UnixNano())
	for _, text := range [][]byte{[]byte(c.key.Part), []byte(c.key.Sort), c.old} {
		to = binary.AppendUvarint(to, uint64(len(text)))
		to = append(to, text...)
	}
	return append(to, c.new...)
}

func parseChange(id string, raw []byte) (table.Change, error) {
	p := parser{rest: raw}
	c := table.Change{ID: id, At: time.Unix(0, p.varint()).UTC()}
	c.Key = table.Key{Part: string(p.text()), Sort: string(p.text())}
	old := p.text()
	if p.bad {
		return table.Change{}, errors.New("stored change is damaged")
	}
	var err error
	if c.Old, err = image(c.Key, old); err != nil {
		return table.Change{}, err
	}
	c.New, err = image(c.Key, p.rest)
	return c, err
}

// image decodes one side of a change; no stored row is ever empty.
func image(k table.Key, raw []byte) (*table.Item, error) {
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // a side that does not exist is no error
	}
	item, err := decodeItem(k, raw)
	return &item, err
}

// parser reads fields off the front and remembers when one was cut short.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) byte() byte {
	if len(p.rest) == 0 {
		p.bad = true
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

func (p *parser) varint() int64 {
	v, n := binary.Varint(p.rest)
	if n <= 0 {
		p.bad = true
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *parser) text() []byte {
	size, n := binary.Uvarint(p.rest)
	if n <= 0 || size > uint64(len(p.rest)-n) { //nolint:gosec // n is at most len(rest)
		p.bad = true
		return nil
	}
	end := n + int(size) //nolint:gosec // within len(rest)
	text := p.rest[n:end]
	p.rest = p.rest[end:]
	return text
}
