package decode

import (
	"testing"

	"vswarden/event"
)

const kernelWire = "<6>Feb  7 11:58:00 kvm1 kernel: "

func TestLinux(t *testing.T) {
	for text, w := range map[string]struct {
		act event.Act
		l   event.Linux
	}{
		"device tap0 entered promiscuous mode":                                                                  {event.ActPromiscuousOn, event.Linux{Device: "tap0", Kind: event.DeviceTap}},
		"[12345.678901] device vnet3 left promiscuous mode":                                                     {event.ActPromiscuousOff, event.Linux{Device: "vnet3", Kind: event.DeviceTap}},
		"[    1.678901] tap100i0: entered promiscuous mode":                                                     {event.ActPromiscuousOn, event.Linux{Device: "tap100i0", Kind: event.DeviceTap}},
		"e1000e 0000:00:1f.6 eno1: entered promiscuous mode":                                                    {event.ActPromiscuousOn, event.Linux{Device: "eno1", Kind: event.DevicePhysical, Driver: "e1000e", Bus: "0000:00:1f.6"}},
		"mlx5_core 0000:3b:00.0 storage0: entered promiscuous mode":                                             {event.ActPromiscuousOn, event.Linux{Device: "storage0", Kind: event.DevicePhysical, Driver: "mlx5_core", Bus: "0000:3b:00.0"}},
		"veth1a2b (unregistering): left promiscuous mode":                                                       {event.ActPromiscuousOff, event.Linux{Device: "veth1a2b", Kind: event.DeviceVeth}},
		"fwpr100p0: entered allmulticast mode":                                                                  {event.ActAllmultiOn, event.Linux{Device: "fwpr100p0", Kind: event.DeviceVeth}},
		"device eth0 left allmulticast mode":                                                                    {event.ActAllmultiOff, event.Linux{Device: "eth0", Kind: event.DevicePhysical}},
		"br0: entered promiscuous mode":                                                                         {event.ActPromiscuousOn, event.Linux{Device: "br0", Kind: event.DeviceBridge}},
		"bridge-eth0: enabled promiscuous mode":                                                                 {event.ActPromiscuousOn, event.Linux{Device: "eth0", Kind: event.DevicePhysical, Driver: "bridge"}},
		"bridge-eth0: disabled promiscuous mode":                                                                {event.ActPromiscuousOff, event.Linux{Device: "eth0", Kind: event.DevicePhysical, Driver: "bridge"}},
		"vmbr0: port 2(tap100i0) entered forwarding state":                                                      {"", event.Linux{Device: "tap100i0", Kind: event.DeviceTap, Bridge: "vmbr0", Port: 2, State: "forwarding"}},
		"br0: port 1(eth0) entering learning state":                                                             {"", event.Linux{Device: "eth0", Kind: event.DevicePhysical, Bridge: "br0", Port: 1, State: "learning"}},
		"audit: type=1700 audit(1593424370.786:123): dev=vnet0 prom=256 old_prom=0 auid=1000 uid=0 gid=0 ses=1": {event.ActPromiscuousOn, event.Linux{Device: "vnet0", Kind: event.DeviceTap, UID: "0", AUID: "1000"}},
		"audit: type=1700 audit(1593424370.786:123): dev=vnet0 prom=0 old_prom=256 auid=1000 uid=0 gid=0 ses=1": {event.ActPromiscuousOff, event.Linux{Device: "vnet0", Kind: event.DeviceTap, UID: "0", AUID: "1000"}},
	} {
		e := line(kernelWire + text)
		dataset := event.DatasetPromisc
		if w.act == "" {
			dataset = event.DatasetBridge
		}
		if e.Act != w.act || e.Linux != w.l || e.Dataset != dataset || e.Message != text {
			t.Errorf("%s\n got %q %+v %s\nwant %+v", text, e.Act, e.Linux, e.Dataset, w)
		}
		checkStrings(t, &e)
	}
	for _, text := range []string{
		"e1000e 0000:00:1f.6: in some mode", "x y z eth0: entered promiscuous mode", "entered promiscuous mode", ": entered promiscuous mode",
		"br0: port x(eth0) entered forwarding state", "br0: port 1 entered forwarding state", "power state", "bridge-eth0: silly mode", "prom=",
	} {
		if e := line(kernelWire + text); e.Act != "" || e.Dataset != event.DatasetGeneric {
			t.Errorf("%s: %q %+v", text, e.Act, e.Linux)
		}
	}
}

func TestLinuxAuditAndOthers(t *testing.T) {
	const record = "type=ANOM_PROMISCUOUS msg=audit(1593424370.786:123): dev=eth0 prom=256 old_prom=0 auid=1000 uid=0 gid=0 ses=1"
	for _, raw := range []string{
		record, "<13>Feb  7 11:58:00 kvm1 audispd: node=kvm1 " + record, "<13>Feb  7 11:58:00 kvm1 audit[1]: " + record,
	} {
		if e := line(raw); e.Act != event.ActPromiscuousOn || e.Linux.Device != "eth0" || e.Linux.AUID != "1000" {
			t.Errorf("%s: %q %+v", raw, e.Act, e.Linux)
		}
	}
	e := line("2026-02-07T11:59:59.000Z| vmx| I125: The virtual machine's operating system has attempted to enable promiscuous mode on adapter 'Ethernet0'. This is not allowed for security reasons.")
	if e.Act != event.ActPromiscuousAsk || e.Linux.Device != "Ethernet0" || e.Dataset != event.DatasetPromisc {
		t.Errorf("%q %+v %s", e.Act, e.Linux, e.Dataset)
	}
	if e := line("[12345.678] device tap0 entered promiscuous mode"); e.Act != event.ActPromiscuousOn {
		t.Errorf("%q %+v", e.Act, e.Linux)
	}
}

func TestTrap36AnomWithoutChange(t *testing.T) {
	e := line(kernelWire + "audit: type=1700 audit(1593424370.786:123): dev=vnet0 prom=256 old_prom=256 auid=1 uid=0 gid=0 ses=1")
	if e.Act != "" || e.Dataset != event.DatasetGeneric {
		t.Errorf("%q %s", e.Act, e.Dataset)
	}
	if e := line(kernelWire + "audit: type=1700 audit(1593424370.786:123): dev=vnet0 prom=512 old_prom=0 auid=1 uid=0 gid=0 ses=1"); e.Act != "" {
		t.Errorf("0x200 is IFF_ALLMULTI: %q", e.Act)
	}
}

func FuzzLinux(f *testing.F) {
	f.Add("e1000e 0000:00:1f.6 eno1: entered promiscuous mode")
	f.Add("br0: port 1(eth0) entered forwarding state")
	f.Add("audit: type=1700 dev= prom=256 old_prom=0")
	f.Fuzz(func(t *testing.T, text string) {
		for _, prefix := range []string{kernelWire, ""} {
			e := line(prefix + text)
			checkStrings(t, &e)
			checkEvent(t, &e)
		}
	})
}
