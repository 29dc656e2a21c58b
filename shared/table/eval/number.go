package eval

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/appmint/appengine/shared/table"
)

// decimal is sign × 0.digits × 10^exp, without zeros at either end of digits;
// zero has no digits. It keeps every digit of a JSON number.
type decimal struct {
	negative bool
	digits   string
	exp      int
}

// expCap bounds exponents far outside of what can be stored, so that sums of
// hostile ones do not overflow.
const expCap = 1 << 30

func parseDecimal(text string) decimal {
	var d decimal
	if strings.HasPrefix(text, "-") {
		d.negative = true
		text = text[1:]
	}
	mantissa := text
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa = text[:i]
		d.exp = parseExponent(text[i+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	d.exp += len(whole)
	digits := whole
	if fraction != "" {
		digits = whole + fraction
	}
	trimmed := strings.TrimLeft(digits, "0")
	d.exp -= len(digits) - len(trimmed)
	d.digits = strings.TrimRight(trimmed, "0")
	if d.digits == "" {
		return decimal{}
	}
	return d
}

func parseExponent(text string) int {
	n, err := strconv.Atoi(text)
	switch {
	case err == nil && n > -expCap && n < expCap:
		return n
	case strings.HasPrefix(text, "-"):
		return -expCap
	}
	return expCap
}

// CheckNumber says whether DynamoDB can hold the JSON number: up to
// table.DigitsMax digits, and between 1e-130 and 9.99e125 unless zero.
func CheckNumber(text string) error {
	d := parseDecimal(text)
	if len(d.digits) > table.DigitsMax {
		return table.ErrDocument.WithMessage("A number in the record has more than 38 digits.")
	}
	if d.digits != "" && (d.exp-1 > 125 || d.exp-1 < -130) {
		return table.ErrDocument.WithMessage("A number in the record is out of range.")
	}
	return nil
}

// CompareNumbers orders two JSON numbers by value: -1, 0 or 1.
func CompareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	if x, ok := smallInt(a); ok {
		if y, ok := smallInt(b); ok {
			return compareInts(x, y)
		}
	}
	return compareDecimals(parseDecimal(a), parseDecimal(b))
}

func compareDecimals(x, y decimal) int {
	if x.digits == "" || y.digits == "" || x.negative != y.negative {
		return compareInts(x.sign(), y.sign())
	}
	order := compareInts(int64(x.exp), int64(y.exp))
	if order == 0 {
		order = strings.Compare(x.digits, y.digits)
	}
	if x.negative {
		return -order
	}
	return order
}

func (d decimal) sign() int64 {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// smallInt reads integers of up to 18 digits, which is nearly all of them.
func smallInt(text string) (int64, bool) {
	if len(text) > 18 {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// add returns the exact sum as a JSON number.
func add(text string, by int64) (string, error) {
	if n, ok := smallInt(text); ok && by < 1e18 && by > -1e18 {
		return strconv.FormatInt(n+by, 10), nil
	}
	if err := CheckNumber(text); err != nil {
		return "", err
	}
	d := parseDecimal(text)
	scale := min(d.exp-len(d.digits), 0)
	sum := d.scaled(scale)
	sum.Add(sum, new(big.Int).Mul(big.NewInt(by), power(-scale)))
	result := plain(sum, scale)
	return result, CheckNumber(result)
}

// scaled returns the value × 10^-scale, an integer.
func (d decimal) scaled(scale int) *big.Int {
	n := new(big.Int)
	if d.digits == "" {
		return n
	}
	n.SetString(d.digits, 10)
	n.Mul(n, power(d.exp-len(d.digits)-scale))
	if d.negative {
		n.Neg(n)
	}
	return n
}

func power(exp int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(exp)), nil)
}

// plain writes n × 10^scale (scale at most 0) without an exponent.
func plain(n *big.Int, scale int) string {
	digits := new(big.Int).Abs(n).String()
	if scale < 0 {
		if len(digits) <= -scale {
			digits = strings.Repeat("0", -scale-len(digits)+1) + digits
		}
		at := len(digits) + scale
		digits = strings.TrimRight(digits[:at]+"."+digits[at:], "0")
		digits = strings.TrimSuffix(digits, ".")
	}
	if n.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// Plain rewrites a decimal text in any of DynamoDB's spellings as a JSON number.
func Plain(text string) string {
	d := parseDecimal(strings.TrimPrefix(text, "+"))
	scale := min(d.exp-len(d.digits), 0)
	if scale < -1000 || d.exp > 1000 {
		return text
	}
	return plain(d.scaled(scale), scale)
}
