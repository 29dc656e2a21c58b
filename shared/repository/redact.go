package repository

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/table"
)

// secretNames are members that no generic read, list, event or filter shows,
// wherever they stand.
func secretNames() []string {
	return []string{
		"password", "passwordHash", "confirmPassword", "passcode", "passcodeHash", "keyHash", "keySecret",
		"codeHash", "codeSecret", "tokenHash", "secretHash", "twoFactorSecret", "invitationToken",
		"confirmationToken", "accessToken", "refreshToken", "clientSecret", "stripeClientSecret", "apiSecret",
		"webhookSecret", "privateKey", "providerToken", "apiKey", "pushToken",
	}
}

// secretsOf are the names to strip from records of a collection: the common
// ones and the collection's own.
func secretsOf(datatype string) []string {
	names := secretNames()
	d, ok, err := collection.Builtin(datatype)
	if !ok || err != nil {
		return names
	}
	for _, path := range d.Secrets {
		names = append(names, path[strings.LastIndexByte(path, '.')+1:])
	}
	return names
}

// redact returns a record's JSON without secrets and without the members that
// never go out. A record that has none is returned as it is, undecoded.
func redact(doc table.Doc) table.Doc {
	if filter.Text(doc, "datatype") == datatypeCollection || filter.Text(doc, "sourceDatatype") == datatypeCollection {
		return doc // there the names are those of schema properties
	}
	names, own := members(doc)
	if len(own) > 0 {
		datatype := filter.Text(doc, "sourceDatatype")
		if datatype == "" {
			datatype = filter.Text(doc, "datatype")
		}
		for _, name := range secretsOf(datatype) {
			if slices.Contains(own, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return doc
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil {
		return doc
	}
	strip(value, names)
	stripped, err := encodeAny(value)
	if err != nil {
		return nil
	}
	return stripped
}

// members finds the secrets among a document's member names, wherever they
// stand, in one pass: the common ones, and those that only some collections
// treat as secrets.
func members(doc []byte) (common, some []string) {
	for i := 0; ; {
		at := bytes.Index(doc[i:], []byte(`":`))
		if at < 0 {
			return common, some
		}
		end := i + at
		i = end + 2
		begin := bytes.LastIndexByte(doc[max(0, end-nameLongest-1):end], '"')
		if begin < 0 {
			continue
		}
		name := doc[max(0, end-nameLongest-1)+begin+1 : end]
		switch string(name) {
		case "token", "pin", "answer":
			some = append(some, string(name))
		case "password", "passwordHash", "confirmPassword", "passcode", "passcodeHash", "keyHash", "keySecret",
			"codeHash", "codeSecret", "tokenHash", "secretHash", "twoFactorSecret", "invitationToken",
			"confirmationToken", "accessToken", "refreshToken", "clientSecret", "stripeClientSecret", "apiSecret",
			"webhookSecret", "privateKey", "providerToken", "apiKey", "pushToken":
			common = append(common, string(name))
		}
	}
}

// nameLongest is the length of the longest secret name, in bytes.
const nameLongest = len("stripeClientSecret")

func present(doc []byte, names []string) []string {
	var found []string
	for _, name := range names {
		if bytes.Contains(doc, []byte(`"`+name+`":`)) {
			found = append(found, name)
		}
	}
	return found
}

// strip removes members by name at any depth.
func strip(value any, names []string) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range names {
			delete(value, name)
		}
		for _, below := range value {
			strip(below, names)
		}
	case []any:
		for _, below := range value {
			strip(below, names)
		}
	}
}

func encodeAny(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
