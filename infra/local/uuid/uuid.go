// Package uuid makes the random identifiers that AWS gives to events,
// messages and invocations.
package uuid

import (
	"crypto/rand"
	"encoding/hex"
)

// New returns a random UUID of version 4, in lower case with hyphens.
func New() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: the process ends when there is no randomness
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], raw[:4])
	hex.Encode(text[9:13], raw[4:6])
	hex.Encode(text[14:18], raw[6:8])
	hex.Encode(text[19:23], raw[8:10])
	hex.Encode(text[24:], raw[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
