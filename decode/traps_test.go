package decode

import (
	"strings"
	"testing"

	"vswarden/event"
)

// The parser traps of the field reference, section 9, by their numbers. Those that are about other
// lines than headers, vmkernel, L2Sec and NetPort stand with their decoders.

const trapHeader = "<181>2026-02-07T11:59:59.000Z esx1 vmkernel: cpu14:1559738)"

func trapL2Sec(t *testing.T, text string) event.L2Sec {
	t.Helper()
	e := line(trapHeader + text)
	if e.Dataset != event.DatasetL2Sec {
		t.Fatalf("%s: dataset %s", text, e.Dataset)
	}
	return e.L2Sec
}

func TestTrap01TrailingSpace(t *testing.T) {
	for _, end := range []string{"", " ", "  ", ".", ". ", "\r", "\x00", " \t"} {
		l := trapL2Sec(t, "etherswitch: L2Sec_EnforcePortCompliance:226: client a.eth0 requested promiscuous mode on port 0x200002b, disallowed by vswitch policy"+end)
		if l.Kind != event.L2SecPromiscRequested || l.Port != 0x200002b || l.Reason != "disallowed by vswitch policy" {
			t.Errorf("%q at the end: %+v", end, l)
		}
	}
}

func TestTrap02LineNumber(t *testing.T) {
	for number, want := range map[string]uint32{":226:": 226, ":": 0, ":209:": 209, ":1:": 1, ":99999999999:": 0} {
		l := trapL2Sec(t, "etherswitch: L2Sec_EnforcePortCompliance"+number+" 0x100000f: peer not allowed promiscuous, revoking setting")
		if l.Line != want || l.Port != 0x100000f || l.Kind != event.L2SecPromiscRevoked {
			t.Errorf("%q: %+v", number, l)
		}
	}
}

func TestTrap03Module(t *testing.T) {
	for _, module := range []string{"etherswitch", "cswitch", "somethingLater", "vswitch_2"} {
		if l := trapL2Sec(t, module+": L2Sec_EnforcePortCompliance: 0x1: peer not allowed promiscuous, revoking setting"); l.Module != module {
			t.Errorf("%s: %+v", module, l)
		}
	}
}

func TestTrap04GluedElement(t *testing.T) {
	for _, sd := range []string{
		`[nsx@6876 comp="nsx-esx" subcomp="vswitch"]`, `[nsx@4413 comp="nsx-esx" subcomp="vswitch"] `,
		`[nsxt@1 comp=nsx]`, `[nsx@6876]`, `[nsx@6876 comp="a]b"]`,
	} {
		l := trapL2Sec(t, "cswitch: L2Sec_EnforcePortCompliance:209: "+sd+"client vmk1 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy")
		if l.Client.Raw != "vmk1" || l.Port != 0x4000010 {
			t.Errorf("%s: %+v", sd, l)
		}
	}
}

func TestTrap05TwoGrammars(t *testing.T) {
	if l := trapL2Sec(t, "etherswitch: L2Sec_EnforcePortCompliance: 0x100000f: peer not allowed to change address, blocking port"); l.Kind != event.L2SecPeerBlocked || l.Client.Type != event.ClientUnknown {
		t.Errorf("%+v", l)
	}
	if l := trapL2Sec(t, "etherswitch: L2Sec_EnforcePortCompliance: client 0x100000f: peer has policy violations on port 0x2. Port is blocked"); l.Kind != event.L2SecPortBlocked || l.Client.Name != "0x100000f: peer" || l.Port != 2 {
		t.Errorf("%+v", l)
	}
}

func TestTrap06NamesOfVMs(t *testing.T) {
	const name = "OI (3adadd61-75c1-4af2-9d76-ff467e42e965), disallowed ] on port 0x1 é"
	if l := trapL2Sec(t, "etherswitch: L2Sec_EnforcePortCompliance:226: client "+name+".eth0 requested promiscuous mode on port 0x84000006, disallowed by vswitch policy"); l.Client.Name != name || l.Port != 0x84000006 {
		t.Errorf("%+v", l)
	}
}

