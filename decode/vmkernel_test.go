package decode

import (
	"testing"

	"vswarden/event"
)

func TestVmkernelPrefix(t *testing.T) {
	for name, tc := range map[string]struct {
		text    string
		want    event.Vmkernel
		level   string
		message string
	}{
		"cpu and world":      {"cpu14:1559738)World: 1: x", event.Vmkernel{Present: true, HasCPU: true, CPU: 14, World: 1559738}, "", "World: 1: x"},
		"operation":          {"cpu10:266351 opID=936118c3)World: 1: x", event.Vmkernel{Present: true, HasCPU: true, CPU: 10, World: 266351, OpID: "936118c3"}, "", "World: 1: x"},
		"uptime of ESX 4":    {"7:21:06:14.107 cpu10:202157)x", event.Vmkernel{Present: true, HasCPU: true, CPU: 10, World: 202157, Uptime: "7:21:06:14.107"}, "", "x"},
		"uptime of a year":   {"429:22:55:15.835 cpu23:83814135)x", event.Vmkernel{Present: true, HasCPU: true, CPU: 23, World: 83814135, Uptime: "429:22:55:15.835"}, "", "x"},
		"boot, no CPU":       {"VMB: 65: Reserved 4 MPNs", event.Vmkernel{}, "", "VMB: 65: Reserved 4 MPNs"},
		"boot, seconds":      {"9127.5:D:Disable PCIe VDM on PF0", event.Vmkernel{Present: true, Uptime: "9127.5"}, "", "9127.5:D:Disable PCIe VDM on PF0"},
		"warning":            {"cpu0:1)WARNING: NFS: 1: x", event.Vmkernel{Present: true, HasCPU: true, World: 1}, "warning", "WARNING: NFS: 1: x"},
		"alert":              {"cpu0:1)ALERT: URB timed out", event.Vmkernel{Present: true, HasCPU: true, World: 1}, "alert", "ALERT: URB timed out"},
		"warning, no CPU":    {"WARNING: x", event.Vmkernel{}, "warning", "WARNING: x"},
		"level of a driver":  {"cpu18:8243)<3>ixgbe: vmnic6: x", event.Vmkernel{Present: true, HasCPU: true, CPU: 18, World: 8243}, "error", "<3>ixgbe: vmnic6: x"},
		"info of a driver":   {"cpu18:8243)<6>vmnic0 NIC Link is Up", event.Vmkernel{Present: true, HasCPU: true, CPU: 18, World: 8243, NIC: "vmnic0"}, "info", "<6>vmnic0 NIC Link is Up"},
		"no level, a word":   {"cpu1:2)<unk>: UWVMKSyscall: x", event.Vmkernel{Present: true, HasCPU: true, CPU: 1, World: 2}, "", "<unk>: UWVMKSyscall: x"},
		"nothing behind":     {"cpu1:2)", event.Vmkernel{Present: true, HasCPU: true, CPU: 1, World: 2}, "", ""},
		"not closed":         {"cpu1:2 text", event.Vmkernel{}, "", "cpu1:2 text"},
		"operation not open": {"cpu1:2 opID=12 text", event.Vmkernel{}, "", "cpu1:2 opID=12 text"},
		"a letter":           {"cpu1:2x)text", event.Vmkernel{}, "", "cpu1:2x)text"},
		"huge world":         {"cpu1:99999999999999999999)x", event.Vmkernel{}, "", "cpu1:99999999999999999999)x"},
		"clock misread":      {"O:O1:19:58.809 cpu10:4922)x", event.Vmkernel{}, "", "O:O1:19:58.809 cpu10:4922)x"},
	} {
		t.Run(name, func(t *testing.T) {
			e := line("<182>2026-02-07T11:59:59Z esx1 vmkernel: " + tc.text)
			if e.Vmkernel != tc.want || e.Level != tc.level || e.Message != tc.message || e.Dataset != event.DatasetVmkernel {
				t.Errorf("%+v, level %q, message %q, dataset %s", e.Vmkernel, e.Level, e.Message, e.Dataset)
			}
			checkStrings(t, &e)
		})
	}
}

func TestVmkernelPrograms(t *testing.T) {
	for _, app := range []string{"vmkernel", "vmkwarning", "vmkalert"} {
		e := line("<180>2026-02-07T11:59:59Z esx1 " + app + ": cpu1:2)WARNING: NFS: 1: x")
		if e.Dataset != event.DatasetVmkernel || e.Level != "warning" || !e.Vmkernel.HasCPU {
			t.Errorf("%s: %+v", app, e)
		}
	}
	// A relay has replaced the tag, or ESX 4 has written its name there.
	e := line("Feb  7 11:58:00 esx_host: 17:19:52:55.580 cpu7:4182)BC: 3837: x")
	if e.Dataset != event.DatasetVmkernel || e.Vmkernel.World != 4182 || e.Message != "BC: 3837: x" {
		t.Errorf("%+v", e)
	}
}

