package aggregate

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"

	"github.com/appmint/appengine/shared/update"
)

func whole(n int) json.Number { return json.Number(strconv.Itoa(n)) }

func number(f float64) json.Number { return update.Number(f) }

func position(value any) (int, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<30 {
		return 0, false
	}
	return int(f), true
}

// total adds numbers: exactly as long as all are whole.
type total struct {
	count    int
	whole    big.Int
	fraction float64
	broken   bool
}

// add takes a value into the total; what is no number does not count.
func (t *total) add(value any) {
	n, ok := value.(json.Number)
	if !ok {
		return
	}
	t.count++
	if i, err := n.Int64(); err == nil {
		t.whole.Add(&t.whole, big.NewInt(i))
		return
	}
	f, err := n.Float64()
	if err == nil {
		t.broken = true
		t.fraction += f
	}
}

func (t *total) float() float64 {
	f, _ := new(big.Float).SetInt(&t.whole).Float64()
	return f + t.fraction
}

func (t *total) sum() json.Number {
	if !t.broken && t.whole.IsInt64() {
		return json.Number(t.whole.String())
	}
	return number(t.float())
}

func (t *total) mean() any {
	if t.count == 0 {
		return nil
	}
	return number(t.float() / float64(t.count))
}

func numeric() map[string]function {
	round := func(f func(float64) float64) function { return function{1, 1, unary(f)} }
	return map[string]function{
		"$add": {1, 0, folded(add)}, "$subtract": {2, 2, folded(subtract)}, "$multiply": {1, 0, folded(multiply)},
		"$divide": {2, 2, folded(divide)}, "$mod": {2, 2, folded(modulo)},
		"$abs": round(math.Abs), "$ceil": round(math.Ceil), "$floor": round(math.Floor), "$trunc": round(math.Trunc),
		"$round": {1, 2, rounded}, "$toInt": round(math.Trunc), "$toLong": round(math.Trunc), "$toDouble": round(func(f float64) float64 { return f }),
		"$sum": {1, 0, func(v []any) (any, error) { return totalOf(v).sum(), nil }},
		"$avg": {1, 0, func(v []any) (any, error) { return totalOf(v).mean(), nil }},
		"$min": {1, 0, func(v []any) (any, error) { return extreme(spread(v), -1), nil }},
		"$max": {1, 0, func(v []any) (any, error) { return extreme(spread(v), 1), nil }},
	}
}

// spread takes the elements of a list that is the only argument.
func spread(v []any) []any {
	if len(v) == 1 {
		if list, ok := v[0].([]any); ok {
			return list
		}
	}
	return v
}

func totalOf(v []any) *total {
	var t total
	for _, x := range spread(v) {
		t.add(x)
	}
	return &t
}

func extreme(list []any, direction int) any {
	var best any
	for _, v := range list {
		if v != nil && (best == nil || compare(v, best)*direction > 0) {
			best = v
		}
	}
	return best
}

// folded combines numbers from left to right; null makes the result null.
func folded(combine func(a, b json.Number) (json.Number, error)) func([]any) (any, error) {
	return func(values []any) (any, error) {
		var result json.Number
		for i, v := range values {
			if v == nil {
				return nil, nil
			}
			n, ok := v.(json.Number)
			if !ok {
				return nil, refuse("Arithmetic needs numbers, not %s.", typeOf(v))
			}
			if i == 0 {
				result = n
				continue
			}
			var err error
			if result, err = combine(result, n); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
}

func add(a, b json.Number) (json.Number, error) {
	return exactly(a, b, (*big.Int).Add, func(x, y float64) float64 { return x + y })
}

func subtract(a, b json.Number) (json.Number, error) {
	return exactly(a, b, (*big.Int).Sub, func(x, y float64) float64 { return x - y })
}

func multiply(a, b json.Number) (json.Number, error) {
	return exactly(a, b, (*big.Int).Mul, func(x, y float64) float64 { return x * y })
}

func exactly(a, b json.Number, exact func(z, x, y *big.Int) *big.Int, broken func(x, y float64) float64) (json.Number, error) {
	x, errX := a.Int64()
	y, errY := b.Int64()
	if errX == nil && errY == nil {
		if z := exact(new(big.Int), big.NewInt(x), big.NewInt(y)); z.IsInt64() {
			return json.Number(z.String()), nil
		}
	}
	return floats(a, b, broken)
}

func floats(a, b json.Number, combine func(x, y float64) float64) (json.Number, error) {
	x, errX := a.Float64()
	y, errY := b.Float64()
	f := combine(x, y)
	if errX != nil || errY != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", refuse("A computed number is out of range.")
	}
	return number(f), nil
}

func divide(a, b json.Number) (json.Number, error) {
	if f, err := b.Float64(); err == nil && f == 0 {
		return "", refuse("$divide by zero.")
	}
	return floats(a, b, func(x, y float64) float64 { return x / y })
}

func modulo(a, b json.Number) (json.Number, error) {
	if f, err := b.Float64(); err == nil && f == 0 {
		return "", refuse("$mod by zero.")
	}
	return floats(a, b, math.Mod)
}

func unary(f func(float64) float64) func([]any) (any, error) {
	return func(v []any) (any, error) {
		if v[0] == nil {
			return nil, nil
		}
		x, err := json.Number(textOf(v[0])).Float64()
		if err != nil {
			return nil, refuse("%q is not a number.", textOf(v[0]))
		}
		return number(f(x)), nil
	}
}

func rounded(v []any) (any, error) {
	places := 0
	if len(v) == 2 {
		n, ok := position(v[1])
		if !ok || n < -20 || n > 20 {
			return nil, refuse("$round needs a number of places from -20 to 20.")
		}
		places = n
	}
	scale := math.Pow10(places)
	return unary(func(f float64) float64 {
		if r := math.RoundToEven(f*scale) / scale; !math.IsInf(r, 0) && !math.IsNaN(r) {
			return r
		}
		return f
	})(v[:1])
}
