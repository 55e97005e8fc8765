package decode

import (
	"strings"
	"testing"

	"vswarden/event"
)

// l2sec decodes text behind the prefix that ESXi 5 to 7 put in front of it.
func l2sec(text string) event.Event {
	return line("<181>2026-02-07T11:59:59.000Z esx1 vmkernel: cpu14:1559738)" + text)
}

// The rows of the field reference, 1.2, with values for their placeholders, and the one line of
// issue 3.
func TestL2SecVariants(t *testing.T) {
	const fn = "L2Sec_EnforcePortCompliance"
	none := event.Client{Type: event.ClientUnknown}
	web := event.Client{Raw: "web-01.eth0", Type: event.ClientVM, Name: "web-01", Device: "eth0"}
	for name, tc := range map[string]struct {
		raw  string
		want event.L2Sec
		tags event.Tags
	}{
		"1a, ESX 3 and 4, promiscuous": {
			`cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance: 0x0100000f: peer not allowed promiscuous, revoking setting`,
			event.L2Sec{Kind: event.L2SecPromiscRevoked, Module: "etherswitch", Function: fn, Client: none, HasPort: true, Port: 0x100000f, Violation: event.ViolationPromiscuous, Reason: "revoking setting"},
			event.TagNoHeader,
		},
		"1a with header": {
			`<6>Feb  7 11:58:00 esx4 vmkernel: 7:21:06:14.107 cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance: 0x100000f: peer not allowed promiscuous, revoking setting`,
			event.L2Sec{Kind: event.L2SecPromiscRevoked, Module: "etherswitch", Function: fn, Client: none, HasPort: true, Port: 0x100000f, Violation: event.ViolationPromiscuous, Reason: "revoking setting"},
			0,
		},
		"1b, ESX 4, change of address": {
			`cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance: 0x100000f: peer not allowed to change address, blocking port`,
			event.L2Sec{Kind: event.L2SecPeerBlocked, Module: "etherswitch", Function: fn, Client: none, HasPort: true, Port: 0x100000f, Violation: event.ViolationMACChange, Reason: "blocking port"},
			event.TagNoHeader,
		},
		"1c, ESXi 5 file, a vmk": {
			`2012-12-23T01:12:51.889Z cpu0:352565)etherswitch: L2Sec_EnforcePortCompliance:226: client vmk0 requested promiscuous mode on port 0x1000003, disallowed by vswitch policy`,
			event.L2Sec{Kind: event.L2SecPromiscRequested, Module: "etherswitch", Function: fn, Line: 226, Client: event.Client{Raw: "vmk0", Type: event.ClientVMK, Device: "vmk0"}, HasPort: true, Port: 16777219, Violation: event.ViolationPromiscuous, Reason: "disallowed by vswitch policy"},
			0,
		},
		"1d, ESXi 5 wire, blank at the end": {
			`<181>2026-02-07T11:59:59.733Z esx.example.com vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client web-01.eth0 requested promiscuous mode on port 0x200002b, disallowed by vswitch policy `,
			event.L2Sec{Kind: event.L2SecPromiscRequested, Module: "etherswitch", Function: fn, Line: 226, Client: web, HasPort: true, Port: 0x200002b, Violation: event.ViolationPromiscuous, Reason: "disallowed by vswitch policy"},
			0,
		},
		"1e, ESXi 7, converged switch": {
			`2022-04-19T17:46:38.933Z cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:209: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]client vmk1 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`,
			event.L2Sec{Kind: event.L2SecPromiscRequested, Module: "cswitch", Function: fn, Line: 209, Client: event.Client{Raw: "vmk1", Type: event.ClientVMK, Device: "vmk1"}, HasPort: true, Port: 0x4000010, Violation: event.ViolationPromiscuous, Reason: "disallowed by vswitch policy"},
			0,
		},
		"1f, change of address": {
			`<181>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance: client web-01.eth0 requested mac address change to 00:50:56:AA:bb:01 on port 0x3000005, disallowed by vswitch policy`,
			event.L2Sec{Kind: event.L2SecMACChangeRequested, Module: "etherswitch", Function: fn, Client: web, HasPort: true, Port: 0x3000005, Violation: event.ViolationMACChange, RequestedMAC: "00:50:56:AA:bb:01", Reason: "disallowed by vswitch policy"},
			0,
		},
		"1g, blocked": {
			`<181>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance: client web-01.eth0 has policy violations on port 0x3000005. Port is blocked`,
			event.L2Sec{Kind: event.L2SecPortBlocked, Module: "etherswitch", Function: fn, Client: web, HasPort: true, Port: 0x3000005, Violation: event.ViolationPolicy},
			0,
		},
		"1h, vialations": {
			`<181>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance:356: client web-01.eth0 has policy vialations on port 0x3000005. Port is blocked`,
			event.L2Sec{Kind: event.L2SecPortBlocked, Module: "etherswitch", Function: fn, Line: 356, Client: web, HasPort: true, Port: 0x3000005, Violation: event.ViolationPolicy},
			0,
		},
		"1i, unblocked": {
			`<181>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance:370: client web-01.eth0 on port 0x3000005 is no longer blocked`,
			event.L2Sec{Kind: event.L2SecPortUnblocked, Module: "etherswitch", Function: fn, Line: 370, Client: web, HasPort: true, Port: 0x3000005},
			0,
		},
		"1i, port unblocked": {
			`<181>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu4:4123)etherswitch: L2Sec_EnforcePortCompliance: 0x3000005: port unblocked`,
			event.L2Sec{Kind: event.L2SecPortUnblocked, Module: "etherswitch", Function: fn, Client: none, HasPort: true, Port: 0x3000005},
			0,
		},
		"1j, another function": {
			`<181>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu4:4123)etherswitch: L2Sec_FilterSrcMACForgeries:99: client web-01.eth0 sent frame from 00:50:56:aa:bb:02 on port 0x3000005, dropped`,
			event.L2Sec{Kind: event.L2SecUnknown, Module: "etherswitch", Function: "L2Sec_FilterSrcMACForgeries", Line: 99, Client: event.Client{Raw: "web-01.eth0", Type: event.ClientVM, Name: "web-01", Device: "eth0"}, HasPort: true, Port: 0x3000005, Violation: event.ViolationUnknown},
			event.TagUnknownL2Sec,
		},
		"1k, ESXi 8 file": {
			`2025-01-20T16:36:35.796Z In(182) vmkernel: cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:211: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]client web-01.eth0 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`,
			event.L2Sec{Kind: event.L2SecPromiscRequested, Module: "cswitch", Function: fn, Line: 211, Client: web, HasPort: true, Port: 0x4000010, Violation: event.ViolationPromiscuous, Reason: "disallowed by vswitch policy"},
			0,
		},
		"1l, ESXi 8 wire": {
			`<182>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:211: [nsx@6876 comp="nsx-esx" subcomp="vswitch"]client web-01.eth0 requested promiscuous mode on port 0x4000010, disallowed by vswitch policy`,
			event.L2Sec{Kind: event.L2SecPromiscRequested, Module: "cswitch", Function: fn, Line: 211, Client: web, HasPort: true, Port: 0x4000010, Violation: event.ViolationPromiscuous, Reason: "disallowed by vswitch policy"},
			0,
		},
		"1m, ESX 9 RFC 5424": {
			`<182>1 2026-02-07T11:59:59.733Z esx9 vmkernel - - [esx@4413] cpu0:262261)cswitch: L2Sec_EnforcePortCompliance:211: [nsx@4413 comp="nsx-esx" subcomp="vswitch"]client web-01.eth0 requested promiscuous mode on port 0x84000006, disallowed by vswitch policy`,
			event.L2Sec{Kind: event.L2SecPromiscRequested, Module: "cswitch", Function: fn, Line: 211, Client: web, HasPort: true, Port: 2214592518, Violation: event.ViolationPromiscuous, Reason: "disallowed by vswitch policy"},
			0,
		},
		"issue 3": {
			`<181>2026-02-07T11:59:59.733Z esx1 vmkernel: cpu14:1559738)etherswitch: L2Sec_EnforcePortCompliance:226: client a on port 0x1 ], b.eth3 requested promiscuous mode on port 0x84000006, disallowed by vswitch policy `,
			event.L2Sec{Kind: event.L2SecPromiscRequested, Module: "etherswitch", Function: fn, Line: 226, Client: event.Client{Raw: "a on port 0x1 ], b.eth3", Type: event.ClientVM, Name: "a on port 0x1 ], b", Device: "eth3"}, HasPort: true, Port: 2214592518, Violation: event.ViolationPromiscuous, Reason: "disallowed by vswitch policy"},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := line(tc.raw)
			if e.L2Sec != tc.want {
				t.Errorf("\n got %+v\nwant %+v", e.L2Sec, tc.want)
			}
			if got := e.Tags &^ event.TagClockSkew; got != tc.tags {
				t.Errorf("tags %b, want %b (%s)", got, tc.tags, e.Reason)
			}
			if e.Dataset != event.DatasetL2Sec {
				t.Errorf("dataset %s", e.Dataset)
			}
			if !strings.HasPrefix(e.Message, e.L2Sec.Module+": L2Sec_") {
				t.Errorf("message %q", e.Message)
			}
			checkStrings(t, &e)
		})
	}
}

