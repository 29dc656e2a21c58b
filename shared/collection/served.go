package collection

import (
	"bytes"
	"encoding/json"

	"github.com/appmint/appengine/shared/filter"
)

// BuiltinRecord is the definition of a built-in collection as clients read it: a
// collection record with the name as id. Without withSchema the schema is left
// out. ok is false for any other name.
func BuiltinRecord(name string, withSchema bool) (doc []byte, ok bool) {
	text, ok := source(name)
	if !ok {
		return nil, false
	}
	data := map[string]any{
		"name": name, "title": filter.Text(text, "title"), "description": filter.Text(text, "description"),
		"type": "Concrete", "enablePost": true, "enableWorkflow": true, "enableIndexing": true,
		"enableVersioning": string(filter.Get(text, "versioning")) == "true",
		"enableSubSchema":  string(filter.Get(text, "subSchema")) == "true",
		"builtin":          true, "reserved": filter.Text(text, "mark"),
	}
	if withSchema {
		data["schema"] = json.RawMessage(filter.Get(text, "schema"))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(map[string]any{
		"pk": name, "sk": name, "name": name, "datatype": "collection", "version": 0, "state": "published", "data": data,
	})
	return bytes.TrimSpace(b.Bytes()), err == nil
}