func TestTrap07ClientForms(t *testing.T) {
	for client, want := range map[string]event.ClientType{
		"VM.eth0": event.ClientVM, "VM ethernet0": event.ClientVM, "VM.ethernet0": event.ClientVM, "VM": event.ClientVM,
		"vmk0": event.ClientVMK, "vmnic2": event.ClientVMNIC, "Management": event.ClientSystem,
	} {
		if l := trapL2Sec(t, "etherswitch: L2Sec_X: client "+client+" requested promiscuous mode on port 0x1, disallowed by vswitch policy"); l.Client.Type != want {
			t.Errorf("%s: %+v", client, l.Client)
		}
	}
}

func TestTrap08Vialations(t *testing.T) {
	for _, word := range []string{"violations", "vialations"} {
		if l := trapL2Sec(t, "etherswitch: L2Sec_X: client a.eth0 has policy "+word+" on port 0x1. Port is blocked"); l.Kind != event.L2SecPortBlocked {
			t.Errorf("%s: %+v", word, l)
		}
	}
}

func TestTrap09BlankInThePort(t *testing.T) {
	l := trapL2Sec(t, "etherswitch: L2Sec_X: client a.eth0 requested mac address change to 00:50:56:00:00:01 on port 0x3 000005, disallowed by vswitch policy")
	if l.Kind != event.L2SecMACChangeRequested || !l.HasPort || l.Port != 0x3000005 {
		t.Errorf("%+v", l)
	}
}

func TestTrap10HexAndUplinks(t *testing.T) {
	l := trapL2Sec(t, "etherswitch: L2Sec_X: client vmnic2 requested promiscuous mode on port 0x082000021, disallowed by vswitch policy")
	if l.Port != 0x82000021 || !event.PortUplink(l.Port) || event.PortSet(l.Port) != 2 || event.PortSlot(l.Port) != 0x21 {
		t.Errorf("%+v", l)
	}
}

func TestTrap11WorldIsEvidence(t *testing.T) {
	e := line(trapHeader + "etherswitch: L2Sec_X: client a.eth0 requested promiscuous mode on port 0x1, disallowed by vswitch policy")
	if e.Vmkernel.World != 1559738 || strings.Contains(e.L2Sec.Client.Raw, "1559738") {
		t.Errorf("%+v", e.Vmkernel)
	}
}

func TestTrap12OperationAndMissingPrefix(t *testing.T) {
	e := line("<182>2026-02-07T11:59:59Z esx1 vmkernel: cpu10:266351 opID=936118c3)cswitch: L2Sec_X: 0x1: peer not allowed promiscuous, revoking setting")
	if e.Vmkernel.OpID != "936118c3" || e.L2Sec.Kind != event.L2SecPromiscRevoked {
		t.Errorf("%+v", e)
	}
	if e := fileLine("2026-04-03T23:07:31Z In(182) vmkernel: VMB: 65: Reserved 4 MPNs", Options{}); e.Vmkernel.Present || e.Message != "VMB: 65: Reserved 4 MPNs" {
		t.Errorf("%+v", e)
	}
	if e := fileLine("2025-01-23T22:10:20Z In(182) vmkernel: 9127.5:D:Disable PCIe VDM on PF0", Options{}); e.Vmkernel.Uptime != "9127.5" {
		t.Errorf("%+v", e)
	}
}

func TestTrap13WarningTwice(t *testing.T) {
	for _, app := range []string{"vmkernel", "vmkwarning"} {
		e := line("<180>2026-02-07T11:59:59Z esx1 " + app + ": cpu1:2)WARNING: NFS: 1: x")
		if e.Level != "warning" || e.Syslog.AppName != app || e.Message != "WARNING: NFS: 1: x" {
			t.Errorf("%+v", e)
		}
	}
	if e := line("<177>2026-02-07T11:59:59Z esx1 vmkalert: cpu1:2)ALERT: x"); e.Level != "alert" {
		t.Errorf("level %q", e.Level)
	}
}

func TestTrap14KernelLevelIsNoPriority(t *testing.T) {
	e := line("<181>2026-02-07T11:59:59Z esx1 vmkernel: cpu1:2)<3>e1000e 0000:00:1f.6: vmnic0: Detected")
	if e.Syslog.Priority != 181 || e.Level != "error" || e.Format != event.FormatRFC3164ISO {
		t.Errorf("%+v", e)
	}
	if e := line("<181>2026-02-07T11:59:59Z esx1 vmkernel: <6>e1000e: x"); e.Syslog.Priority != 181 || e.Format != event.FormatRFC3164ISO {
		t.Errorf("%+v", e)
	}
}

