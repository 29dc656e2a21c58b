package dynamo_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/appmint/appengine/shared/table"
	"github.com/appmint/appengine/shared/table/dynamo"
	"github.com/appmint/appengine/shared/table/eval"
)

// FuzzAttribute holds the conversion to its promise: what goes in comes out as
// the same value, whatever it is, and nothing that is not JSON goes in.
func FuzzAttribute(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `"a\u0000\ud83d\ude00\"\\"`, `-0.50e+3`, `{"a":[1,{"b":[[],"",true]}],"":2}`, ` [ 1 , 2 ] `,
		`99999999999999999999999999999999999999`, `1e126`, `{"a":1,"a":2}`, `"\ud800"`, `[`, `{"a"}`, `01`, `"\x"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := dynamo.ToAttribute([]byte(text))
		if err != nil {
			if json.Valid([]byte(text)) && !errors.Is(err, table.ErrDocument) {
				t.Errorf("%s is JSON and was refused: %v", text, err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is not JSON and was accepted", text)
		}
		got, err := dynamo.FromAttribute(value)
		if err != nil || !json.Valid(got) {
			t.Fatalf("%s comes back as %s, %v", text, got, err)
		}
		if !eval.Equal(got, []byte(text)) {
			t.Errorf("%s comes back as %s", text, got)
		}
	})
}

func TestFromAttributeReadsForeignTypes(t *testing.T) {
	t.Parallel()
	got, err := dynamo.FromAttribute(&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
		"b":  &types.AttributeValueMemberB{Value: []byte{1, 2}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1, 2}}},
		"ns": &types.AttributeValueMemberNS{Value: []string{"1", ".5"}},
		"ss": &types.AttributeValueMemberSS{Value: []string{"x", "y"}},
	}})
	const want = `{"b":"AQI=","bs":["AQI="],"ns":[1,0.5],"ss":["x","y"]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestToAttributeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"1e126", "1e-131", strings.Repeat("1", 39), `"` + "\xff" + `"`,
		strings.Repeat("[", table.DepthMax+1) + strings.Repeat("]", table.DepthMax+1),
	} {
		if _, err := dynamo.ToAttribute([]byte(text)); !errors.Is(err, table.ErrDocument) {
			t.Errorf("%s: got %v, want %v", text, err, table.ErrDocument)
		}
	}
}