// Names that a vSphere admin may give a VM. The line is read from the right, so that none of them
// can pretend to be another VM or another port.
func TestL2SecNamesOfVMs(t *testing.T) {
	for _, name := range []string{
		"plain", "with blank", "dots.in.it", "a.eth0", "eth0", "on port 0x1", "x on port 0x1, disallowed by vswitch policy",
		"x, disallowed by vswitch policy", "brackets [and] (parens)", "OI (3adadd61-75c1-4af2-9d76-ff467e42e965)",
		"x requested promiscuous mode", "client client", "client y requested promiscuous mode on port 0x2, disallowed by vswitch policy",
		"x requested mac address change to 00:50:56:00:00:01", "x has policy violations", "x has policy violations on port 0x9. Port is blocked",
		"Port is blocked", "unblock", "no longer blocked", "0x100000f: peer not allowed promiscuous, revoking setting",
		"größer-ñandú-東京", "\"quoted\"", "back\\slash", "cpu0:1)", "[nsx@6876 x]", "L2Sec_Fake: x", "trailing.", "vmk", "vmk0x", "vmnic", "management",
		"NetPort: 1: enabled port 0x1", "tab\there", "nbsp\u00a0here", "x. Port is blocked", " ", "-", "#012", "%2f",
	} {
		for form, want := range map[string]event.L2SecKind{
			"client %s.eth1 requested promiscuous mode on port 0x3000007, disallowed by vswitch policy":                        event.L2SecPromiscRequested,
			"client %s.eth1 requested mac address change to 00:50:56:aa:bb:cc on port 0x3000007, disallowed by vswitch policy": event.L2SecMACChangeRequested,
			"client %s.eth1 has policy violations on port 0x3000007. Port is blocked":                                          event.L2SecPortBlocked,
			"client %s ethernet1 has policy vialations on port 0x3000007. Port is blocked ":                                    event.L2SecPortBlocked,
		} {
			e := l2sec("etherswitch: L2Sec_EnforcePortCompliance:226: " + strings.Replace(form, "%s", name, 1))
			l := e.L2Sec
			if l.Kind != want || !l.HasPort || l.Port != 0x3000007 || l.Client.Name != name || l.Client.Type != event.ClientVM || e.Tags != 0 {
				t.Errorf("VM %q, %s: %+v, tags %b", name, form, l, e.Tags)
			}
			if want == event.L2SecMACChangeRequested && l.RequestedMAC != "00:50:56:aa:bb:cc" {
				t.Errorf("VM %q: MAC %q", name, l.RequestedMAC)
			}
			if !strings.HasSuffix(l.Client.Device, "1") {
				t.Errorf("VM %q: device %q", name, l.Client.Device)
			}
		}
	}
}

