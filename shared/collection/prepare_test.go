package collection

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/fault"
)

func testEnv() Env {
	n := byte(0)
	return Env{
		Now: time.Date(2026, 4, 10, 8, 20, 11, 0, time.UTC),
		Random: func(b []byte) {
			for i := range b {
				b[i] = n
				n++
			}
		},
	}
}

func custom(t *testing.T, data string) *Definition {
	t.Helper()
	d, err := ofCustom(json.RawMessage(data))
	if err != nil {
		t.Fatalf("ofCustom: %v", err)
	}
	return d
}

func TestPrepareAppliesTransformsInOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ transform, in, want string }{
		{`"uppercase"`, `{"f":"abc"}`, `{"f":"ABC"}`},
		{`["lowercase"]`, `{"f":"ABC"}`, `{"f":"abc"}`},
		{`"titlecase"`, `{"f":"the o'neill case"}`, `{"f":"The O'neill Case"}`},
		{`["prefix::wo-","random-string::6","uppercase"]`, `{}`, `{"f":"WO-ABCDEF"}`},
		{`["prefix::wo-","random-string::6","uppercase"]`, `{"f":"WO-123"}`, `{"f":"WO-123"}`},
		{`"suffix::.pdf"`, `{"f":"a.pdf"}`, `{"f":"a.pdf"}`},
		{`"suffix::.pdf"`, `{"f":"a"}`, `{"f":"a.pdf"}`},
		{`"random-string::8"`, `{"f":"longenough"}`, `{"f":"longenough"}`},
		{`"random-string"`, `{"f":"ab"}`, `{"f":"ababcd"}`},
		{`"uri"`, `{"f":"Hello, World/2"}`, `{"f":"hello--world/2"}`},
		{`"URI,UpperCase"`, `{"f":"a b"}`, `{"f":"A-B"}`},
		{`"date-now"`, `{}`, `{"f":"2026-04-10T08:20:11.000Z"}`},
		{`"script"`, `{"f":"as is"}`, `{"f":"as is"}`},
		{`"uri"`, `{}`, `{}`},
	} {
		t.Run(c.transform+" "+c.in, func(t *testing.T) {
			t.Parallel()
			d := custom(t, `{"name":"things","schema":{"properties":{"f":{"type":"string","transform":`+c.transform+`}}}}`)
			got, err := d.Prepare(json.RawMessage(c.in), nil, testEnv())
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestPrepareFillsDefaults(t *testing.T) {
	t.Parallel()
	d := custom(t, `{"name":"things","schema":{"properties":{
		"name":{"type":"string","transform":"random-string::4"},
		"slug":{"type":"string","default":"{{name}}","transform":["uppercase"]},
		"ref":{"type":"string","default":"{{missing}}"},
		"count":{"type":"number","default":0},
		"tags":{"type":"array","default":["a"]},
		"box":{"type":"object","properties":{"size":{"type":"number","default":3}}},
		"rows":{"type":"array","items":{"properties":{"n":{"default":1}}}}}}}`)
	got, err := d.Prepare(json.RawMessage(`{"rows":[{},{"n":2}]}`), nil, testEnv())
	want := `{"count":0,"name":"abcd","rows":[{"n":1},{"n":2}],"slug":"ABCD","tags":["a"]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestUpdateKeepsGeneratedValues(t *testing.T) {
	t.Parallel()
	d := custom(t, `{"name":"things","schema":{"properties":{"no":{"type":"string","transform":"random-string::6"},"up":{"type":"string","transform":"uppercase"}}}}`)
	got, err := d.Prepare(json.RawMessage(`{"up":"kept"}`), json.RawMessage(`{"no":"x1","up":"kept"}`), testEnv())
	if want := `{"no":"x1","up":"kept"}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestInstantsAreStoredInOneForm(t *testing.T) {
	t.Parallel()
	d := custom(t, `{"name":"things","schema":{"properties":{"at":{"type":"string","format":"date-time"}}}}`)
	for _, in := range []string{`"2026-04-10T10:20:11+02:00"`, `1775809211000`, `"2026-04-10T08:20:11Z"`} {
		got, err := d.Prepare(json.RawMessage(`{"at":`+in+`}`), nil, testEnv())
		if want := `{"at":"2026-04-10T08:20:11.000Z"}`; err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestValidationListsEveryComplaint(t *testing.T) {
	t.Parallel()
	d := custom(t, `{"name":"things","schema":{"required":["title"],"properties":{
		"title":{"type":"string"},"mail":{"type":"string","format":"email"},"site":{"type":"string","format":"uri"},
		"kind":{"enum":["a","b"]},"n":{"type":"number","minimum":3},"s":{"type":"string","maxLength":2},
		"deep":{"properties":{"x":{"type":"boolean"}}}}}}`)
	_, err := d.Prepare(json.RawMessage(`{"mail":"x","site":"no scheme","kind":"c","n":1,"s":"abc","deep":{"x":1},"extra":1}`), nil, testEnv())
	f, ok := fault.From(err)
	if !ok || !errors.Is(err, ErrInvalidData) {
		t.Fatalf("got %v, want %v", err, ErrInvalidData)
	}
	got := map[string]string{}
	for _, d := range f.Details {
		got[d.Field] = d.Message
	}
	want := map[string]string{
		"data.title":  "data must have required property 'title'",
		"data.mail":   "data.mail must be a valid email",
		"data.site":   "data.site must be a valid uri",
		"data.kind":   "data.kind must be one of a, b",
		"data.n":      "data.n must be at least 3",
		"data.s":      "data.s must have at most 2 characters",
		"data.deep.x": "data.deep.x must be boolean",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}

func TestDefineRefuses(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"a built-in name":        `{"name":"user"}`,
		"a short name":           `{"name":"ab"}`,
		"a name with a hyphen":   `{"name":"my-things"}`,
		"a schema that is text":  `{"name":"things","schema":"x"}`,
		"an unknown type":        `{"name":"things","schema":{"properties":{"a":{"type":"strin"}}}}`,
		"a look-ahead":           `{"name":"things","schema":{"properties":{"a":{"type":"string","pattern":"(?=x)"}}}}`,
		"a long pattern":         `{"name":"things","schema":{"properties":{"a":{"pattern":"` + strings.Repeat("a", 2000) + `"}}}}`,
		"a foreign reference":    `{"name":"things","schema":{"$ref":"https://example.com/x.json"}}`,
		"deep nesting":           `{"name":"things","schema":` + strings.Repeat(`{"properties":{"a":`, 80) + `{}` + strings.Repeat(`}}`, 80) + `}`,
		"an index on an array":   `{"name":"things","schema":{"properties":{"a":{"type":"array"}}},"indexes":[{"fields":["a"]}]}`,
		"an index on nothing":    `{"name":"things","indexes":[{"fields":["a"]}]}`,
		"too many indexed texts": `{"name":"things","schema":{"properties":{"a":{"type":"string","indexed":true},"b":{"type":"string","indexed":true},"c":{"type":"string","indexed":true},"d":{"type":"string","indexed":true}}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Define(json.RawMessage(data), nil, false)
			if f, ok := fault.From(err); !ok || f.Kind == fault.Internal {
				t.Errorf("got %v, want a fault", err)
			}
		})
	}
}

func TestSlotsAreStable(t *testing.T) {
	t.Parallel()
	first, err := Define(json.RawMessage(`{"name":"things","schema":{"properties":{"b":{"type":"string","indexed":true},"n":{"type":"number","indexed":true}}}}`), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Define(json.RawMessage(`{"name":"things","slots":{"by3":"data.z"},"schema":{"properties":{"a":{"type":"string","indexed":true},"b":{"type":"string","indexed":true},"n":{"type":"number","indexed":true}}}}`), first, true)
	if err != nil {
		t.Fatal(err)
	}
	var got Custom
	if err := json.Unmarshal(second, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"by3": "data.b", "by4": "data.a", "ord2": "data.n"}, got.Slots); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"data.a"}, got.PendingSlots); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}
	d := custom(t, string(second))
	if d.SlotOf("data.a") != "" || d.SlotOf("data.b") != "by3" {
		t.Errorf("readable slots: a %q, b %q", d.SlotOf("data.a"), d.SlotOf("data.b"))
	}
}

func FuzzDefine(f *testing.F) {
	f.Add(`{"name":"things","schema":{"properties":{"a":{"type":"string","unique":true}}}}`, `{"a":"x"}`)
	f.Add(`{"name":"things","schema":{"properties":{"a":{"transform":["prefix::x",1],"default":{}}}}}`, `{"a":[1]}`)
	f.Fuzz(func(t *testing.T, definition, data string) {
		stored, err := Define(json.RawMessage(definition), nil, false)
		if err != nil {
			return
		}
		d, err := ofCustom(stored)
		if err != nil {
			t.Fatalf("Define accepts what ofCustom refuses: %v", err)
		}
		prepared, err := d.Prepare(json.RawMessage(data), nil, testEnv())
		if err != nil {
			return
		}
		if !json.Valid(prepared) {
			t.Errorf("Prepare made %q", prepared)
		}
	})
}
