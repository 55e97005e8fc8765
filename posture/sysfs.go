package posture

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Device is one network device of a Linux host, as sysfs shows it.
type Device struct {
	Name         string   `json:"device"`
	Kind         string   `json:"device_kind"` // physical, tap, veth, bridge, bond, loopback, unknown
	Bridge       string   `json:"bridge,omitempty"`
	Promiscuous  bool     `json:"promiscuous"`
	UnicastFlood *bool    `json:"unicast_flood,omitempty"` // of a bridge's port
	Learning     *bool    `json:"learning,omitempty"`
	Isolated     *bool    `json:"isolated,omitempty"`
	AgeingMS     *int64   `json:"ageing_ms,omitempty"` // of a bridge; 0 = it is a hub
	Reason       string   `json:"reason,omitempty"`    // bridge_membership, bridge_itself, capture
	Permits      []string `json:"permits"`             // what is out of the ordinary
	Exposed      []string `json:"exposed"`             // ports whose frames it sees, or that see each other's
	Unreadable   []string `json:"unreadable,omitempty"`
}

// Links is what sysfs shows of a host's devices.
type Links struct {
	Devices []Device `json:"devices"`
}

// maxAttribute bounds what is read of one file of sysfs, which has at most one page.
const maxAttribute = 4096

// iffPromisc is IFF_PROMISC of linux/if.h; 0x200 is IFF_ALLMULTI. sysfs shows the device's own flags, where a capture
// counts too, unlike ip and ifconfig.
const iffPromisc = 0x100

// ReadSysfs reads dir, which is /sys or a copy of it: dir/class/net/*.
func ReadSysfs(dir string) (*Links, error) {
	root := filepath.Join(dir, "class", "net")
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("read devices: %w; write a directory like /sys, with class/net in it", err)
	}
	l := &Links{Devices: []Device{}}
	for _, e := range entries {
		path := filepath.Join(root, e.Name())
		if info, err := os.Stat(path); err != nil || !info.IsDir() { // bonding_masters is a file; a device may be gone
			continue
		}
		l.Devices = append(l.Devices, readDevice(path, e.Name()))
	}
	l.judge()
	return l, nil
}

// readDevice reads one device. What is missing is not known; what is there and cannot be read is named.
func readDevice(path, name string) Device {
	d := Device{Name: name, Permits: []string{}, Exposed: []string{}}
	if text, ok := d.attribute(path, "flags"); ok {
		flags, err := strconv.ParseUint(text, 0, 32)
		if err != nil {
			d.Unreadable = append(d.Unreadable, "flags")
		}
		d.Promiscuous = flags&iffPromisc != 0
	}
	d.Kind = kindOf(path, name)
	if text, ok := d.attribute(path, "bridge/ageing_time"); ok {
		if ageing, err := strconv.ParseInt(text, 10, 64); err != nil || ageing < 0 || ageing > 1<<40 {
			d.Unreadable = append(d.Unreadable, "bridge/ageing_time")
		} else {
			ms := ageing * 10
			d.AgeingMS = &ms
		}
	}
	if target, err := os.Readlink(filepath.Join(path, "brport", "bridge")); err == nil {
		d.Bridge = filepath.Base(target)
	} else if exists(filepath.Join(path, "brport")) {
		if target, err := os.Readlink(filepath.Join(path, "master")); err == nil {
			d.Bridge = filepath.Base(target)
		}
	}
	d.UnicastFlood = d.flag(path, "brport/unicast_flood")
	d.Learning = d.flag(path, "brport/learning")
	d.Isolated = d.flag(path, "brport/isolated")
	return d
}

// attribute reads one file; false where there is none.
func (d *Device) attribute(path, name string) (string, bool) {
	f, err := os.Open(filepath.Join(path, name))
	if err == nil {
		defer f.Close() //nolint:errcheck // opened for reading
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(f, maxAttribute)); err == nil {
			return strings.TrimSpace(string(b)), true
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		d.Unreadable = append(d.Unreadable, name)
	}
	return "", false
}

func (d *Device) flag(path, name string) *bool {
	text, ok := d.attribute(path, name)
	if !ok {
		return nil
	}
	if text != "0" && text != "1" {
		d.Unreadable = append(d.Unreadable, name)
		return nil
	}
	on := text == "1"
	return &on
}

