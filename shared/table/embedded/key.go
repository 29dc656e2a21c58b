package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/table"
)

// The first byte of every stored key says what it is.
const (
	spaceAge    = 'a' // nanosecond, transaction token -> nothing
	spaceChange = 'c' // sequence number -> change record
	spaceExpiry = 'e' // second, partition, sort -> nothing
	spaceFormat = 'f' // nothing -> the layout of everything else
	spaceItem   = 'i' // partition, sort -> row
	spaceToken  = 't' // transaction token -> time of commit
	spaceIndex  = 'x' // index number, three components -> nothing
)

// A component of a key is written so that comparing bytes compares components
// one after the other and no two lists of components look alike: a zero byte
// becomes 00 FF, and 00 01 ends the component.
func appendComponent(to []byte, text string) []byte {
	return append(appendOpen(to, text), 0, 1)
}

// appendOpen writes a component without its end: the common beginning of all
// components that begin with text.
func appendOpen(to []byte, text string) []byte {
	for {
		zero := strings.IndexByte(text, 0)
		if zero < 0 {
			return append(to, text...)
		}
		to = append(append(to, text[:zero]...), 0, 0xFF)
		text = text[zero+1:]
	}
}

// cutComponent reads one component and returns what follows it.
func cutComponent(key []byte) (text string, rest []byte, err error) {
	var plain []byte
	for {
		zero := bytes.IndexByte(key, 0)
		if zero < 0 || zero+1 >= len(key) {
			return "", nil, errors.New("stored key is damaged")
		}
		switch key[zero+1] {
		case 1:
			if plain == nil {
				return string(key[:zero]), key[zero+2:], nil
			}
			return string(append(plain, key[:zero]...)), key[zero+2:], nil
		case 0xFF:
			plain = append(append(plain, key[:zero]...), 0)
			key = key[zero+2:]
		default:
			return "", nil, errors.New("stored key is damaged")
		}
	}
}

func itemKey(k table.Key) []byte {
	key := make([]byte, 1, len(k.Part)+len(k.Sort)+8)
	key[0] = spaceItem
	return appendComponent(appendComponent(key, k.Part), k.Sort)
}

// parseItemKey is the reverse of itemKey.
func parseItemKey(key []byte) (table.Key, error) {
	part, rest, err := cutComponent(key[1:])
	if err != nil {
		return table.Key{}, err
	}
	sort, _, err := cutComponent(rest)
	return table.Key{Part: part, Sort: sort}, err
}

// indexKey is value, sort, partition for a by-index and partition, value, sort
// for an ord-index.
func indexKey(number byte, value string, k table.Key) []byte {
	key := make([]byte, 2, len(k.Part)+len(k.Sort)+len(value)+10)
	key[0], key[1] = spaceIndex, number
	if isBy(number) {
		return appendComponent(appendComponent(appendComponent(key, value), k.Sort), k.Part)
	}
	return appendComponent(appendComponent(appendComponent(key, k.Part), value), k.Sort)
}

// parseIndexKey is the reverse of indexKey.
func parseIndexKey(key []byte) (value string, k table.Key, err error) {
	var parts [3]string
	rest := key[2:]
	for i := range parts {
		if parts[i], rest, err = cutComponent(rest); err != nil {
			return "", table.Key{}, err
		}
	}
	if isBy(key[1]) {
		return parts[0], table.Key{Part: parts[2], Sort: parts[1]}, nil
	}
	return parts[1], table.Key{Part: parts[0], Sort: parts[2]}, nil
}

func expiryKey(seconds int64, k table.Key) []byte {
	key := make([]byte, 1, len(k.Part)+len(k.Sort)+16)
	key[0] = spaceExpiry
	key = binary.BigEndian.AppendUint64(key, uint64(max(seconds, 0)))
	return appendComponent(appendComponent(key, k.Part), k.Sort)
}

func changeKey(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{spaceChange}, sequence)
}

func tokenKey(token string) []byte { return append([]byte{spaceToken}, token...) }

func ageKey(at time.Time, token string) []byte {
	key := binary.BigEndian.AppendUint64([]byte{spaceAge}, uint64(at.UnixNano()))
	return append(key, token...)
}

// after returns the first key behind all keys that begin with prefix.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xFF {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

// indexNumber is the position of the name in table.IndexNames.
func indexNumber(name string) byte {
	for i, known := range table.IndexNames() {
		if known == name {
			return byte(i)
		}
	}
	return 0xFF
}

func isBy(number byte) bool { return number < 5 }
