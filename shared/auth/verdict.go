package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Verdict is what the authorizer found out about one call, before the module
// sees it. It is the only source a module trusts: never a header.
type Verdict struct {
	Principal Principal `json:"principal"`
	// TokenFault is the reason a presented credential was not accepted
	// ("token_expired", "invalid_token", "token_revoked", "token_org_mismatch"),
	// "" when it was, or when there was none. Public routes ignore it.
	TokenFault string `json:"tokenFault,omitempty"`
	// Refused is the reason the call may not run at all ("rate_limited",
	// "quota_exceeded", "org_inactive", "unknown_org", "invalid_org"), "" to let
	// it run.
	Refused string `json:"refused,omitempty"`
	Plan    string `json:"plan,omitempty"`
	// The tightest window of the rate limit, for the response headers; Limit 0
	// means that the call was not counted.
	Limit     int64 `json:"limit,omitempty"`
	Remaining int64 `json:"remaining,omitempty"`
	Reset     int64 `json:"reset,omitempty"` // epoch seconds
	// RetryAfter is in seconds, set with Refused "rate_limited".
	RetryAfter int64 `json:"retryAfter,omitempty"`
}

// Wait is RetryAfter as a duration.
func (v Verdict) Wait() time.Duration { return time.Duration(v.RetryAfter) * time.Second }

// contextMember is the one member of the authorizer's context that carries the
// verdict; API Gateway passes context values on as strings.
const contextMember = "verdict"

// Context returns the authorizer context of the verdict.
func (v Verdict) Context() (map[string]any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode verdict: %w", err)
	}
	return map[string]any{contextMember: string(text)}, nil
}

// VerdictOf reads an authorizer context back. A context without a verdict
// (a route that has no authorizer) is an anonymous call of no org.
func VerdictOf(members map[string]any) (Verdict, error) {
	text, ok := members[contextMember].(string)
	if !ok {
		return Verdict{Principal: Principal{Kind: Anonymous}}, nil
	}
	var v Verdict
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return Verdict{}, fmt.Errorf("decode verdict: %w", err)
	}
	return v, nil
}

type verdictKey struct{}

// WithVerdict puts the verdict and its principal into the context.
func WithVerdict(ctx context.Context, v Verdict) context.Context {
	return With(context.WithValue(ctx, verdictKey{}, v), v.Principal)
}

// VerdictFrom returns the call's verdict.
func VerdictFrom(ctx context.Context) Verdict {
	v, _ := ctx.Value(verdictKey{}).(Verdict)
	if v.Principal.Kind == "" {
		v.Principal = From(ctx)
	}
	return v
}
