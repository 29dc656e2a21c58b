package config_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appmint/appengine/shared/config"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"AWS_REGION": "eu-central-1", "TABLE_NAME": "t", "STAGE": "dev", "LOG_LEVEL": "WARN",
		"MONITORING_PUBLIC": "true", "PUBLIC_URL": "https://api.example.com/",
	}
	got, err := config.Load(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := config.Function{
		Stage: "dev", Region: "eu-central-1", Table: "t", LogLevel: slog.LevelWarn,
		MonitoringPublic: true, PublicURL: "https://api.example.com",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Issuer() != "https://api.example.com" || (config.Function{Stage: "dev"}).Issuer() != "appengine-dev" {
		t.Errorf("got issuer %q", got.Issuer())
	}
}

// A deployment that is told too little learns of everything at once, by name.
func TestLoadNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := config.Load(func(name string) string { return map[string]string{"LOG_LEVEL": "LOUD"}[name] })
	for _, name := range []string{"AWS_REGION", "TABLE_NAME", "LOG_LEVEL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s named", err, name)
		}
	}
}
