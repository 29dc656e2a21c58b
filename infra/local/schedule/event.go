package schedule

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/appmint/appengine/infra/local/uuid"
)

// Origin says whose schedule it is; it becomes part of the event.
type Origin struct {
	Name      string
	Account   string
	Region    string
	Scheduler bool            // EventBridge Scheduler, not a scheduled rule
	Input     json.RawMessage // what the target gets instead of the event; nil for the event
}

// Event returns what the target of a schedule receives for one time. In
// Scheduler's Input the <aws.scheduler.…> keywords are replaced.
func (o Origin) Event(at time.Time) ([]byte, error) {
	stamp := at.UTC().Format(time.RFC3339)
	if o.Input != nil {
		if !o.Scheduler {
			return o.Input, nil
		}
		return []byte(strings.NewReplacer(
			"<aws.scheduler.schedule-arn>", o.arn(), "<aws.scheduler.scheduled-time>", stamp,
			"<aws.scheduler.execution-id>", uuid.New(), "<aws.scheduler.attempt-number>", "1",
		).Replace(string(o.Input))), nil
	}
	source, detail := "aws.events", any(struct{}{})
	if o.Scheduler {
		source, detail = "aws.scheduler", "{}" // Scheduler's default detail is a string
	}
	event, err := json.Marshal(struct {
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     any      `json:"detail"`
	}{"0", uuid.New(), "Scheduled Event", source, o.Account, stamp, o.Region, []string{o.arn()}, detail})
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", o.Name, err)
	}
	return event, nil
}

func (o Origin) arn() string {
	if o.Scheduler {
		return fmt.Sprintf("arn:aws:scheduler:%s:%s:schedule/default/%s", o.Region, o.Account, o.Name)
	}
	return fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", o.Region, o.Account, o.Name)
}
