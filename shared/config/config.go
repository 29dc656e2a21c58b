// Package config reads a deployment's settings from environment variables once,
// at start-up, into a struct whose values are checked. Errors name the variable.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Function is what a Lambda function is told by template.yaml.
type Function struct {
	Stage            string
	Region           string
	Table            string
	Bucket           string
	Bus              string
	SigningSecret    string
	MailFrom         string
	PublicURL        string // without a trailing slash; "" when the API has no name of its own
	Version          string
	LogLevel         slog.Level
	MonitoringPublic bool
	// Endpoint, when set, replaces every AWS endpoint: how tests point a
	// function at a stand-in.
	Endpoint string
}

// Load reads the settings; get is os.Getenv. Missing required variables are
// reported together.
func Load(get func(string) string) (Function, error) {
	var wrong []error
	required := func(name string) string {
		value := get(name)
		if value == "" {
			wrong = append(wrong, fmt.Errorf("%s is not set", name))
		}
		return value
	}
	f := Function{
		Stage: get("STAGE"), Region: required("AWS_REGION"), Table: required("TABLE_NAME"),
		Bucket: get("BUCKET_NAME"), Bus: get("BUS_NAME"), SigningSecret: get("SIGNING_SECRET"),
		MailFrom: get("MAIL_FROM"), PublicURL: strings.TrimRight(get("PUBLIC_URL"), "/"), Version: get("VERSION"),
		MonitoringPublic: get("MONITORING_PUBLIC") == "true", Endpoint: get("AWS_ENDPOINT_URL"),
	}
	if level := get("LOG_LEVEL"); level != "" {
		if err := f.LogLevel.UnmarshalText([]byte(level)); err != nil {
			wrong = append(wrong, fmt.Errorf("LOG_LEVEL: %w", err))
		}
	}
	return f, errors.Join(wrong...)
}

// Issuer names the deployment in tokens.
func (f Function) Issuer() string {
	if f.PublicURL != "" {
		return f.PublicURL
	}
	return "appengine-" + f.Stage
}
