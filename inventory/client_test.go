package inventory

import "testing"

func TestParseClient(t *testing.T) {
	for _, c := range []struct {
		client       string
		kind         Kind
		name, device string
	}{
		{"web-01.eth0", KindVM, "web-01", "eth0"},
		{"VM3 ethernet0", KindVM, "VM3", "ethernet0"},
		{"NSX Manager.eth0", KindVM, "NSX Manager", "eth0"},
		{"x.eth0.eth1", KindVM, "x.eth0", "eth1"},
		{"web-01", KindVM, "web-01", ""},
		{"web.ethos", KindVM, "web.ethos", ""},
		{".eth0", KindVM, ".eth0", ""},
		{"vmk1", KindVMKernel, "", "vmk1"},
		{"vmk1x", KindVM, "vmk1x", ""},
		{"vmnic12", KindUplink, "", "vmnic12"},
		{"Management", KindSystem, "", ""},
		{"vdr-vdrPort", KindSystem, "", ""},
		{"", KindUnknown, "", ""},
	} {
		if kind, name, device := ParseClient(c.client); kind != c.kind || name != c.name || device != c.device {
			t.Errorf("%q: %v %q %q", c.client, kind, name, device)
		}
	}
}