func TestLevelOfESXi8Files(t *testing.T) {
	for raw, level := range map[string]string{
		"2026-02-07T09:29:18Z Em(176) vmkernel: x": "emergency", "2026-02-07T09:29:18Z Al(177) vmkalert: x": "alert",
		"2026-02-07T09:29:18Z Cr(178) vmkernel: x": "critical", "2026-02-07T09:29:18Z Er(179) vmkernel: x": "error",
		"2026-02-07T09:29:18Z Wa(180) vmkernel: x": "warning", "2026-02-07T09:29:18Z No(181) vmkernel: x": "notice",
		"2026-02-07T09:29:18Z In(182) vmkernel: x": "info", "2026-02-07T09:29:18Z Db(183) vmkernel: x": "debug",
		"2026-02-07T09:29:18Z In(9) watchdog-vobd[1]: x": "info", "2026-02-07T09:29:18Z In(05) host-16250 x": "info",
		"2026-02-07T09:29:18Z In(182) vmkernel: cpu0:1)WARNING: x": "warning",
	} {
		if e := fileLine(raw, Options{}); e.Level != level || e.Format != event.FormatFileESXi8 {
			t.Errorf("%s: level %q, format %s", raw, e.Level, e.Format)
		}
	}
	for _, raw := range []string{
		"2026-02-07T09:29:18Z In() vmkernel: x", "2026-02-07T09:29:18Z Xx(182) vmkernel: x", "2026-02-07T09:29:18Z In(1824) vmkernel: x",
	} {
		if e := fileLine(raw, Options{}); e.Format == event.FormatFileESXi8 {
			t.Errorf("%s: taken for a line of ESXi 8", raw)
		}
	}
	if e := fileLine("2026-02-07T09:29:18Z In(999) vmkernel: x", Options{}); e.Syslog.Priority != -1 {
		t.Errorf("priority %d", e.Syslog.Priority)
	}
}

func TestNetPort(t *testing.T) {
	for text, want := range map[string]event.NetPort{
		"NetPort: 982: enabled port 0x3000007 with mac 00:50:56:84:5a:b4":   {Kind: event.NetPortEnabled, Module: "NetPort", Line: 982, Port: 0x3000007, MAC: "00:50:56:84:5a:b4"},
		"NetPort: 1879: disabled port 0x2000002":                            {Kind: event.NetPortDisabled, Module: "NetPort", Line: 1879, Port: 0x2000002},
		"Uplink: 12282: enabled port 0x84000002 with mac 00:00:00:00:00:00": {Kind: event.NetPortEnabled, Module: "Uplink", Line: 12282, Port: 0x84000002, MAC: "00:00:00:00:00:00"},
		"NetPort: enabled port 0x3000007 with mac 00-50-56-84-5A-B4 ":       {Kind: event.NetPortEnabled, Module: "NetPort", Port: 0x3000007, MAC: "00-50-56-84-5A-B4"},
		"NetPort: 982: enabled port 0x3000007":                              {Kind: event.NetPortEnabled, Module: "NetPort", Line: 982, Port: 0x3000007},
		"NetPort: 982: enabled port 0x3000007 with mac 00:50:56:84:5a":      {Kind: event.NetPortEnabled, Module: "NetPort", Line: 982, Port: 0x3000007},
		"NetPort: 982: enabled port 0x100000000":                            {},
		"NetPort: 982: enabled port 2675":                                   {},
		"NetPort: 982: resuming traffic on DV port 2675":                    {},
		"Uplink: 537: vmnic0: Driver claims supporting 0 RX queues":         {},
		"DVSDev: DVSDevDataSet:968: setting data com.vmware.x on port 2675": {},
		"NetPort2: 982: disabled port 0x2000002":                            {},
		"Uplink:vmnic6 is up. Affected portgroup: Management Network":       {},
	} {
		e := line("<181>2026-02-07T11:59:59.000Z esx1 vmkernel: cpu1:2)" + text)
		dataset := event.DatasetNetPort
		if want.Kind == event.NetPortNone {
			dataset = event.DatasetVmkernel
		}
		if e.NetPort != want || e.Dataset != dataset || e.Message != text {
			t.Errorf("%s\n got %+v, dataset %s\nwant %+v", text, e.NetPort, e.Dataset, want)
		}
		checkStrings(t, &e)
	}
}
