package posture

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes a sysfs from files and links: a value that begins with -> is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range files {
		path := filepath.Join(dir, "class", "net", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if target, ok := strings.CutPrefix(value, "->"); ok {
			if err := os.Symlink(target, path); err != nil {
				t.Skip("no symbolic links here: ", err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func kvm(t *testing.T) *Links {
	t.Helper()
	l, err := ReadSysfs(tree(t, map[string]string{
		"lo/flags":                   "0x9\n",
		"eth0/flags":                 "0x1103\n", // promiscuous: a port of br0
		"eth0/device/x":              "",
		"eth0/brport/bridge":         "->../../br0",
		"eth0/brport/unicast_flood":  "1\n",
		"eth0/brport/learning":       "1\n",
		"br0/flags":                  "0x1103\n", // promiscuous itself
		"br0/bridge/ageing_time":     "30000\n",
		"vnet0/flags":                "0x1103\n",
		"vnet0/tun_flags":            "0x1002\n",
		"vnet0/brport/bridge":        "->../../br0",
		"vnet0/brport/isolated":      "1\n",
		"vnet1/flags":                "0x1003\n",
		"vnet1/tun_flags":            "0x1002\n",
		"vnet1/brport/bridge":        "->../../hub0",
		"vnet1/brport/unicast_flood": "1\n",
		"vnet1/brport/learning":      "0\n",
		"hub0/flags":                 "0x1003\n",
		"hub0/bridge/ageing_time":    "0\n",
		"eth1/flags":                 "0x1303\n", // somebody listens; 0x200 is allmulticast
		"eth1/device/x":              "",
		"eth2/flags":                 "0x1203\n", // allmulticast alone
		"eth2/device/x":              "",
		"bad/flags":                  "promiscuous",
		"bad/bridge/ageing_time":     "-5",
		"bad/brport/learning":        "maybe",
		"bonding_masters":            "bond0",
	}))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Links) device(t *testing.T, name string) *Device {
	t.Helper()
	for i := range l.Devices {
		if l.Devices[i].Name == name {
			return &l.Devices[i]
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

func TestSysfs(t *testing.T) {
	l := kvm(t)
	for _, c := range []struct {
		name, kind, bridge string
		promiscuous        bool
		reason             string
		permits, exposed   []string
	}{
		{"lo", "loopback", "", false, "", nil, nil},
		{"eth0", "physical", "br0", true, "bridge_membership", nil, nil},
		{"br0", "bridge", "", true, "bridge_itself", []string{"bridge-promiscuous"}, []string{"eth0", "vnet0"}},
		{"vnet0", "tap", "br0", true, "bridge_membership", nil, nil},
		{"vnet1", "tap", "hub0", false, "", []string{"floods-unlearned"}, []string{"vnet1"}},
		{"hub0", "bridge", "", false, "", []string{"hub"}, []string{"vnet1"}},
		{"eth1", "physical", "", true, "capture", []string{"promiscuous"}, nil},
		{"eth2", "physical", "", false, "", nil, nil},
	} {
		d := l.device(t, c.name)
		if d.Kind != c.kind || d.Bridge != c.bridge || d.Promiscuous != c.promiscuous || d.Reason != c.reason || !slices.Equal(d.Permits, c.permits) || !slices.Equal(d.Exposed, c.exposed) {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
	if d := l.device(t, "vnet0"); d.Isolated == nil || !*d.Isolated || d.Learning != nil {
		t.Errorf("%+v", d)
	}
	if d := l.device(t, "br0"); d.AgeingMS == nil || *d.AgeingMS != 300_000 {
		t.Errorf("%+v", d)
	}
	if d := l.device(t, "bad"); len(d.Unreadable) != 3 {
		t.Errorf("%+v", d)
	}
	if !l.Fails() {
		t.Error("a hub is no finding")
	}
	rows := l.Table()
	if rows[1][0] == "-" || rows[len(rows)-1][0] != "-" || len(rows) != len(l.Devices)+1 {
		t.Errorf("%q", rows)
	}
	var b bytes.Buffer
	if err := l.WriteCSV(&b); err != nil || !strings.Contains(b.String(), "br0,bridge,,true,bridge_itself,,,,300s,bridge-promiscuous,eth0; vnet0,") {
		t.Errorf("%v %s", err, b.String())
	}
}

func TestQuietSysfs(t *testing.T) {
	l, err := ReadSysfs(tree(t, map[string]string{"lo/flags": "0x9", "eth0/flags": "0x1003", "eth0/device/x": ""}))
	if err != nil || l.Fails() || len(l.Devices) != 2 {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestNoSysfs(t *testing.T) {
	if _, err := ReadSysfs(t.TempDir()); err == nil || !strings.Contains(err.Error(), "class/net") {
		t.Error(err)
	}
}