func TestTrap15UptimeOfESX4(t *testing.T) {
	e := line("Feb  7 11:58:00 vmkernel: 7:21:06:16.815 cpu23:45460)NetPort: 982: enabled port 0x3000003 with mac 00:50:56:84:5a:b1")
	if e.Vmkernel.Uptime != "7:21:06:16.815" || e.Syslog.Hostname != "" || e.NetPort.Port != 0x3000003 {
		t.Errorf("%+v", e)
	}
	if e := line("<6>Feb  7 17:31:20ESX01 vmkernel: 0:02:09:02.494 cpu3:1043)FS3: x"); e.Syslog.Hostname != "ESX01" || e.Vmkernel.World != 1043 {
		t.Errorf("%+v", e)
	}
}

func TestTrap16Stamps(t *testing.T) {
	for raw, digits := range map[string]uint8{
		"<13>2012-12-23T01:12:51Z esx1 shell[1]: ls":                  0,
		"<181>2012-12-23T01:12:51.889Z esx1 vmkernel: cpu0:1)x":       3,
		"<14>1 2021-09-06T14:40:30.285831+00:00 vc vpxd 1 - - x":      6,
		"2012-12-23T01:12:51.889Z: [netCorrelator] 1us: [esx.x] text": 3,
	} {
		if e := line(raw); e.TimeSource != event.TimeHeader || e.TimeDigits != digits {
			t.Errorf("%s: %d digits, source %q", raw, e.TimeDigits, e.TimeSource)
		}
	}
}

func TestTrap17ISOInsideRFC3164(t *testing.T) {
	if e := line("<13>2012-12-23T01:12:51.889Z esx1.example.com Hostd: text"); e.Syslog.Hostname != "esx1.example.com" || e.Message != "text" {
		t.Errorf("%+v", e)
	}
}

func TestTrap18DoubleSpace(t *testing.T) {
	for _, space := range []string{" ", "  ", ""} {
		if e := line("<14>2012-12-23T01:12:51.889Z esx1 vobd:" + space + "[netCorrelator] 1us: text"); e.Message != "[netCorrelator] 1us: text" {
			t.Errorf("%q", e.Message)
		}
	}
}

func TestTrap19Hostd(t *testing.T) {
	for raw, level := range map[string]string{
		"<166>2012-12-23T01:12:51.889Z esx1 Hostd: [2C3ECB90 info 'Default' opID=b380000c-8a] text":              "info",
		"<166>2012-12-23T01:12:51.889Z esx1 Hostd: [FF9EFAD0 error 'Statssvc'] text":                             "error",
		"<166>2012-12-23T01:12:51.889Z esx1 Hostd: warning hostd[79A7B80] [Originator@6876 sub=X] text":          "warning",
		"<166>2012-12-23T01:12:51.889Z esx1 hostd: verbose hostd[2099655] [Originator@6876 sub=X] text":          "verbose",
		"<166>2012-12-23T01:12:51.889Z esx1 Hostd[2099655]: [Originator@6876 sub=X] text":                        "",
		"<167>2012-12-23T01:12:51.889Z esx1 Rhttpproxy: verbose rhttpproxy[1] [Originator@6876 sub=Proxy] text":  "verbose",
		"Feb  7 11:58:00 esx1 Hostd: [2011-06-03 01:23:12.139 2351BB90 info 'ha-eventmgr' opID=1] Event 285 : x": "info",
		"[2008-03-09 22:43:35.924 'ha-eventmgr' 84503472 info] Event 2053 : User root@127.0.0.1 logged in":       "info",
		"<166>2012-12-23T01:12:51.889Z esx1 Hostd: info is no level here":                                        "",
		"<166>2012-12-23T01:12:51.889Z esx1 Hostd: -->  Error : Error: x":                                        "",
	} {
		e := line(raw)
		if e.Level != level {
			t.Errorf("%s: level %q, want %q", raw, e.Level, level)
		}
		if !strings.HasSuffix(raw, e.Message) {
			t.Errorf("%s: message %q", raw, e.Message)
		}
	}
}

