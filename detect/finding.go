package detect

import "vswarden/event"

// finding is an event of ours as the memory keeps it.
type finding struct {
	ID      event.ID    `json:"id"`
	Time    int64       `json:"time"`
	Host    string      `json:"host"`
	Kind    string      `json:"kind,omitempty"`
	Act     event.Act   `json:"act"`
	Message string      `json:"message"`
	Alert   event.Alert `json:"alert"`
}

func findingOf(e *event.Event) finding {
	return finding{ID: e.ID, Time: e.Time, Host: e.Host, Kind: e.Kind, Act: e.Act, Message: e.Message, Alert: e.Alert}
}

func (f finding) event() (e event.Event) {
	e = event.Event{
		Common: event.Common{ID: f.ID, Time: f.Time, TimeDigits: 3, Host: f.Host, Kind: f.Kind, Act: f.Act, Message: f.Message, Dataset: event.DatasetAlert},
		Rare:   event.Rare{Alert: f.Alert},
	}
	e.Syslog.Priority = -1
	return e
}