func TestL2SecPorts(t *testing.T) {
	for port, want := range map[string]uint32{
		"0x1000003": 16777219, "0x01000003": 16777219, "0x000000000001000003": 16777219, "0X1000003": 16777219,
		"0x84000006": 2214592518, "0xFFFFFFFF": 1<<32 - 1, "0x0": 0, "0xabcdef": 0xabcdef,
		"0x1 000003": 0x1000003, "0x8 4000006": 0x84000006, // the KB's blank
	} {
		e := l2sec("etherswitch: L2Sec_EnforcePortCompliance: client a.eth0 requested promiscuous mode on port " + port + ", disallowed by vswitch policy")
		if !e.L2Sec.HasPort || e.L2Sec.Port != want || e.Tags != 0 {
			t.Errorf("%s: %+v, tags %b", port, e.L2Sec, e.Tags)
		}
	}
	for _, port := range []string{
		"0x100000000", "0x1FFFFFFFFF", "0x", "1000003", "0xN nnnnnnn", "0x# #######", "0xnnnnnnn", "0x100000g", "0x1000003 5",
		"0x10 0000003", "0x1 zzzzzz", "0x1000003_", "", " 0x1000003",
	} {
		e := l2sec("etherswitch: L2Sec_EnforcePortCompliance: client a.eth0 requested promiscuous mode on port " + port + ", disallowed by vswitch policy")
		if e.L2Sec.HasPort || e.L2Sec.Kind != event.L2SecPromiscRequested || e.L2Sec.Client.Name != "a" || e.Tags&event.TagParsePartial == 0 {
			t.Errorf("%q: %+v, tags %b", port, e.L2Sec, e.Tags)
		}
		if !strings.Contains(e.Message, "on port "+port+",") {
			t.Errorf("%q is not kept: %s", port, e.Message)
		}
	}
}