func TestTrap20Tags(t *testing.T) {
	for raw, app := range map[string]string{
		"<166>2012-12-23T01:12:51.889Z esx1 vmkwarning Hostd: -->   key = x":    "Hostd",
		"<12>2012-12-23T01:12:51.889Z esx1 ucs-tool-esxi-inv : WARNING  : text": "ucs-tool-esxi-inv",
		"<13>2012-12-23T01:12:51.889Z esx1 host-16250 <analytics> Skip":         "host-16250",
		"<182>2012-12-23T01:12:51.889Z esx1 Starting up the system":             "",
	} {
		if e := line(raw); e.Syslog.AppName != app || e.Syslog.Hostname != "esx1" {
			t.Errorf("%s: program %q, host %q", raw, e.Syslog.AppName, e.Syslog.Hostname)
		}
	}
}

func TestTrap22Continuations(t *testing.T) {
	for raw, msg := range map[string]string{
		"<166>2026-02-07T11:59:59.000Z esx1 Hostd[9]: -->":           "-->",
		"<166>2026-02-07T11:59:59.000Z esx1 Hostd[9]: --> }":         "--> }",
		"<166>2026-02-07T11:59:59.000Z esx1 Hostd: ":                 "",
		`<166>2026-02-07T11:59:59.000Z esx1 Hostd: fault\n--> x = 1`: `fault\n--> x = 1`,
	} {
		if e := line(raw); e.Message != msg || e.Dataset != event.DatasetHostd || e.Tags != 0 {
			t.Errorf("%s: %q, %s, tags %b", raw, e.Message, e.Dataset, e.Tags)
		}
	}
}

func TestTrap23Fragments(t *testing.T) {
	e := line(`talReadBytesPerSec": 911767, "x": 1}`)
	if e.Message != e.Raw || e.Tags&event.TagNoHeader == 0 || e.Reason == "" {
		t.Errorf("%+v", e)
	}
}

func TestTrap24OctetCount(t *testing.T) {
	e := line("66 <182>1 2026-02-07T11:59:59.000Z esx9 vmkernel - - - cpu0:1)text here")
	if e.Format != event.FormatRFC5424 || e.Message != "text here" {
		t.Errorf("%+v", e)
	}
}

func TestTrap25AuditFacility(t *testing.T) {
	for _, pri := range []string{"110", "109", "107"} {
		e := line("<" + pri + `>2026-02-07T11:59:59.000Z esx1 shell[1]: [shell.cmd@6876 subject="root" result="success"]`)
		if e.Dataset != event.DatasetAudit || !strings.HasPrefix(e.Message, "[shell.cmd@6876") {
			t.Errorf("%+v", e)
		}
	}
	e := line(`<110>1 2026-02-07T11:59:59.000Z esx9 shell 1 - [shell.cmd@4413 subject="root" result="success"]`)
	if e.Dataset != event.DatasetAudit || e.Message != "" || e.Tags != 0 {
		t.Errorf("%+v", e)
	}
}

func TestTrap29LevelsDisagree(t *testing.T) {
	if e := fileLine("2022-05-17T07:39:38.357Z In(9) watchdog-vobd[1]: x", Options{}); e.Level != "info" || e.Syslog.Priority != 9 {
		t.Errorf("%+v", e)
	}
	if e := line("<166>2026-02-07T11:59:59.000Z esx1 Hostd: [FF9EFAD0 error 'Statssvc'] x"); e.Level != "error" || e.Syslog.Priority != 166 {
		t.Errorf("%+v", e)
	}
}

func TestTrap31Relays(t *testing.T) {
	e := line("Jul  1 14:30:23 192.168.8.233 2025-07-01T14:29:11.508Z esx1 shell[1]: x#012y")
	if e.Syslog.Hostname != "esx1" || e.Receiver.Relay != "192.168.8.233" || e.Message != "x#012y" || e.Format != event.FormatRelay {
		t.Errorf("%+v", e)
	}
}

func TestTrap33TwoSeverities(t *testing.T) {
	a := trapL2Sec(t, "etherswitch: L2Sec_X: client a.eth0 requested promiscuous mode on port 0x1, disallowed by vswitch policy")
	b := trapL2Sec(t, "etherswitch: L2Sec_X: client a.eth0 requested mac address change to 00:50:56:00:00:01 on port 0x1, disallowed by vswitch policy")
	if a.Kind == b.Kind || a.Violation == b.Violation {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestTrap38DVPortKey(t *testing.T) {
	e := line(trapHeader + "DVSDev: DVSDevDataSet:968: setting data com.vmware.common.port.volatile.persist on port 2675")
	if e.NetPort.Kind != event.NetPortNone || e.L2Sec.HasPort || e.Dataset != event.DatasetVmkernel {
		t.Errorf("%+v", e)
	}
}
