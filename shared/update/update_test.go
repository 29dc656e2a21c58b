package update_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/filter"
	"github.com/appmint/appengine/shared/update"
)

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestApply(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 4, 10, 8, 20, 11, 0, time.UTC)
	for name, test := range map[string]struct{ doc, update, filter, want string }{
		"deep set":           {`{}`, `{"$set":{"a.b.c":1}}`, ``, `{"a":{"b":{"c":1}}}`},
		"element":            {`{"l":[1]}`, `{"$set":{"l.2":3}}`, ``, `{"l":[1,null,3]}`},
		"unset nothing":      {`{"a":1}`, `{"$unset":{"b.c":""}}`, ``, `{"a":1}`},
		"unset element":      {`{"l":[1,2]}`, `{"$unset":{"l.0":""}}`, ``, `{"l":[null,2]}`},
		"large whole number": {`{"n":9007199254740993}`, `{"$inc":{"n":1}}`, ``, `{"n":9007199254740994}`},
		"fraction":           {`{"n":0.5}`, `{"$inc":{"n":1}}`, ``, `{"n":1.5}`},
		"mul missing":        {`{}`, `{"$mul":{"n":5}}`, ``, `{"n":0}`},
		"min date":           {`{"d":"2026-04-10"}`, `{"$min":{"d":"2026-04-09T23:00:00.000Z"}}`, ``, `{"d":"2026-04-09T23:00:00.000Z"}`},
		"set of objects":     {`{"l":[{"a":1,"b":2}]}`, `{"$addToSet":{"l":{"b":2,"a":1}}}`, ``, `{"l":[{"a":1,"b":2}]}`},
		"push sorted":        {`{"l":[{"a":2}]}`, `{"$push":{"l":{"$each":[{"a":1}],"$sort":{"a":1}}}}`, ``, `{"l":[{"a":1},{"a":2}]}`},
		"push front":         {`{"l":[2]}`, `{"$push":{"l":{"$each":[1],"$position":0}}}`, ``, `{"l":[1,2]}`},
		"pull objects":       {`{"l":[{"a":1},{"a":2},3]}`, `{"$pull":{"l":{"a":{"$gt":1}}}}`, ``, `{"l":[{"a":1},3]}`},
		"pull all":           {`{"l":[1,2,3,1]}`, `{"$pullAll":{"l":[1,3]}}`, ``, `{"l":[2]}`},
		"pull from nothing":  {`{}`, `{"$pull":{"l":1}}`, ``, `{}`},
		"rename":             {`{"a":{"b":1}}`, `{"$rename":{"a.b":"c.d"}}`, ``, `{"a":{},"c":{"d":1}}`},
		"every element":      {`{"l":[{"n":1},{"n":2}]}`, `{"$inc":{"l.$[].n":1}}`, ``, `{"l":[{"n":2},{"n":3}]}`},
		"matched element":    {`{"l":[{"s":"a"},{"s":"b"}]}`, `{"$set":{"l.$.s":"c","l.$.n":1}}`, `{"l.s":"b"}`, `{"l":[{"s":"a"},{"s":"c","n":1}]}`},
		"matched value":      {`{"l":[1,5,9]}`, `{"$set":{"l.$":0}}`, `{"l":{"$elemMatch":{"$gt":4}}}`, `{"l":[1,0,9]}`},
		"date":               {`{}`, `{"$currentDate":{"d":{"$type":"date"}}}`, ``, `{"d":"2026-04-10T08:20:11.000Z"}`},
		"on insert":          {`{}`, `{"$setOnInsert":{"a":1},"$set":{"b":2}}`, ``, `{"b":2}`},
	} {
		u, err := update.Parse(json.RawMessage(test.update))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		match, err := filter.Parse(json.RawMessage(test.filter))
		if err != nil {
			t.Fatal(err)
		}
		doc := decode(t, test.doc)
		if err := u.Apply(doc, update.Context{Now: now, Match: match}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(decode(t, test.want), doc); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ doc, update string }{
		"no JSON":           {`{}`, `{`},
		"list":              {`{}`, `[]`},
		"two documents":     {`{}`, `{"$set":{"a":1}} {}`},
		"nothing":           {`{}`, `{"$set":{}}`},
		"operand":           {`{}`, `{"$inc":{"a":"1"}}`},
		"overflow":          {`{"a":9223372036854775807}`, `{"$inc":{"a":1}}`},
		"infinity":          {`{"a":1e308}`, `{"$mul":{"a":10.5}}`},
		"null":              {`{"a":null}`, `{"$inc":{"a":1}}`},
		"below a scalar":    {`{"a":1}`, `{"$set":{"a.b":1}}`},
		"far element":       {`{"l":[]}`, `{"$set":{"l.5000":1}}`},
		"no list":           {`{"a":1}`, `{"$set":{"a.$[].b":1}}`},
		"array filter":      {`{}`, `{"$set":{"a.$[x].b":1}}`},
		"twice positional":  {`{}`, `{"$set":{"a.$.b.$":1}}`},
		"same field":        {`{}`, `{"$set":{"a":1},"$inc":{"a":1}}`},
		"rename target":     {`{}`, `{"$rename":{"a":"b"},"$set":{"b":1}}`},
		"modifier":          {`{}`, `{"$push":{"a":{"$each":[],"$what":1}}}`},
		"slice without":     {`{}`, `{"$push":{"a":{"$slice":1}}}`},
		"pop":               {`{}`, `{"$pop":{"a":2}}`},
		"empty segment":     {`{}`, `{"$set":{"a..b":1}}`},
		"pull that is code": {`{}`, `{"$pull":{"a":{"$where":"1"}}}`},
	} {
		u, err := update.Parse(json.RawMessage(test.update))
		if err == nil {
			err = u.Apply(decode(t, test.doc), update.Context{Match: &filter.Filter{}})
		}
		if _, known := fault.From(err); !known {
			t.Errorf("%s: got %v, want a fault", name, err)
		}
	}
}

func TestNamesTellEverythingMentioned(t *testing.T) {
	t.Parallel()
	u, err := update.Parse(json.RawMessage(`{"$set":{"a.b":{"c":[{"d":1}]}},"$rename":{"e":"f.g"},"$pull":{"h":{"i.j":1}}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, name := range u.Names() {
		got[name] = true
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		if !got[name] {
			t.Errorf("%s is not mentioned in %v", name, u.Names())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"$set":{"a.$[].b":1},"$push":{"l":{"$each":[1],"$sort":-1}}}`, `{"a":[{"b":2}],"l":[3]}`)
	f.Add(`{"$rename":{"a":"b"},"$pull":{"l":{"$gt":1}}}`, `{"a":1,"l":[1,2]}`)
	f.Fuzz(func(t *testing.T, text, doc string) {
		u, err := update.Parse(json.RawMessage(text))
		if err != nil {
			if !errors.Is(err, update.ErrInvalid) && !errors.Is(err, filter.ErrInvalid) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader([]byte(doc)))
		d.UseNumber()
		var whole map[string]any
		if d.Decode(&whole) != nil || whole == nil {
			return
		}
		if u.Apply(whole, update.Context{Match: &filter.Filter{}}) == nil {
			if _, err := json.Marshal(whole); err != nil {
				t.Fatalf("%q on %q: %v", text, doc, err)
			}
		}
	})
}
