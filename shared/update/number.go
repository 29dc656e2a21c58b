package update

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
)

// add and multiply are exact on whole numbers, and refuse what does not fit 64
// bits; with a fraction they compute as floating-point numbers do.

func add(a, b json.Number) (json.Number, error) {
	return combine(a, b, (*big.Int).Add, func(x, y float64) float64 { return x + y })
}

func multiply(a, b json.Number) (json.Number, error) {
	return combine(a, b, (*big.Int).Mul, func(x, y float64) float64 { return x * y })
}

func combine(a, b json.Number, whole func(z, x, y *big.Int) *big.Int, broken func(x, y float64) float64) (json.Number, error) {
	x, errX := a.Int64()
	y, errY := b.Int64()
	if errX == nil && errY == nil {
		z := whole(new(big.Int), big.NewInt(x), big.NewInt(y))
		if !z.IsInt64() {
			return a, refuse("The result of the update is too large a number.")
		}
		return json.Number(z.String()), nil
	}
	f, errF := a.Float64()
	g, errG := b.Float64()
	sum := broken(f, g)
	if errF != nil || errG != nil || math.IsInf(sum, 0) || math.IsNaN(sum) {
		return a, refuse("The result of the update is too large a number.")
	}
	return Number(sum), nil
}

// Number writes a finite number as JSON does: without an exponent where it can.
func Number(f float64) json.Number {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	text, err := json.Marshal(f)
	if err != nil {
		return "0"
	}
	return json.Number(text)
}
