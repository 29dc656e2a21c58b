package pattern_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/appmint/appengine/infra/local/pattern"
)

func match(t *testing.T, source, event string) bool {
	t.Helper()
	compiled, err := pattern.Compile([]byte(source))
	if err != nil {
		t.Fatalf("Compile(%s): %v", source, err)
	}
	decoded, err := pattern.Decode([]byte(event))
	if err != nil {
		t.Fatalf("Decode(%s): %v", event, err)
	}
	return compiled.Match(decoded)
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pattern, event string
		want                 bool
	}{
		{"number text differs", `{"n":[300]}`, `{"n":300.0}`, false},
		{"numeric compares values", `{"n":[{"numeric":["=",300]}]}`, `{"n":3e2}`, true},
		{"suffix ignoring case", `{"a":[{"suffix":{"equals-ignore-case":".PNG"}}]}`, `{"a":"x.png"}`, true},
		{"suffix longer than value", `{"a":[{"suffix":{"equals-ignore-case":"xx.PNG"}}]}`, `{"a":".png"}`, false},
		{"prefix longer than value", `{"a":[{"prefix":{"equals-ignore-case":"abc"}}]}`, `{"a":"AB"}`, false},
		{"prefix ignoring case counts runes", `{"a":[{"prefix":{"equals-ignore-case":"K"}}]}`, `{"a":"Kelvin"}`, true},
		{"prefix never matches a number", `{"a":[{"prefix":"1"}]}`, `{"a":12}`, false},
		{"anything-but ignoring case", `{"a":[{"anything-but":{"equals-ignore-case":["X","y"]}}]}`, `{"a":"Y"}`, false},
		{"anything-but wildcard", `{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"usr/lib/x"}`, false},
		{"anything-but prefix list", `{"a":[{"anything-but":{"prefix":["a","b"]}}]}`, `{"a":"c"}`, true},
		{"anything-but on another kind", `{"a":[{"anything-but":"x"}]}`, `{"a":null}`, true},
		{"anything-but in an array", `{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, true},
		{"wildcard escaped star", `{"a":[{"wildcard":"a\\*b*"}]}`, `{"a":"a*bc"}`, true},
		{"wildcard escaped star is literal", `{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"axb"}`, false},
		{"wildcard parts do not overlap", `{"a":[{"wildcard":"ab*ba"}]}`, `{"a":"aba"}`, false},
		{"wildcard in the middle", `{"a":[{"wildcard":"*x*y*"}]}`, `{"a":"_y_x_y"}`, true},
		{"wildcard order", `{"a":[{"wildcard":"*x*y*"}]}`, `{"a":"_y_x"}`, false},
		{"cidr v6", `{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8::1"}`, true},
		{"cidr not an address", `{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"a":"ten"}`, false},
		{"exists is about leaves", `{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, false},
		{"exists with null", `{"a":[{"exists":true}]}`, `{"a":null}`, true},
		{"absent or equal, absent", `{"a":[{"exists":false},"x"]}`, `{}`, true},
		{"absent or equal, other", `{"a":[{"exists":false},"x"]}`, `{"a":"y"}`, false},
		{"absent below a missing object", `{"a":{"b":[{"exists":false}]}}`, `{}`, true},
		{"absent below an empty array", `{"a":{"b":[{"exists":false}]}}`, `{"a":[]}`, true},
		{"absent looks into all elements", `{"a":{"b":[{"exists":false}]}}`, `{"a":[{"c":1},{"b":1}]}`, false},
		{"same array element", `{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":1},{"c":2}]}`, false},
		{"one array element", `{"a":{"b":[1],"c":[2]}}`, `{"a":[{"b":0},{"b":1,"c":2}]}`, true},
		{"or beside a field", `{"x":[1],"$or":[{"a":[1]},{"b":[1]}]}`, `{"x":1,"b":1}`, true},
		{"or beside a missing field", `{"x":[1],"$or":[{"a":[1]},{"b":[1]}]}`, `{"x":2,"b":1}`, false},
		{"nested or", `{"$or":[{"a":[1]},{"$or":[{"b":[1]},{"c":[1]}]}]}`, `{"c":1}`, true},
		{"object where a leaf is wanted", `{"a":["x"]}`, `{"a":{"x":"x"}}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := match(t, test.pattern, test.event); got != test.want {
				t.Errorf("%s on %s = %v, want %v", test.pattern, test.event, got, test.want)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, pattern, want string }{
		{"not JSON", `{`, "unexpected end"},
		{"not an object", `["x"]`, "want a JSON object"},
		{"nothing", `{}`, "empty object"},
		{"empty array", `{"a":{"b":[]}}`, "a.b: an empty array"},
		{"bare string", `{"a":"x"}`, "a: want an array"},
		{"nested array", `{"a":[["x"]]}`, "array within an array"},
		{"unknown operator", `{"a":[{"contains":"x"}]}`, "contains: no such operator"},
		{"two operators", `{"a":[{"prefix":"x","suffix":"y"}]}`, "exactly one operator"},
		{"exists wants a boolean", `{"a":[{"exists":"yes"}]}`, "want true or false"},
		{"prefix wants a string", `{"a":[{"prefix":1}]}`, "want a string, got a number"},
		{"numeric odd", `{"a":[{"numeric":[">"]}]}`, "want [operator, number]"},
		{"numeric operator", `{"a":[{"numeric":["!",1]}]}`, "want =, <"},
		{"numeric text", `{"a":[{"numeric":[">","1"]}]}`, "want a number"},
		{"numeric too large", `{"a":[{"numeric":[">",5000000001]}]}`, "outside"},
		{"numeric empty range", `{"a":[{"numeric":[">",5,"<",5]}]}`, "is empty"},
		{"numeric reversed range", `{"a":[{"numeric":["<",5,">",1]}]}`, "a range begins"},
		{"cidr", `{"a":[{"cidr":"10.0.0.0"}]}`, "not a block"},
		{"mixed anything-but", `{"a":[{"anything-but":["x",1]}]}`, "cannot be mixed"},
		{"anything-but boolean", `{"a":[{"anything-but":true}]}`, "want strings or numbers"},
		{"anything-but nothing", `{"a":[{"anything-but":[]}]}`, "empty array"},
		{"anything-but numeric", `{"a":[{"anything-but":{"numeric":["=",1]}}]}`, "cannot be combined"},
		{"double star", `{"a":[{"wildcard":"a**b"}]}`, "in a row"},
		{"bad escape", `{"a":[{"wildcard":"a\\n"}]}`, "are escapes"},
		{"or of one", `{"$or":[{"a":[1]}]}`, "at least two"},
		{"or of values", `{"$or":["a","b"]}`, "$or wants objects"},
		{"too long", `{"a":["` + strings.Repeat("x", 5000) + `"]}`, "the limit is 4096"},
		{"too deep", strings.Repeat(`{"a":`, 70) + `[1]` + strings.Repeat(`}`, 70), "nested too deeply"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := pattern.Compile([]byte(test.pattern))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Compile(%s) = %v, want an error with %q", test.pattern, err, test.want)
			}
		})
	}
}

func TestDecodeRefusesTwoValues(t *testing.T) {
	t.Parallel()
	if _, err := pattern.Decode([]byte(`{} {}`)); err == nil {
		t.Error("Decode accepted two values")
	}
}

// Whatever compiles matches or not without a panic, and $or of a pattern with
// itself is that pattern.
func FuzzMatch(f *testing.F) {
	source, err := os.ReadFile("../eventbus/testdata/patterns.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Pattern json.RawMessage `json:"pattern"`
			Detail  json.RawMessage `json:"detail"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(source, &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		f.Add([]byte(c.Pattern), []byte(c.Detail))
	}
	f.Fuzz(func(t *testing.T, source, event []byte) {
		once, err := pattern.Compile(source)
		if err != nil {
			return
		}
		twice, err := pattern.Compile(slices.Concat([]byte(`{"$or":[`), source, []byte(","), source, []byte("]}")))
		if err != nil {
			return // too long or too deep when doubled
		}
		decoded, err := pattern.Decode(event)
		if err != nil {
			return
		}
		if got, want := twice.Match(decoded), once.Match(decoded); got != want {
			t.Errorf("$or of %s with itself = %v, want %v", source, got, want)
		}
	})
}

// What Possible rules out, Match never accepts, whatever else the event has.
func TestPossibleNeverRulesOutAMatch(t *testing.T) {
	t.Parallel()
	event := map[string]any{"detail-type": "user.login", "source": "app", "detail": map[string]any{"a": "x"}}
	for source, possible := range map[string]bool{
		`{"detail-type":["user.login"]}`:                          true,
		`{"detail-type":["other"],"detail":{"a":["x"]}}`:          false,
		`{"source":[{"prefix":"ap"}],"detail":{"a":["y"]}}`:       true,
		`{"source":[{"anything-but":"app"}]}`:                     false,
		`{"$or":[{"source":["other"]},{"detail":{"a":["x"]}}]}`:   true,
		`{"account":[{"exists":false}]}`:                          true,
		`{"detail-type":[{"exists":false}],"detail":{"a":["x"]}}`: false,
		`{"$or":[{"source":["nobody"]},{"source":["none"]}]}`:     true,
	} {
		p, err := pattern.Compile([]byte(source))
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		got := p.Possible(map[string]any{"detail-type": "user.login", "source": "app"})
		if got != possible || (!got && p.Match(event)) {
			t.Errorf("%s: got %v, want %v", source, got, possible)
		}
	}
}