// A UDP frame of ESXi ends after 480 bytes: what is left is used, but a port that may have lost
// digits is none.
func TestL2SecCutShort(t *testing.T) {
	const whole = "etherswitch: L2Sec_EnforcePortCompliance:226: client web-01.eth0 requested promiscuous mode on port 0x3000005, disallowed by vswitch policy"
	comma := strings.LastIndex(whole, ", ")
	for i := len(whole) - 1; i > len("etherswitch: L2Sec_EnforcePortCompliance"); i-- {
		e := l2sec(whole[:i])
		l := e.L2Sec
		if l.HasPort && l.Port != 0x3000005 {
			t.Fatalf("%q: port %#x", whole[:i], l.Port)
		}
		if i <= comma && l.HasPort {
			t.Fatalf("%q: a port that may go on", whole[:i])
		}
		if l.Client.Name != "" && l.Client.Name != "web-01" && l.Kind != event.L2SecUnknown {
			t.Fatalf("%q: client %+v", whole[:i], l.Client)
		}
		if e.Tags&(event.TagParsePartial|event.TagUnknownL2Sec) == 0 && !l.HasPort {
			t.Fatalf("%q: neither port nor tag: %+v", whole[:i], l)
		}
	}
}

func TestL2SecUnknown(t *testing.T) {
	for text, want := range map[string]event.L2Sec{
		"cswitch: L2Sec_NewThing: something new happened": {Module: "cswitch", Function: "L2Sec_NewThing"},
		"cswitch: L2Sec_NewThing:12: client a b.eth0 requested jumbo mode on port 0x3000005, disallowed": {
			Module: "cswitch", Function: "L2Sec_NewThing", Line: 12, HasPort: true, Port: 0x3000005,
			Client: event.Client{Raw: "a b.eth0", Type: event.ClientVM, Name: "a b", Device: "eth0"},
		},
		"cswitch: L2Sec_NewThing: 0x3000005: peer sent 00:50:56:aa:bb:cc": {Module: "cswitch", Function: "L2Sec_NewThing", HasPort: true, Port: 0x3000005, RequestedMAC: "00:50:56:aa:bb:cc"},
		"cswitch: L2Sec_NewThing: flags 0x12 on port 0x3000005":           {Module: "cswitch", Function: "L2Sec_NewThing", HasPort: true, Port: 0x3000005},
		"cswitch: L2Sec_NewThing: flags 0x12 and 0x13":                    {Module: "cswitch", Function: "L2Sec_NewThing"},
		"cswitch: L2Sec_NewThing":                                         {Module: "cswitch", Function: "L2Sec_NewThing"},
		"cswitch: L2Sec_":                                                 {Module: "cswitch", Function: "L2Sec_"},
		"L2Sec_NewThing: text":                                            {Function: "L2Sec_NewThing"},
	} {
		want.Kind, want.Violation = event.L2SecUnknown, event.ViolationUnknown
		if want.Client.Type == "" {
			want.Client.Type = event.ClientUnknown
		}
		e := l2sec(text)
		if e.L2Sec != want || e.Tags != event.TagUnknownL2Sec || e.Dataset != event.DatasetL2Sec || e.Message != text {
			t.Errorf("%s\n got %+v, tags %b, message %q\nwant %+v", text, e.L2Sec, e.Tags, e.Message, want)
		}
	}
}

