package users

import (
	"bytes"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

const (
	totpPeriod = 30 // seconds
	qrPixels   = 240
)

// source reads the deployment's randomness.
type source func([]byte)

// Read implements io.Reader.
func (r source) Read(b []byte) (int, error) {
	r(b)
	return len(b), nil
}

// authenticator is what an authenticator app is told.
type authenticator struct {
	secret, url string
	qr          string // data URL of a PNG
}

func newAuthenticator(random func([]byte), issuer, account string) (authenticator, error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: strings.ReplaceAll(issuer, ":", " "), AccountName: account, Period: totpPeriod, Rand: source(random),
	})
	if err != nil {
		return authenticator{}, fmt.Errorf("make authenticator secret: %w", err)
	}
	picture, err := key.Image(qrPixels, qrPixels)
	if err != nil {
		return authenticator{}, fmt.Errorf("draw code: %w", err)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		return authenticator{}, fmt.Errorf("encode picture: %w", err)
	}
	return authenticator{
		secret: key.Secret(), url: key.URL(), qr: "data:image/png;base64," + base64.StdEncoding.EncodeToString(file.Bytes()),
	}, nil
}

// matchTOTP says of which period a code is; ok is false unless it is of this
// one or a neighbour, since clocks differ, and later than the last one used.
func matchTOTP(secret, code string, now time.Time, last int64) (step int64, ok bool) {
	for _, off := range []int64{0, -1, 1} {
		step = now.Unix()/totpPeriod + off
		want, err := totp.GenerateCodeCustom(secret, time.Unix(step*totpPeriod, 0), totp.ValidateOpts{
			Period: totpPeriod, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err == nil && step > last && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}
