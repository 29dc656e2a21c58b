package users

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/appmint/appengine/shared/auth"
	"github.com/appmint/appengine/shared/fault"
	"github.com/appmint/appengine/shared/org"
	"github.com/appmint/appengine/shared/record"
	"github.com/appmint/appengine/shared/repository"
	"github.com/appmint/appengine/shared/table"
)

// The methods of a second factor. Documents also call the authenticator "totp".
const (
	methodEmail         = "email"
	methodAuthenticator = "authenticator"
	methodSMS           = "sms"
	methodTOTP          = "totp"
)

// ErrMethod refuses a method that cannot be used.
var ErrMethod = fault.New(fault.Invalid, "method_unavailable", "That method is not available.")

// backupCodes is how many are issued at a time.
const backupCodes = 10

// enrolled is a method that a person has proven to have.
type enrolled struct {
	At     record.Time `json:"at"`
	Secret string      `json:"secret,omitempty"` // of the authenticator
	// Step is the period of the last code used: none is taken twice.
	Step int64 `json:"step,omitempty"`
}

// pending is a method that was set up and not proven yet.
type pending struct {
	Method string `json:"method"`
	Secret string `json:"secret,omitempty"` // of the authenticator
	Hash   string `json:"hash,omitempty"`   // of the mailed code
	Until  int64  `json:"until"`            // epoch seconds
	Tries  int64  `json:"tries"`
}

// factors are a person's second factors: an item of its own (partition
// "factor", sort = the person's id), apart from the records that many may read.
type factors struct {
	Rev           int64     `json:"rev"` // counts the writes; 0 when there is no item
	Enabled       bool      `json:"enabled"`
	Preferred     string    `json:"preferred,omitempty"`
	Email         *enrolled `json:"email,omitempty"`
	Authenticator *enrolled `json:"authenticator,omitempty"`
	Pending       *pending  `json:"pending,omitempty"`
	Backup        []string  `json:"backup,omitempty"` // hashes of the unused ones
}

func factorKey(sk string) table.Key { return table.Key{Part: "factor", Sort: sk} }

func readFactors(ctx context.Context, t table.Tenant, sk string) (factors, error) {
	var f factors
	item, err := t.Get(ctx, factorKey(sk))
	if errors.Is(err, table.ErrNotFound) {
		return f, nil
	}
	if err == nil {
		err = item.Doc.Decode(&f)
	}
	if err != nil {
		return f, fmt.Errorf("read second factors: %w", err)
	}
	return f, nil
}

// save is the write of changed factors; it is refused when somebody else
// changed them since they were read.
func (f *factors) save(sk string) (table.Op, error) {
	next := *f
	next.Rev++
	put := table.Put{If: table.Compare{Path: table.At("rev"), Op: table.Equal, Value: f.Rev}}
	if f.Rev == 0 {
		put.If = table.ItemMissing{}
	}
	doc, err := table.NewDoc(next)
	put.Item = table.Item{Key: factorKey(sk), Doc: doc}
	return put, err
}

func (s *service) saveFactors(ctx context.Context, t table.Tenant, sk string, f factors) error {
	op, err := f.save(sk)
	if err != nil {
		return err
	}
	_, err = t.Write(ctx, op)
	return conflict(err)
}

// has says whether a method was proven.
func (f *factors) has(method string) bool {
	switch method {
	case methodEmail:
		return f.Email != nil
	case methodAuthenticator:
		return f.Authenticator != nil
	default:
		return false
	}
}

// use says whether a code of the authenticator or a backup code is right, and
// notes that it was used.
func (f *factors) use(sk, code string, now time.Time) bool {
	code = strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(code))
	if f.Authenticator != nil {
		if step, ok := matchTOTP(f.Authenticator.Secret, code, now, f.Authenticator.Step); ok {
			f.Authenticator.Step = step
			return true
		}
	}
	left := slices.DeleteFunc(slices.Clone(f.Backup), func(hash string) bool { return auth.SecretMatches(codeSecret(sk, code), hash) })
	used := len(left) < len(f.Backup)
	f.Backup = left
	return used
}

// renew makes new backup codes; the old ones are void. A code has fifty random
// bits, so that a plain hash of it can be stored.
func (f *factors) renew(sk string, random func([]byte)) []string {
	f.Backup = nil
	codes := make([]string, backupCodes)
	for i := range codes {
		raw := make([]byte, 7)
		random(raw)
		text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))[:10]
		codes[i] = text[:5] + "-" + text[5:]
		f.Backup = append(f.Backup, auth.HashSecret(codeSecret(sk, text)))
	}
	return codes
}

// policy is setting.securitySettings.
type policy struct {
	Users     bool     `json:"enableTwoFactorForUsers"`
	Customers bool     `json:"enableTwoFactorForCustomers"`
	Methods   []string `json:"twoFactorMethods"`
}

// demands says whether the org asks everybody of that kind for a second factor.
func (p policy) demands(kind auth.Kind) bool {
	return kind == auth.User && p.Users || kind == auth.Customer && p.Customers
}

// allows says whether a method may be set up; all but SMS are, unless the org
// names some.
func (p policy) allows(method string) bool {
	if len(p.Methods) == 0 {
		return method == methodEmail || method == methodAuthenticator
	}
	return slices.Contains(p.Methods, method) || method == methodAuthenticator && slices.Contains(p.Methods, methodTOTP)
}

func (s *service) policyOf(ctx context.Context, id org.ID) (policy, error) {
	type settings struct {
		Security policy `json:"securitySettings"`
	}
	rec, err := repository.Lookup[settings](ctx, s.deps.Records.Tenant(id), "setting", "name", string(id))
	if errors.Is(err, table.ErrNotFound) {
		return policy{}, nil
	}
	if err != nil {
		return policy{}, fmt.Errorf("read security settings: %w", err)
	}
	return rec.Data.Security, nil
}

// named brings the name of a method into the form of challenges.
func named(method string) string {
	method = strings.ToLower(strings.TrimSpace(method))
	if method == methodTOTP {
		return methodAuthenticator
	}
	return method
}