// A line that only quotes the function is not one of the switch's.
func TestL2SecQuoted(t *testing.T) {
	for _, raw := range []string{
		"<13>2026-02-07T11:59:59Z esx1 shell[1]: [root]: grep L2Sec_EnforcePortCompliance /var/log/vmkernel.log",
		"<181>2026-02-07T11:59:59Z esx1 vmkernel: cpu0:1)UserDump: 1: argv grep L2Sec_EnforcePortCompliance: x",
		"<166>2026-02-07T11:59:59Z esx1 Hostd: text: L2Sec_EnforcePortCompliance: 0x1: peer not allowed promiscuous, revoking setting",
	} {
		if e := line(raw); e.L2Sec.Kind != event.L2SecNone || e.Dataset == event.DatasetL2Sec {
			t.Errorf("%s: %+v", raw, e.L2Sec)
		}
	}
}

func TestL2SecModulesAndLevels(t *testing.T) {
	for _, prefix := range []string{"", "WARNING: ", "ALERT: ", "<6>", "<4>WARNING: "} {
		for _, module := range []string{"etherswitch", "cswitch", "nsxt-vswitch", "VSwitch2"} {
			text := prefix + module + ": L2Sec_EnforcePortCompliance:1: client vmnic2 requested promiscuous mode on port 0x2000002, disallowed by vswitch policy."
			e := l2sec(text)
			if e.L2Sec.Module != module || e.Logger != module || e.L2Sec.Kind != event.L2SecPromiscRequested || e.L2Sec.Client.Type != event.ClientVMNIC || e.Message != text {
				t.Errorf("%s: %+v", text, e.L2Sec)
			}
		}
	}
	if e := line("<177>2026-02-07T11:59:59Z esx1 vmkalert: cpu0:1)ALERT: cswitch: L2Sec_X: 0x1: peer not allowed promiscuous, revoking setting"); e.Level != "alert" || e.L2Sec.Kind != event.L2SecPromiscRevoked {
		t.Errorf("level %q, %+v", e.Level, e.L2Sec)
	}
}

func TestSplitClient(t *testing.T) {
	for raw, want := range map[string]event.Client{
		"":                     {Type: event.ClientUnknown},
		"web-01.eth0":          {Type: event.ClientVM, Name: "web-01", Device: "eth0"},
		"web-01 ethernet2":     {Type: event.ClientVM, Name: "web-01", Device: "ethernet2"},
		"web-01.ethernet12":    {Type: event.ClientVM, Name: "web-01", Device: "ethernet12"},
		"web-01":               {Type: event.ClientVM, Name: "web-01"},
		"a.eth0.eth1":          {Type: event.ClientVM, Name: "a.eth0", Device: "eth1"},
		"a.eth":                {Type: event.ClientVM, Name: "a.eth"},
		"a.beth0":              {Type: event.ClientVM, Name: "a.beth0"},
		"eth0":                 {Type: event.ClientVM, Name: "eth0"},
		".eth0":                {Type: event.ClientVM, Name: ".eth0"},
		"vmk0":                 {Type: event.ClientVMK, Device: "vmk0"},
		"vmk12":                {Type: event.ClientVMK, Device: "vmk12"},
		"vmk":                  {Type: event.ClientVM, Name: "vmk"},
		"vmk0.eth0":            {Type: event.ClientVM, Name: "vmk0", Device: "eth0"},
		"vmnic2":               {Type: event.ClientVMNIC, Device: "vmnic2"},
		"Management":           {Type: event.ClientSystem},
		"vdr-vdrPort":          {Type: event.ClientSystem},
		"ManagementVM.eth0":    {Type: event.ClientVM, Name: "ManagementVM", Device: "eth0"},
		"OI (3adadd61-2).eth0": {Type: event.ClientVM, Name: "OI (3adadd61-2)", Device: "eth0"},
	} {
		want.Raw = raw
		if got := splitClient(raw); got != want {
			t.Errorf("%q: %+v, want %+v", raw, got, want)
		}
	}
}
