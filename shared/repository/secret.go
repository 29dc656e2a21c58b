package repository

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/collection"
	"github.com/appmint/appengine/shared/record"
)

// withoutSecrets drops from a client's payload what only a module may set.
func withoutSecrets(d *collection.Definition, data json.RawMessage) (json.RawMessage, error) {
	if d.Custom || len(d.Secrets) == 0 {
		return data, nil
	}
	value, err := decodeAny(data)
	if err != nil {
		return nil, err
	}
	strip(value, secretsOf(d.Name))
	return encodeAny(value)
}

// keepSecrets completes a client's new payload with the secrets of the stored
// one, which the client has never seen.
func keepSecrets(d *collection.Definition, data, old json.RawMessage) (json.RawMessage, error) {
	data, err := withoutSecrets(d, data)
	if err != nil {
		return nil, err
	}
	return carriedBy(carry, d, data, old)
}

// carriedBy completes a payload with the secrets of an older one, each by the
// rule of how. A payload whose older one has none is returned as it is.
func carriedBy(how func(value, before any, names []string), d *collection.Definition, data, old json.RawMessage) (json.RawMessage, error) {
	names := secretsOf(d.Name)
	if len(present(old, names)) == 0 {
		return data, nil
	}
	value, err := decodeAny(data)
	if err != nil {
		return nil, err
	}
	before, err := decodeAny(old)
	if err != nil {
		return nil, err
	}
	how(value, before, names)
	return encodeAny(value)
}

func carry(value, before any, names []string) {
	switch value := value.(type) {
	case map[string]any:
		old, _ := before.(map[string]any)
		for _, name := range names {
			if secret, had := old[name]; had {
				if _, given := value[name]; !given {
					value[name] = secret
				}
			}
		}
		for name, below := range value {
			carry(below, old[name], names)
		}
	case []any:
		old, _ := before.([]any)
		if len(old) != len(value) {
			return
		}
		for i, below := range value {
			carry(below, old[i], names)
		}
	}
}

func decodeAny(data json.RawMessage) (any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, collection.ErrInvalidData.WithMessage("The data of the record is not valid JSON.")
	}
	return value, nil
}

// versionOf reads the guard of a partial update.
func versionOf(paths map[string]json.RawMessage) (*int64, error) {
	text, ok := paths["version"]
	if !ok || string(text) == "null" {
		return nil, nil //nolint:nilnil // no version is asked for
	}
	version, err := strconv.ParseInt(strings.Trim(string(text), `"`), 10, 64)
	if err != nil {
		return nil, ErrBadRecord.WithMessage("The version must be a number.")
	}
	return &version, nil
}

// pathsMax bounds a partial update.
const pathsMax = 200

// patched applies dotted paths to the part of a record that clients may set.
func patched(rec record.Raw, paths map[string]json.RawMessage) (Revision, error) {
	if len(paths) > pathsMax {
		return Revision{}, ErrBadRecord.WithMessage("Too many fields in one update.")
	}
	data, err := decodeAny(rec.Data)
	if err != nil {
		return Revision{}, err
	}
	whole := map[string]any{"data": data}
	for name, text := range map[string]json.RawMessage{"post": rec.Post, "style": rec.Style} {
		if len(text) > 0 {
			if whole[name], err = decodeAny(text); err != nil {
				return Revision{}, err
			}
		}
	}
	if rec.Owner != nil {
		whole["owner"] = map[string]any{"datatype": rec.Owner.Datatype, "id": rec.Owner.ID, "name": rec.Owner.Name, "email": rec.Owner.Email}
	}
	for _, path := range sortedPaths(paths) {
		head, _, _ := strings.Cut(path, ".")
		switch head {
		case "data", "post", "style", "owner", "name", "state", "subschema", "requiredRole", "notes":
			value, err := decodeAny(paths[path])
			if err != nil {
				return Revision{}, err
			}
			if err := assign(whole, strings.Split(path, "."), value); err != nil {
				return Revision{}, err
			}
		}
	}
	return changeOf(whole)
}

func changeOf(whole map[string]any) (Revision, error) {
	text, err := encodeAny(whole)
	if err != nil {
		return Revision{}, err
	}
	var c Revision
	if err := json.Unmarshal(text, &c); err != nil {
		return Revision{}, ErrBadRecord.WithMessage("The update does not fit the record: " + err.Error())
	}
	return c, nil
}

// elementsMax bounds how far an index may reach beyond an array.
const elementsMax = 1000

// assign sets a value at a path, making the objects on the way.
func assign(at map[string]any, path []string, value any) error {
	if path[0] == "" {
		return ErrBadRecord.WithMessage("A path of the update has an empty part.")
	}
	if len(path) == 1 {
		at[path[0]] = value
		return nil
	}
	switch below := at[path[0]].(type) {
	case map[string]any:
		return assign(below, path[1:], value)
	case []any:
		grown, err := assignElement(below, path[1:], value)
		at[path[0]] = grown
		return err
	}
	fresh := map[string]any{}
	at[path[0]] = fresh
	return assign(fresh, path[1:], value)
}

func assignElement(list []any, path []string, value any) ([]any, error) {
	i, err := strconv.Atoi(path[0])
	if err != nil || i < 0 || i > len(list) || i > elementsMax {
		return list, ErrBadRecord.WithMessage("\"" + path[0] + "\" is not a position of that list.")
	}
	if i == len(list) {
		list = append(list, nil)
	}
	if len(path) == 1 {
		list[i] = value
		return list, nil
	}
	object, ok := list[i].(map[string]any)
	if !ok {
		object = map[string]any{}
		list[i] = object
	}
	return list, assign(object, path[1:], value)
}
