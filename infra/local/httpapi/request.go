package httpapi

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// newRequestID has the form of API Gateway's: 15 characters of base64 and "=".
func newRequestID() string {
	var raw [11]byte
	randomBytes(raw[:])
	return base64.StdEncoding.EncodeToString(raw[:])
}

// randomBytes fills at most 16 bytes.
func randomBytes(raw []byte) {
	var words [16]byte
	binary.LittleEndian.PutUint64(words[:8], rand.Uint64()) // #nosec G404 -- names a request, protects nothing
	binary.LittleEndian.PutUint64(words[8:], rand.Uint64()) // #nosec G404 -- as above
	copy(raw, words[:])
}

func (s *scratch) readBody(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	limited := http.MaxBytesReader(w, r.Body, MaxRequestBytes)
	for {
		if len(s.body) == cap(s.body) {
			s.body = slices.Grow(s.body, max(512, len(s.body)))
		}
		n, err := limited.Read(s.body[len(s.body):cap(s.body)])
		s.body = s.body[:len(s.body)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// appendCookies splits the Cookie headers into the cookies array.
func appendCookies(b []byte, headers []string) []byte {
	if len(headers) == 0 {
		return b
	}
	b = append(b, `,"cookies":[`...)
	first := true
	for _, header := range headers {
		for cookie := range strings.SplitSeq(header, ";") {
			if cookie = strings.TrimSpace(cookie); cookie == "" {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = appendString(b, cookie)
		}
	}
	return append(b, ']')
}

// appendHeaders lists the headers in lower case, with those that the gateway
// adds and without cookies, sorted by name.
func appendHeaders(pairs []pair, r *http.Request, ip string, now time.Time) []pair {
	for name, values := range r.Header {
		if name == "Cookie" || name == "X-Forwarded-For" || name == "X-Forwarded-Port" || name == "X-Forwarded-Proto" {
			continue
		}
		lower := strings.ToLower(name)
		for _, value := range values {
			pairs = append(pairs, pair{lower, value})
		}
	}
	forwarded := ip
	if before := r.Header["X-Forwarded-For"]; len(before) > 0 {
		forwarded = strings.Join(before, ", ") + ", " + ip
	}
	port := "80"
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = p
	}
	pairs = append(pairs, pair{"host", r.Host}, pair{"x-forwarded-for", forwarded},
		pair{"x-forwarded-port", port}, pair{"x-forwarded-proto", "http"})
	if r.Header["X-Amzn-Trace-Id"] == nil {
		pairs = append(pairs, pair{"x-amzn-trace-id", traceID(now)})
	}
	slices.SortStableFunc(pairs, comparePairs)
	return pairs
}

func traceID(now time.Time) string {
	var raw [12]byte
	randomBytes(raw[:])
	b := append(make([]byte, 0, 40), "Root=1-"...)
	b = strconv.AppendInt(b, now.Unix(), 16)
	b = append(b, '-')
	return string(hex.AppendEncode(b, raw[:]))
}

func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// isText tells whether a body travels as it is; others travel as base64, also
// compressed ones and forms.
func isText(header http.Header, body []byte) bool {
	if header.Get("Content-Encoding") != "" || !utf8.Valid(body) {
		return false
	}
	media, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	media = strings.ToLower(strings.TrimSpace(media))
	switch media {
	case "application/json", "application/xml", "application/javascript":
		return true
	default:
		return strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "+json") || strings.HasSuffix(media, "+xml")
	}
}
