package app

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"vswarden/event"
)

// demoEvent is what the demo shows of an event.
type demoEvent struct {
	Time    string   `json:"@timestamp"`
	Message string   `json:"message"`
	Tags    []string `json:"tags"`
	Event   struct {
		Dataset event.Dataset `json:"dataset"`
		Action  string        `json:"action"`
	} `json:"event"`
	Host   struct{ Name string }
	VMware struct {
		L2Sec struct {
			Client struct {
				Raw, Type, Name, Device string
			} `json:"client"`
			PortID    string `json:"port_id"`
			PortIDDec uint32 `json:"port_id_dec"`
			MAC       string `json:"requested_mac"`
			Effect    string `json:"effect"`
			Owner     struct {
				Kind, Name, Device, Network, Host string
			} `json:"requested_mac_owner"`
		} `json:"l2sec"`
		VM        struct{ Name string }
		VNIC      struct{ MAC string }
		Switch    struct{ Name string }
		Portgroup struct{ Name string }
		Policy    struct {
			Setting   string
			Effective map[string]bool
			Source    map[string]string
			Agrees    *bool `json:"agrees_with_log"`
		}
		Exposure *struct {
			Scope string
			VMs   int
		}
		Enrichment struct {
			Status     string
			Confidence float64
			Match      []string
		}
	} `json:"vmware"`
}

// sentence tells an event to a person.
func sentence(line []byte) []byte {
	var e demoEvent
	if err := json.Unmarshal(line, &e); err != nil {
		return line
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s  %-18s %-20s ", strings.TrimSuffix(filepath.Base(strings.ReplaceAll(e.Time, "T", "/")), "Z"), e.Host.Name, e.Event.Dataset)
	if e.Event.Dataset != event.DatasetL2Sec {
		fmt.Fprintf(&b, "%s\n", e.Message)
		return escapeControl(b.Bytes())
	}
	l := &e.VMware.L2Sec
	fmt.Fprintf(&b, "%s: %s, port %s = %d", e.Event.Action, e.who(), l.PortID, l.PortIDDec)
	if l.MAC != "" {
		fmt.Fprintf(&b, ", wanted %s", l.MAC)
	}
	fmt.Fprintf(&b, " (%s)\n", l.Effect)
	for _, fact := range e.facts() {
		fmt.Fprintf(&b, "%14s%s\n", "", fact)
	}
	return escapeControl(b.Bytes())
}

// who names the client as the line does.
func (e *demoEvent) who() string {
	c := &e.VMware.L2Sec.Client
	switch {
	case c.Type == string(event.ClientVM) && c.Device != "":
		return "VM " + c.Name + ", adapter " + c.Device
	case c.Type == string(event.ClientVM):
		return "VM " + c.Name
	case c.Raw != "":
		return c.Type + " " + c.Raw
	}
	return "a port holder that the line does not name"
}

// facts are what the inventory adds.
func (e *demoEvent) facts() (list []string) {
	v := &e.VMware
	switch {
	case v.VM.Name != "":
		list = append(list, fmt.Sprintf("held by VM %s, %s, %s on %s (confidence %.3g, %s)", v.VM.Name, v.VNIC.MAC, v.Portgroup.Name, v.Switch.Name, v.Enrichment.Confidence, strings.Join(v.Enrichment.Match, " ")))
	case v.Enrichment.Status == event.JoinUnresolved.String():
		list = append(list, "held by: not known")
	}
	if allowed, known := v.Policy.Effective[v.Policy.Setting]; known {
		word := map[bool]string{true: "accepted", false: "rejected"}[allowed]
		text := fmt.Sprintf("policy: %s %s, set by %s", v.Policy.Setting, word, v.Policy.Source[v.Policy.Setting])
		if v.Policy.Agrees != nil && !*v.Policy.Agrees {
			text += ": vCenter permits what the host denies, drift (KB 417819)"
		}
		list = append(list, text)
	}
	if x := v.Exposure; x != nil {
		list = append(list, fmt.Sprintf("would have listened to %d other VMs: %s", x.VMs, x.Scope))
	}
	if o := &v.L2Sec.Owner; o.Kind != "" {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s belongs to %s %s %s", v.L2Sec.MAC, o.Kind, cmp.Or(o.Name, o.Device), o.Host)))
	}
	return list
}
