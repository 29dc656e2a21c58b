package table

import "strings"

// Path addresses a value inside a Doc, one object member per element. Arrays
// are values of their own: a path does not descend into them.
type Path []string

// At builds a Path from a dotted text such as "data.author". Member names that
// contain dots need a Path literal.
func At(dotted string) Path { return strings.Split(dotted, ".") }

// String joins the path with dots, for messages.
func (p Path) String() string { return strings.Join(p, ".") }

// Cond is a condition or filter on one item: the closed set of types below.
// Semantics are DynamoDB's: a comparison with a missing path or with a value of
// another type is false, except NotEqual, which is then true.
type Cond interface{ cond() }

// Operator is how Compare compares.
type Operator string

// The operators of Compare.
const (
	Equal          Operator = "="
	NotEqual       Operator = "<>"
	Less           Operator = "<"
	LessOrEqual    Operator = "<="
	Greater        Operator = ">"
	GreaterOrEqual Operator = ">="
)

// The conditions. Values are JSON scalars: string, bool, nil, or a number
// (int, int64, float64 or json.Number); Equal and Contains take any JSON value.
type (
	// ItemExists holds when there is a live item at the key.
	ItemExists struct{}
	// ItemMissing holds when there is none. An expired item does not exist.
	ItemMissing struct{}
	// Exists holds when the path has a value, null included.
	Exists struct{ Path Path }
	// Missing is the opposite of Exists.
	Missing struct{ Path Path }
	// Compare compares numbers by value and strings by bytes. NotEqual holds
	// when the path is missing or has a value of any type that differs.
	Compare struct {
		Path  Path
		Op    Operator
		Value any
	}
	// In holds when the path equals one of up to 100 values.
	In struct {
		Path   Path
		Values []any
	}
	// Prefix holds for strings that begin with Text.
	Prefix struct {
		Path Path
		Text string
	}
	// Contains holds for arrays with an equal element and for strings with that
	// substring.
	Contains struct {
		Path  Path
		Value any
	}
	// And holds when all of its members do; an empty one holds.
	And []Cond
	// Or holds when one of its members does; an empty one does not hold.
	Or []Cond
	// Not negates.
	Not struct{ Cond Cond }
)

func (ItemExists) cond()  {}
func (ItemMissing) cond() {}
func (Exists) cond()      {}
func (Missing) cond()     {}
func (Compare) cond()     {}
func (In) cond()          {}
func (Prefix) cond()      {}
func (Contains) cond()    {}
func (And) cond()         {}
func (Or) cond()          {}
func (Not) cond()         {}