// kindOf knows a device by what sysfs holds of it.
func kindOf(path, name string) string {
	has := func(file string) bool { return exists(filepath.Join(path, file)) }
	switch {
	case has("bridge"):
		return "bridge"
	case has("tun_flags"), has("macvtap"):
		return "tap"
	case has("bonding"):
		return "bond"
	case has("device"):
		return "physical"
	case name == "lo":
		return "loopback"
	case strings.HasPrefix(name, "veth"), strings.HasPrefix(name, "fwpr"), strings.HasPrefix(name, "fwln"):
		return "veth"
	}
	return "unknown"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// judge says of each device why it is promiscuous and who is exposed by what is out of the ordinary.
func (l *Links) judge() {
	ports := map[string][]string{}
	for i := range l.Devices {
		if d := &l.Devices[i]; d.Bridge != "" {
			ports[d.Bridge] = append(ports[d.Bridge], d.Name)
		}
	}
	for i := range l.Devices {
		d := &l.Devices[i]
		switch {
		case d.Promiscuous && d.Kind == "bridge":
			d.Reason = "bridge_itself"
			d.permit("bridge-promiscuous", ports[d.Name])
		case d.Promiscuous && d.Bridge != "":
			d.Reason = "bridge_membership" // a capture on top of it does not show in sysfs
		case d.Promiscuous:
			d.Reason = "capture"
			d.permit("promiscuous", nil)
		}
		if d.AgeingMS != nil && *d.AgeingMS == 0 {
			d.permit("hub", ports[d.Name])
		}
		if d.Bridge != "" && d.UnicastFlood != nil && *d.UnicastFlood && d.Learning != nil && !*d.Learning {
			d.permit("floods-unlearned", []string{d.Name}) // the bridge never learns who is there, so all frames for it are flooded
		}
	}
}

func (d *Device) permit(word string, exposed []string) {
	d.Permits = append(d.Permits, word)
	for _, name := range exposed {
		if !slices.Contains(d.Exposed, name) {
			d.Exposed = append(d.Exposed, name)
		}
	}
}

// Fails reports whether a device permits something out of the ordinary.
func (l *Links) Fails() bool {
	return slices.ContainsFunc(l.Devices, func(d Device) bool { return len(d.Permits) > 0 })
}

// Table returns the devices for people: what is out of the ordinary first.
func (l *Links) Table() [][]string {
	rows := [][]string{{"PERMITS", "DEVICE", "KIND", "BRIDGE", "PROMISCUOUS", "UNICAST FLOOD", "LEARNING", "AGEING", "WHO IS EXPOSED"}}
	list := slices.Clone(l.Devices)
	slices.SortStableFunc(list, func(a, b Device) int { return min(len(b.Permits), 1) - min(len(a.Permits), 1) })
	for i := range list {
		d := &list[i]
		rows = append(rows, []string{
			cmp.Or(strings.Join(d.Permits, " "), "-"), d.Name, d.Kind, cmp.Or(d.Bridge, "-"), d.promiscuous(), cmp.Or(word(d.UnicastFlood), "-"), cmp.Or(word(d.Learning), "-"), cmp.Or(d.ageing(), "-"),
			cmp.Or(strings.Join(d.Exposed, ", "), "-"),
		})
	}
	return rows
}

func (d *Device) promiscuous() string {
	if d.Promiscuous {
		return "yes: " + d.Reason
	}
	return "no"
}

func (d *Device) ageing() string {
	if d.AgeingMS == nil {
		return ""
	}
	return strconv.FormatFloat(float64(*d.AgeingMS)/1000, 'f', -1, 64) + "s"
}

func word(b *bool) string {
	switch {
	case b == nil:
		return ""
	case *b:
		return "on"
	}
	return "off"
}

// WriteCSV writes the devices, one a line, safe to open in a spreadsheet.
func (l *Links) WriteCSV(w io.Writer) error {
	rows := [][]string{{"device", "device_kind", "bridge", "promiscuous", "reason", "unicast_flood", "learning", "isolated", "ageing", "permits", "exposed", "unreadable"}}
	for i := range l.Devices {
		d := &l.Devices[i]
		rows = append(rows, []string{
			d.Name, d.Kind, d.Bridge, strconv.FormatBool(d.Promiscuous), d.Reason, word(d.UnicastFlood), word(d.Learning), word(d.Isolated), d.ageing(),
			strings.Join(d.Permits, " "), strings.Join(d.Exposed, "; "), strings.Join(d.Unreadable, "; "),
		})
	}
	return writeCSV(w, rows)
}
