package usage

import "time"

// windows are the ids of the clock windows of an instant.
type windows struct {
	Minute int64 `json:"minute"` // since the epoch
	Hour   int64 `json:"hour"`   // since the epoch
	Day    int64 `json:"day"`    // since the epoch
	Month  int64 `json:"month"`  // year*12 + month-1
}

func windowsAt(now time.Time) windows {
	now = now.UTC()
	seconds := now.Unix()
	return windows{
		Minute: seconds / 60, Hour: seconds / 3600, Day: seconds / 86400,
		Month: int64(now.Year())*12 + int64(now.Month()) - 1,
	}
}

// drift is how far, in minutes, another process's clock may be ahead of this
// one for its windows to be taken over.
const drift = 1

// reconcile returns the windows to count in: this process's, or the item's when
// a process with a slightly faster clock has opened them already. So windows
// never go back and forth, and no clock that is far off can close them for all.
func (w windows) reconcile(item windows) windows {
	if item.Minute > w.Minute && item.Minute-w.Minute <= drift {
		return item
	}
	return w
}

func minuteEnd(w windows) time.Time { return time.Unix((w.Minute+1)*60, 0).UTC() }
func hourEnd(w windows) time.Time   { return time.Unix((w.Hour+1)*3600, 0).UTC() }
func dayEnd(w windows) time.Time    { return time.Unix((w.Day+1)*86400, 0).UTC() }

// MonthOf returns the first instant of a month and of the one after it, UTC.
func MonthOf(now time.Time) (start, end time.Time) {
	now = now.UTC()
	start = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	return start, start.AddDate(0, 1, 0)
}
