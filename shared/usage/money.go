package usage

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/fault"
)

// Micros is an amount of US dollars in millionths, the precision in which
// charges are kept. On the wire it is a decimal number of dollars.
type Micros int64

const (
	dollar = 1_000_000
	// TokenMicros is what one token of an endpoint's price is worth: 0.01 USD.
	TokenMicros = 10_000
)

// ErrCost refuses a price that is negative, no number, or absurdly large.
var ErrCost = fault.New(fault.Invalid, "invalid_cost", "The cost must be a number of tokens, zero or more.")

// MarshalJSON writes dollars, with as many decimals as it takes.
func (m Micros) MarshalJSON() ([]byte, error) { return []byte(decimal(int64(m), dollar)), nil }

// UnmarshalJSON reads dollars, rounding half up to a millionth.
func (m *Micros) UnmarshalJSON(text []byte) error {
	value, err := scaled(string(text), dollar)
	*m = Micros(value)
	return err
}

// Tokens is the amount in tokens, on the wire a decimal number of them.
type Tokens int64

// MarshalJSON writes tokens, with as many decimals as it takes.
func (k Tokens) MarshalJSON() ([]byte, error) { return []byte(decimal(int64(k), TokenMicros)), nil }

// UnmarshalJSON reads tokens, rounding half up to a micro-dollar.
func (k *Tokens) UnmarshalJSON(text []byte) error {
	value, err := scaled(string(text), TokenMicros)
	*k = Tokens(value)
	return err
}

// decimal writes value/scale without rounding; scale is a power of ten.
func decimal(value, scale int64) string {
	sign := ""
	if value < 0 {
		sign, value = "-", -value
	}
	text := sign + strconv.FormatInt(value/scale, 10)
	if rest := value % scale; rest != 0 {
		digits := strconv.FormatInt(scale+rest, 10)[1:]
		text += "." + strings.TrimRight(digits, "0")
	}
	return text
}

// amountMax is the largest amount that is read: a hundred million dollars.
const amountMax = 100_000_000 * dollar

// scaled reads a JSON number as an integer of 1/scale, rounded half away from
// zero.
func scaled(text string, scale int64) (int64, error) {
	var number json.Number
	if err := json.Unmarshal([]byte(text), &number); err != nil || len(number) > 40 || strings.ContainsAny(string(number), "eE") {
		return 0, ErrCost
	}
	value, ok := new(big.Rat).SetString(string(number))
	if !ok {
		return 0, ErrCost
	}
	value.Mul(value, new(big.Rat).SetInt64(scale))
	half := big.NewRat(1, 2)
	if value.Sign() < 0 {
		half.Neg(half)
	}
	value.Add(value, half)
	whole := new(big.Int).Quo(value.Num(), value.Denom())
	if !whole.IsInt64() || whole.Int64() > amountMax || whole.Int64() < -amountMax {
		return 0, ErrCost
	}
	return whole.Int64(), nil
}
