package collection

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/appmint/appengine/shared/record"
)

// transform is one rewriting rule of a value, with the argument behind "::".
type transform struct{ name, arg string }

// generates says that the transform makes a value where there is none.
func (t transform) generates() bool {
	return t.name == "random-string" || t.name == "date-now" || t.name == "time-now"
}

// transformsOf reads "uri", "uri,lowercase" or ["prefix::wo-", "uppercase"].
func transformsOf(value any) []transform {
	var list []transform
	for _, text := range texts(value) {
		for part := range strings.SplitSeq(text, ",") {
			name, arg, _ := strings.Cut(strings.TrimSpace(part), "::")
			if name != "" && !strings.EqualFold(name, "script") {
				list = append(list, transform{strings.ToLower(name), arg})
			}
		}
	}
	return list
}

// Env is what rules draw on besides the data.
type Env struct {
	Now    time.Time
	Random func([]byte)
}

// apply runs the chain over a text.
func apply(chain []transform, text string, env Env) string {
	for _, t := range chain {
		text = t.apply(text, env)
	}
	return text
}

func (t transform) apply(text string, env Env) string {
	switch t.name {
	case "uppercase":
		return strings.ToUpper(text)
	case "lowercase":
		return strings.ToLower(text)
	case "titlecase":
		return titleCase(text)
	case "prefix":
		if !strings.HasPrefix(strings.ToLower(text), strings.ToLower(t.arg)) {
			return t.arg + text
		}
	case "suffix":
		if !strings.HasSuffix(text, t.arg) {
			return text + t.arg
		}
	case "random-string":
		return t.randomise(text, env)
	case "uri":
		return URI(text)
	case "date-now":
		if text == "" {
			return record.At(env.Now).Format(record.Layout)
		}
	case "time-now":
		if text == "" {
			return env.Now.UTC().Format("15:04:05Z")
		}
	}
	return text
}

const randomDefault = 4

// randomise appends N random characters to a value shorter than N.
func (t transform) randomise(text string, env Env) string {
	n, err := strconv.Atoi(t.arg)
	if err != nil || n < 1 || n > 64 {
		n = randomDefault
	}
	if len(text) >= n {
		return text
	}
	return text + randomText(n, env.Random)
}

// The letters come first: the first character is one of them. There is no o,
// which people read as zero.
const alphabet = "abcdefghijklmnpqrstuvwxyz0123456789"

const letters = 25

func randomText(n int, random func([]byte)) string {
	buffer := make([]byte, n)
	random(buffer)
	for i, b := range buffer {
		size := len(alphabet)
		if i == 0 {
			size = letters
		}
		buffer[i] = alphabet[int(b)%size]
	}
	return string(buffer)
}

// URI is the transform "uri": lower case, and a hyphen for each character that
// is not a letter, digit, hyphen, underscore or slash.
func URI(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_', r == '/':
			return r
		case r >= 'A' && r <= 'Z':
			return unicode.ToLower(r)
		}
		return '-'
	}, text)
}

func titleCase(text string) string {
	start := true
	return strings.Map(func(r rune) rune {
		at := start
		start = !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
		if at {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, text)
}
